"""An external terminology server: https://hl7.org/fhir/R5/terminology-service.html."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
import pytest

from service.terminology import external
from service.terminology.external import ATTEMPTS, REMEMBERED, SILENT, connect
from tests.support.terminology_server import SNOMED, TerminologyServer

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Asked:
    """A question as a validator has it."""

    code: str = "22298006"
    value_set: str | None = "http://v.test"
    system: str | None = SNOMED
    version: str | None = None
    display: str | None = None


@pytest.fixture
def server() -> TerminologyServer:
    """A server that answers."""
    return TerminologyServer()


async def test_questions_are_answered(server: TerminologyServer) -> None:
    """Each question gets its verdict, with display or message, in the order of the questions."""
    yes, no = await server.client().ask([Asked(), Asked("1")])
    assert (yes.result, yes.display) == (True, "Myocardial infarction")
    assert (no.result, no.message) == (False, "1 is unheard of")


async def test_what_is_asked(server: TerminologyServer) -> None:
    """valueset-operation-validate-code, and codesystem-operation-validate-code where there is no value set."""
    questions = [Asked(version="2024", display="x"), Asked(system=None), Asked(value_set=None, version="2024")]
    for question in questions:
        await server.client().ask([question])
    [(path, first), (_, bare), (other, system)] = server.asked
    assert (path, other) == ("/r5/ValueSet/$validate-code", "/r5/CodeSystem/$validate-code")
    assert {"name": "url", "valueUri": "http://v.test"} in first["parameter"]
    assert {"name": "system", "valueUri": SNOMED} in first["parameter"]
    assert {"name": "systemVersion", "valueString": "2024"} in first["parameter"]
    assert {"name": "display", "valueString": "x"} in first["parameter"]
    assert {"name": "inferSystem", "valueBoolean": True} in bare["parameter"]
    assert {"name": "url", "valueUri": SNOMED} in system["parameter"]
    assert {"name": "version", "valueString": "2024"} in system["parameter"]


async def test_answers_are_remembered_for_a_while(server: TerminologyServer) -> None:
    """The same question is put once, until its answer is old."""
    client = server.client()
    await client.ask([Asked()])
    server.now = REMEMBERED - 1
    await client.ask([Asked()])
    assert len(server.asked) == 1
    server.now = REMEMBERED
    await client.ask([Asked()])
    assert len(server.asked) == 2


async def test_no_more_answers_are_remembered_than_there_is_room_for(
    server: TerminologyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest answer goes first."""
    monkeypatch.setattr(external, "ANSWERS", 2)
    client = server.client()
    for code in ("1", "2", "3", "2", "1"):
        await client.ask([Asked(code)])
    assert [each["parameter"][0]["valueCode"] for _, each in server.asked] == ["1", "2", "3", "1"]


@pytest.mark.parametrize(
    "failure", [500, 503, 429, httpx.ReadTimeout("late"), httpx.ConnectError("gone"), TimeoutError()]
)
async def test_a_failure_is_tried_again(server: TerminologyServer, failure: int | Exception) -> None:
    """What may pass is asked for again, a few times."""
    server.fails = [failure] * (ATTEMPTS - 1)
    [verdict] = await server.client().ask([Asked()])
    assert verdict.result is True
    assert len(server.asked) == ATTEMPTS


async def test_a_server_that_fails_leaves_the_question_open_and_is_left_alone(server: TerminologyServer) -> None:
    """After some attempts the question stays open, and for a while nothing is asked at all."""
    server.fails = [500] * ATTEMPTS
    client = server.client()
    assert [each.result for each in await client.ask([Asked()])] == [None]
    server.now = SILENT - 1
    assert [each.result for each in await client.ask([Asked("1")])] == [None]
    assert len(server.asked) == ATTEMPTS
    server.now = SILENT
    assert [each.result for each in await client.ask([Asked()])] == [True]


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"<html>",
        b"[]",
        b'"yes"',
        b"{}",
        b'{"resourceType":"Bundle"}',
        b'{"resourceType":"Parameters"}',
        b'{"resourceType":"Parameters","parameter":{}}',
        b'{"resourceType":"Parameters","parameter":[7,{"name":"result"}]}',
        b'{"resourceType":"Parameters","parameter":[{"name":"result","valueString":"true"}]}',
        b'{"resourceType":"Parameters","parameter":[{"name":"result","valueBoolean":"true"}]}',
        b'{"resourceType":"Parameters","parameter":[{"name":"result","valueBoolean":true}]',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
async def test_nonsense_leaves_the_question_open(server: TerminologyServer, nonsense: bytes) -> None:
    """An answer that is not one says nothing, and breaks nothing."""
    server.fails = [nonsense]
    [verdict] = await server.client().ask([Asked()])
    assert verdict.result is None


async def test_a_refusal_is_the_last_word(server: TerminologyServer) -> None:
    """A status that will not change is not asked for again, and leaves the question open."""
    server.fails = [404]
    [verdict] = await server.client().ask([Asked()])
    assert verdict.result is None
    assert len(server.asked) == 1


async def test_an_answer_without_end_is_not_read(server: TerminologyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """More bytes than an answer can have are no answer."""
    monkeypatch.setattr(external, "LARGEST", 10)
    [verdict] = await server.client().ask([Asked()])
    assert verdict.result is None


async def test_a_server_that_is_not_there() -> None:
    """Nothing listens at the address: the question stays open."""
    client = connect("http://127.0.0.1:1/fhir")
    client._pause = 0
    try:
        assert [each.result for each in await client.ask([Asked()])] == [None]
    finally:
        await client.close()
