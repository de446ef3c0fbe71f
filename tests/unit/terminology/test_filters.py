"""Filters of a compose: https://hl7.org/fhir/R5/codesystem-filter-operator.html."""

from __future__ import annotations

import pytest

from service.errors import Unprocessable
from service.terminology.code_system import FLAT
from tests.unit.terminology.making import ALL, DISEASES, Json, S, codes, filtered, part, service, value_set

KNOWN = service(DISEASES)


@pytest.mark.parametrize(
    ("property_", "op", "value", "expected"),
    [
        ("concept", "is-a", "aml", "aml apl"),
        ("concept", "is-a", "leukaemia", "leukaemia aml apl all"),
        ("code", "is-a", "apl", "apl"),
        ("concept", "is-a", "nothing", ""),
        ("concept", "descendent-of", "leukaemia", "aml apl all"),
        ("concept", "descendent-of", "apl", ""),
        ("concept", "is-not-a", "leukaemia", "old aged"),
        ("concept", "is-not-a", "aml", "leukaemia all old aged"),
        ("concept", "generalizes", "apl", "leukaemia aml apl"),
        ("concept", "generalizes", "old", "old"),
        ("concept", "child-of", "leukaemia", "aml all"),
        ("concept", "descendent-leaf", "leukaemia", "apl all"),
        ("concept", "descendent-leaf", "apl", ""),
        ("concept", "in", "aml, old,nothing", "aml old"),
        ("concept", "not-in", "aml,old", "leukaemia apl all aged"),
        ("grade", "in", "2,3", "aml all"),
        ("grade", "not-in", "2", "leukaemia aml apl old aged"),
        ("grade", "=", "3", "aml"),
        ("lineage", "=", "myeloid", "aml"),
        ("abstract", "=", "true", "leukaemia"),
        ("parent", "=", "leukaemia", "aml all"),
        ("child", "=", "apl", "aml"),
        ("display", "=", "Something old", "old"),
        ("code", "regex", "a[a-z]l", "apl aml all"),
        ("code", "regex", "a", ""),
        ("display", "regex", "Acute .*", "aml apl all"),
        ("grade", "exists", "true", "aml all"),
        ("grade", "exists", "false", "leukaemia apl old aged"),
        ("child", "exists", "false", "apl all old aged"),
    ],
)
def test_operator(property_: str, op: str, value: str, expected: str) -> None:
    """Each operator selects exactly the codes that its definition says; a system that is whole leaves nothing open."""
    members = KNOWN.members_of(value_set(filtered(property_, op, value)))
    assert codes(members) == set(expected.split())
    assert members.gaps == ()
    assert {code for code in ALL if members.has(S, code)} == set(expected.split())


def test_all_filters_hold() -> None:
    """valueset.html#include: several filters of a part are a conjunction."""
    two = [
        {"property": "concept", "op": "is-a", "value": "leukaemia"},
        {"property": "grade", "op": "exists", "value": "false"},
    ]
    assert codes(KNOWN.members_of(value_set(part(filter=two)))) == {"leukaemia", "apl"}


@pytest.mark.parametrize(
    ("property_", "op", "value", "message"),
    [
        ("concept", "like", "x", "'like' is not a filter operator"),
        ("grade", "is-a", "x", "is-a asks about a concept"),
        ("code", "regex", "(", "is not understood"),
        ("code", "regex", "(a+)+", "may take for ever"),
        ("grade", "exists", "yes", "exists is true or false"),
    ],
)
def test_what_is_no_filter_is_refused(property_: str, op: str, value: str, message: str) -> None:
    """A filter that cannot be followed makes no smaller or larger set: it is an error, with its reason."""
    with pytest.raises(Unprocessable, match=message):
        KNOWN.members_of(value_set(filtered(property_, op, value)))


FRAGMENT: Json = {**DISEASES, "content": "fragment"}


def test_a_system_of_which_only_codes_are_known() -> None:
    """A code system put together from expansions has few properties here: what is not told is not known."""
    flat = {**DISEASES, "extension": [{"url": FLAT, "valueBoolean": True}]}
    for property_, op, value, sure in (
        ("grade", "=", "3", {"aml"}),
        ("grade", "exists", "false", set()),
        ("concept", "child-of", "aml", set()),
    ):
        members = service(flat).members_of(value_set(filtered(property_, op, value)))
        assert codes(members) == sure
        assert members.has(S, "apl") is None
    assert codes(service(flat).members_of(value_set(filtered("display", "regex", "S.*")))) == {"old", "aged"}


@pytest.mark.parametrize(
    ("property_", "op", "value", "sure", "not_in", "unknown"),
    [
        ("concept", "is-a", "aml", "aml", "", "apl leukaemia x"),
        ("concept", "descendent-of", "aml", "", "aml", "apl leukaemia x"),
        ("concept", "is-not-a", "aml", "", "aml", "apl leukaemia x"),
        ("code", "regex", "a.*", "aml apl all aged", "leukaemia x", "axx"),
        ("code", "in", "aml,x", "aml", "apl old", "x"),
        ("grade", "=", "3", "aml", "apl old", "x"),
        ("parent", "=", "aml", "", "", "apl x"),
        ("child", "exists", "true", "", "", "aml x"),
    ],
)
def test_a_part_of_a_system_leaves_questions_open(
    property_: str, op: str, value: str, sure: str, not_in: str, unknown: str
) -> None:
    """Of a fragment, what follows from a code itself is known; its hierarchy and the codes it lacks are not."""
    members = service(FRAGMENT).members_of(value_set(filtered(property_, op, value)))
    assert codes(members) == set(sure.split())
    assert [members.has(S, code) for code in not_in.split()] == [False] * len(not_in.split())
    assert [members.has(S, code) for code in unknown.split()] == [None] * len(unknown.split())
    assert members.gaps
