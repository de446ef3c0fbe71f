"""Codes that another terminology server settles: https://hl7.org/fhir/R5/terminologies.html#strength."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from service.errors import Unprocessable
from service.fhir.json import dumps, parse
from service.fhir.library import Library
from service.interactions.policy import Policy
from service.rules import build_policy, open_library
from service.settings import Settings
from service.terminology.base import Verdict
from service.terminology.service import TerminologyService
from tests.support.profiles import BASE, Json, profile

pytestmark = pytest.mark.anyio

SNOMED = "http://snomed.info/sct"
CODES = f"{BASE}/ValueSet/codes"
CODED = f"{BASE}/StructureDefinition/coded"


class Server:
    """A terminology server that knows some codes, and of all others that they are wrong; None: nothing at all."""

    def __init__(self, right: Sequence[str] | None) -> None:
        self.right = right
        self.asked: list[str] = []

    async def ask(self, questions: Sequence[Any]) -> list[Verdict]:
        """Answer each question."""
        self.asked += [question.code for question in questions]
        return [Verdict(None if self.right is None else question.code in self.right) for question in questions]


def policy(strength: str) -> Policy:
    """Return a policy with a profile of Basic whose code is bound to a value set that is not known here."""
    library = Library(open_library((), "~/.fhir/packages"))
    library.add(profile(CODED, "Basic", {"path": "code", "binding": {"strength": strength, "valueSet": CODES}}))
    include = [{"system": SNOMED}]
    value_set = {"resourceType": "ValueSet", "url": CODES, "status": "active", "compose": {"include": include}}
    library.add(value_set)
    return build_policy(Settings(), library, TerminologyService(library))


def basic(*codes: str) -> Json:
    """Return a Basic with these codes that claims the profile."""
    coding = [{"system": SNOMED, "code": code} for code in codes]
    return {"resourceType": "Basic", "meta": {"profile": [CODED]}, "code": {"coding": coding}}


async def found(strength: str, server: Server | None, *codes: str) -> list[tuple[str, str, str]]:
    """Return severity, code and place of what is said of the binding."""
    issues = await policy(strength).issues(basic(*codes), external=server)  # type: ignore[arg-type]  # asked only so
    return [(each.severity, each.code, each.expression[0]) for each in issues if each.rule == "binding"]


PLACE = "Basic.code.coding[0]"
OPEN = [("warning", "not-supported", PLACE)]


async def test_without_a_server_a_question_stays_open() -> None:
    """A code that is not known here is a warning, never right and never wrong; so it is where nobody answers."""
    assert await found("required", None, "1") == OPEN
    assert await found("required", Server(None), "1") == OPEN


async def test_a_code_that_is_right() -> None:
    """The server knows it: there is nothing to say."""
    assert await found("required", Server(["1"]), "1") == []


@pytest.mark.parametrize(("strength", "severity"), [("required", "error"), ("extensible", "warning")])
async def test_a_code_that_is_wrong(strength: str, severity: str) -> None:
    """The server knows that it is not in the value set: as wrong as the strength of the binding makes it."""
    assert await found(strength, Server([]), "1") == [(severity, "code-invalid", PLACE)]


async def test_one_of_several_codings() -> None:
    """A concept is right if one of its codings is, and wrong only if each of them is."""
    second = "Basic.code.coding[1]"
    assert await found("required", Server(["2"]), "1", "2") == []
    assert await found("required", Server([]), "1", "2") == [
        ("error", "code-invalid", PLACE),
        ("error", "code-invalid", second),
    ]


async def test_nothing_is_asked_without_need() -> None:
    """A resource without open questions costs no request."""
    server = Server([])
    await policy("required").issues({"resourceType": "Basic", "code": {"text": "x"}}, external=server)  # type: ignore[arg-type]
    assert server.asked == []


async def test_a_write_waits_for_the_answer() -> None:
    """What another server knows to be wrong is refused as if it were known here."""
    document = parse(dumps(basic("1")))
    with pytest.raises(Unprocessable, match="required value set"):
        await policy("required").judge(document, Server([]))  # type: ignore[arg-type]
    judged = await policy("required").judge(document, Server(["1"]))  # type: ignore[arg-type]
    assert [each for each in judged.warnings if each.rule == "binding"] == []
