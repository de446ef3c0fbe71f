"""Composition of value sets: https://hl7.org/fhir/R5/valueset.html#compositions."""

from __future__ import annotations

import pytest

from service.errors import RegistryError, Unprocessable
from service.terminology.compose import TOO_COSTLY, Versions
from tests.unit.terminology.making import ALL, DISEASES, Json, S, codes, filtered, part, service, value_set

LEUKAEMIAS = value_set(filtered("concept", "is-a", "leukaemia"), url="http://v.test/leukaemias")
ACUTE = value_set(part(concept=[{"code": "aml"}, {"code": "all"}, {"code": "old"}]), url="http://v.test/acute")
FOREIGN = value_set(filtered("concept", "is-a", "1", "http://snomed.info/sct"), url="http://v.test/foreign")
KNOWN = service(DISEASES, LEUKAEMIAS, ACUTE, FOREIGN)


def test_a_whole_system() -> None:
    """valueset.html#include: a system without concepts and filters stands for all of its codes."""
    assert codes(KNOWN.members_of(value_set(part()))) == ALL


def test_enumerated() -> None:
    """valueset.html#include: concepts that are listed; one that the whole system lacks is no code."""
    members = KNOWN.members_of(value_set(part(concept=[{"code": "aml"}, {"code": "nothing"}])))
    assert codes(members) == {"aml"}
    assert members.has(S, "nothing") is False


def test_enumerated_of_a_system_that_is_not_known() -> None:
    """What is listed is in the set and what is not listed is not, whether or not the system is known."""
    members = KNOWN.members_of(value_set(part("http://snomed.info/sct", concept=[{"code": "1"}])))
    assert [members.has("http://snomed.info/sct", code) for code in ("1", "2")] == [True, False]
    assert members.gaps == ()


def test_displays() -> None:
    """valueset-compose.include.concept.display: the value set's own text goes before the system's."""
    members = KNOWN.members_of(value_set(part(concept=[{"code": "aml", "display": "Mine"}, {"code": "apl"}])))
    assert [each.display for each in members] == ["Mine", "Acute promyelocytic leukaemia"]


def test_parts_are_a_union() -> None:
    """valueset.html#compositions: includes add to each other, each code once."""
    members = KNOWN.members_of(value_set(part(concept=[{"code": "aml"}]), filtered("concept", "is-a", "aml")))
    assert [each.concept.code for each in members] == ["aml", "apl"]


def test_a_value_set_in_another() -> None:
    """valueset.html#include: a part that names value sets has what is in all of them, and in the system beside them."""
    both = {"valueSet": [LEUKAEMIAS["url"], ACUTE["url"]]}
    assert codes(KNOWN.members_of(value_set(both))) == {"aml", "all"}
    assert codes(KNOWN.members_of(value_set({"valueSet": [LEUKAEMIAS["url"]]}))) == {"leukaemia", "aml", "apl", "all"}
    assert codes(KNOWN.members_of(value_set({**filtered("code", "regex", "a.l"), **both}))) == {"aml", "all"}


def test_exclude() -> None:
    """valueset.html#compositions: what is excluded is not in the set, however it was included."""
    without = value_set(part(), exclude=(filtered("concept", "is-a", "aml"), {"valueSet": [ACUTE["url"]]}))
    assert codes(KNOWN.members_of(without)) == {"leukaemia", "aged"}
    assert KNOWN.members_of(without).has(S, "aml") is False


def test_inactive_codes() -> None:
    """valueset-compose.inactive: false leaves inactive codes out, however they were chosen."""
    whole, listed = part(), part(concept=[{"code": "old"}, {"code": "aml"}])
    assert codes(KNOWN.members_of(value_set(whole, inactive=False))) == ALL - {"old"}
    assert codes(KNOWN.members_of(value_set(listed, inactive=False))) == {"aml"}
    assert codes(KNOWN.members_of(value_set(listed, inactive=True))) == {"old", "aml"}


def test_circles_are_an_error() -> None:
    """A value set that includes itself, at whatever distance, says so instead of never ending."""
    one = value_set({"valueSet": ["http://v.test/two"]}, url="http://v.test/one")
    two = value_set(part(), exclude=({"valueSet": ["http://v.test/one"]},), url="http://v.test/two")
    known = service(DISEASES, one, two)
    with pytest.raises(Unprocessable, match=r"includes itself: .*/one -> .*/two -> .*/one"):
        known.members("http://v.test/one")
    verdict = known.in_value_set("http://v.test/one", S, "aml")
    assert verdict.result is None
    assert "includes itself" in (verdict.message or "")


def test_many_ways_to_the_same_set() -> None:
    """Value sets that use each other at several places, over many levels, are composed and asked once each."""
    nowhere = {"valueSet": ["http://v.test/nowhere"]}
    sets = [value_set(nowhere, url="http://v.test/0")]
    for level in range(1, 40):
        below = {"valueSet": [f"http://v.test/{level - 1}"]}
        sets.append(value_set(below, below, {**part(), **below}, url=f"http://v.test/{level}"))
    known = service(DISEASES, *sets)
    assert known.in_value_set("http://v.test/39", S, "aml").result is None
    deep = [value_set({"valueSet": [f"http://d.test/{n + 1}"]}, url=f"http://d.test/{n}") for n in range(1000)]
    verdict = service(*deep).in_value_set("http://d.test/0", S, "aml")
    assert verdict.result is None
    assert "more than 50 levels" in (verdict.message or "")


@pytest.mark.parametrize(
    "include",
    [
        part("http://snomed.info/sct"),
        {"valueSet": ["http://v.test/nowhere"]},
        {"valueSet": ["http://v.test/foreign"]},
        part(version="2"),
    ],
)
def test_what_is_not_known_is_not_known(include: Json) -> None:
    """A system, a value set or a version that is not here leaves the question open, and other parts are not touched."""
    members = KNOWN.members_of(value_set(include, part(concept=[{"code": "aml"}])))
    system = include.get("system", "http://snomed.info/sct")
    assert members.has(system, "x") is None
    assert members.has(S, "aml") is True
    assert {gap.code for gap in members.gaps} == {"not-found"}


def test_what_is_excluded_may_not_be_known() -> None:
    """Where it cannot be told whether a code is excluded, it cannot be told whether it is in the set."""
    members = KNOWN.members_of(value_set(part(), exclude=({"valueSet": ["http://v.test/nowhere"]},)))
    assert members.has(S, "aml") is None
    assert members.has(S, "nothing") is False
    other = KNOWN.members_of(value_set(part(), exclude=(part("http://snomed.info/sct"),)))
    assert other.has(S, "aml") is True
    assert other.gaps == ()


def test_an_intersection_with_what_is_not_known() -> None:
    """What one of the sets surely lacks is in no intersection."""
    members = KNOWN.members_of(value_set({"valueSet": [ACUTE["url"], "http://v.test/nowhere"]}))
    assert [members.has(S, code) for code in ("aml", "apl")] == [None, False]


def test_a_grammar_cut_by_a_list() -> None:
    """Of a set without an end and one that is listed, what is in both can be listed."""
    listed = value_set(part("urn:ietf:bcp:47", concept=[{"code": "de-AT"}, {"code": "not one"}]), url="http://v.test/l")
    known = service(DISEASES, listed)
    members = known.members_of(value_set({"system": "urn:ietf:bcp:47", "valueSet": ["http://v.test/l"]}))
    assert codes(members) == {"de-AT"}
    assert members.gaps == ()


def test_an_expansion_that_came_along() -> None:
    """Where a definition cannot be followed here, the expansion in the resource tells; where it is whole, all of it."""
    expansion = {"contains": [{"system": "http://snomed.info/sct", "code": "1", "contains": [
        {"system": "http://snomed.info/sct", "code": "2", "abstract": True}]}]}  # fmt: skip
    members = KNOWN.members_of({**FOREIGN, "expansion": expansion})
    assert [members.has("http://snomed.info/sct", code) for code in "123"] == [True, True, False]
    found = members.find("http://snomed.info/sct", "2")
    assert found is not None
    assert found.verdict.result is False
    cut = {**expansion, "extension": [{"url": TOO_COSTLY, "valueBoolean": True}]}
    assert KNOWN.members_of({**FOREIGN, "expansion": cut}).has("http://snomed.info/sct", "3") is None
    more = {**expansion, "total": 5}
    assert KNOWN.members_of({**FOREIGN, "expansion": more}).has("http://snomed.info/sct", "3") is None
    assert codes(KNOWN.members_of({**ACUTE, "expansion": expansion})) == {"aml", "all", "old"}


def test_versions_of_systems() -> None:
    """expand: system-version where none is named, force-system-version always, check-system-version or an error."""
    second = {**DISEASES, "version": "2", "concept": [{"code": "new"}]}
    known = service(DISEASES, second)
    open_, first = value_set(part()), value_set(part(version="1"))
    assert codes(known.members_of(open_)) == {"new"}
    assert codes(known.members_of(first)) == ALL
    assert codes(known.members_of(open_, Versions(default={S: "1"}))) == ALL
    assert codes(known.members_of(first, Versions(default={S: "2"}))) == ALL
    assert codes(known.members_of(first, Versions(force={S: "2"}))) == {"new"}
    assert codes(known.members_of(open_, Versions(check={S: "1"}))) == ALL
    with pytest.raises(Unprocessable, match=r"uses version 1 of http://s\.test, not 2") as refusal:
        known.members_of(first, Versions(check={S: "2"}))
    assert refusal.value.issues[0].expression == ("check-system-version",)


def test_a_part_of_nothing() -> None:
    """vsd-1: a part names a system or value sets."""
    with pytest.raises(RegistryError, match="neither a system nor a value set"):
        KNOWN.members_of(value_set({"concept": [{"code": "a"}]}))
