"""Nothing of a record is lost without a word."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from service.fhir.json import dumps
from service.registry.ctgov.account import kind_of
from service.registry.ctgov.build import Built, build
from service.registry.ctgov.record import leaves
from service.registry.ctgov.vocabulary import words
from tests.support.ctgov import large, small
from tools.ctgov_account import examine

NCT = "protocolSection.identificationModule.nctId"


@cache
def whole() -> Built:
    """The large record, built."""
    return build(large())


def text_of(built: Built) -> str:
    """All that is in FHIR, except for the copy of the record."""
    kept = [each for each in built.resources if each["resourceType"] not in ("Binary", "DocumentReference")]
    return "\n".join(str(value) for _, value in leaves(kept)).casefold()


def steps(path: str) -> list[str | int]:
    """The names and positions of a path."""
    parts = path.replace("]", "").replace("[", ".#").split(".")
    return [int(part[1:]) if part.startswith("#") else part for part in parts]


def changed(values: Mapping[str, object]) -> dict[str, Any]:
    """The large record with other values at some paths; without them where the value is None."""
    record = large()
    for path in reversed(list(values)):  # the last of a list first, so that the places of the others hold
        *above, last = steps(path)
        place: Any = record
        for step in above:
            place = place[step]
        if values[path] is None:
            del place[last]
        else:
            place[last] = values[path]
    return record


def mark(number: int, value: object) -> Any:
    """Another value of the same kind, such as the record does not have; truths stay as they are."""
    text = str(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, Decimal)):
        return 7000 + number
    if DATE.fullmatch(text):
        return f"{2040 + number % 50}{text[4:]}"
    if text.isdigit():
        return str(7000 + number)
    if text.replace(".", "").isdigit():
        return f"{7000 + number}.25"
    if text.isupper() and text.replace("_", "").isalpha():
        return "ELSE_" + "".join(chr(65 + int(digit)) for digit in str(number))
    return f"{text} Changed{number}"


def unmapped(built: Built) -> set[str]:
    """The kinds of places whose values are said not to be in FHIR."""
    return {each.path for each in (*built.account.unmapped, *built.account.left_out)}


DATE = re.compile(r"\d{4}-\d\d(-\d\d)?")
VALUES = {path: value for path, value in leaves(large()) if path != NCT}
NUMBERS = {path: number for number, path in enumerate(VALUES)}
PARTS = 16
KEYS = re.compile(
    r"(groupId|groupIds\[\d\]|roups\[\d\]\.id|Names\[\d\]|Labels\[\d\]|armGroups\[\d\]\.label|interventions\[\d\]\.(name|type))$"
)
"""What other parts of the record refer to, or refer to it by."""
CODED = re.compile(r"(DateStruct|enrollmentInfo|armGroups\[\])\.type$")
"""Values that are only in FHIR as the code or the truth that they stand for, and are reported if unknown."""
PLAIN = [path for path in VALUES if not KEYS.search(path)]


def lost(marked: Mapping[str, object], built: Built) -> list[str]:
    """The places of values that are neither in FHIR nor reported."""
    text, reported = text_of(built), unmapped(built)
    return [
        path
        for path, value in marked.items()
        if kind_of(path) not in reported
        and not isinstance(value, bool)
        and str(value).casefold() not in text
        and words(str(value)).casefold() not in text
    ]


@pytest.mark.parametrize("part", range(PARTS))
def test_every_value_arrives(part: int) -> None:
    """Issue 6, part 4: a value that is changed is in FHIR as changed, unless it is of a kind that never is."""
    marked = {path: mark(NUMBERS[path], VALUES[path]) for path in PLAIN[part::PARTS]}
    built = build(changed(marked))
    assert lost(marked, built) == []
    assert [path for path in unmapped(built) - unmapped(whole()) if not CODED.search(path)] == []


@pytest.mark.parametrize("path", [path for path in VALUES if KEYS.search(path)])
def test_what_refers_to_nothing_is_reported(path: str) -> None:
    """A value that hangs on another is in FHIR where the two fit, and reported where they do not."""
    marked = {path: mark(NUMBERS[path], VALUES[path])}
    built = build(changed(marked))
    assert lost(marked, built) == []
    assert (
        built.account.number_unmapped + built.account.mapped == whole().account.number_unmapped + whole().account.mapped
    )


@pytest.mark.parametrize("path", [path for path, value in VALUES.items() if isinstance(value, bool)])
def test_a_truth_that_is_changed_makes_a_difference(path: str) -> None:
    """The same of what is true or false."""
    built = build(changed({path: not VALUES[path]}))
    assert kind_of(path) in unmapped(built) or text_of(built) != text_of(whole())


@pytest.mark.parametrize("part", range(PARTS))
def test_every_value_may_be_missing(part: int) -> None:
    """No value but the number is required, and the sums agree whichever are missing."""
    missing = dict.fromkeys(list(VALUES)[part::PARTS])
    account = build(changed(missing)).account
    assert account.total == whole().account.total - len(missing)
    assert account.total == account.mapped + account.number_left_out + account.number_unmapped


def test_the_sums_of_a_record() -> None:
    """Each value is in exactly one of: in FHIR, deliberately left out, not mapped."""
    account = whole().account
    assert account.total == len(list(leaves(large())))
    assert account.total == account.mapped + account.number_left_out + account.number_unmapped


def test_what_is_not_mapped_of_what_the_api_describes() -> None:
    """Of all that the description of the API has, only annotations about late results have no place here."""
    assert {each.path.split(".")[0] for each in whole().account.unmapped} == {"annotationSection"}
    assert {each.reason for each in whole().account.unmapped} != {""}


def test_what_is_unknown_is_reported_with_its_number() -> None:
    """A member that no description of the API has is reported, with its place and how many values there are."""
    record = small()
    record["protocolSection"]["newModule"] = {"things": [{"name": "a"}, {"name": "b"}]}
    [found] = build(record).account.unmapped
    assert (found.path, found.count) == ("protocolSection.newModule.things[].name", 2)


def test_people_are_left_out_everywhere() -> None:
    """ADR 11: names of people and how to reach them are neither in FHIR nor in the copy of the record."""
    built = whole()
    everything = dumps(list(built.resources)).decode()
    binary = next(each for each in built.resources if each["resourceType"] == "Binary")
    for text in (everything, base64.b64decode(binary["data"]).decode()):
        for personal in ("Invented Contact", "a@b.example", "Invented Person", "Older Person", "Invented Official"):
            assert personal not in text
    assert "protocolSection.contactsLocationsModule.locations[].contacts[].email" in {
        each.path for each in built.account.left_out
    }


@pytest.mark.parametrize("record", [small(), large()], ids=["small", "large"])
def test_the_tool_finds_every_value(record: dict[str, Any]) -> None:
    """tools/ctgov_account.py finds each value that counts as mapped, and says where one is missing."""
    verdict = examine(record)
    assert verdict.missing == []
    assert verdict.good


def test_the_tool_notices_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that was read and did not arrive is named: the tool does not believe the account."""
    good = build(small())
    without = [{**each, "title": "x"} if "title" in each else each for each in good.resources]
    monkeypatch.setattr("tools.ctgov_account.build", lambda _: Built(good.nct, without, good.account))
    assert [place.partition(":")[0] for place in examine(small()).missing] == [
        "protocolSection.identificationModule.briefTitle"
    ]
