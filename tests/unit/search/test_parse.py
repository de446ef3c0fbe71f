"""From parameters to a query: https://hl7.org/fhir/R5/search.html."""

from __future__ import annotations

import pytest

from service.errors import Invalid
from service.fhir import definitions
from service.search.parameters import RESOURCE, parameters_for
from service.search.parse import criteria_text, parse, parse_criteria
from service.search.query import And, Ids, Or, Term


def test_a_search() -> None:
    """Parameters are joined by and; controls are kept apart; what was used is kept as it was written."""
    pairs = [("status", "a,b"), ("_count", "5"), ("_id", "x,y"), ("_total", "none"), ("_elements", "a, b")]
    request = parse("ResearchStudy", pairs)
    key = "ResearchStudy.status"
    assert request.query.types == ("ResearchStudy",)
    assert request.query.where == And((Or((Term(key, "a"), Term(key, "b"))), Ids(("x", "y"))))
    assert (request.count, request.total, request.summary, request.elements) == (5, "none", "false", ("a", "b"))
    assert request.used == pairs


def test_nothing_is_everything() -> None:
    """A search without parameters finds all; without a type, of all types."""
    assert parse(None, []).query.types == ()
    assert parse("Group", []).query.where == And(())


def test_lenient_leaves_out_only_what_is_unknown() -> None:
    """search.html#errors: unknown parameters are left out of what was used; the rest stays as strict as ever."""
    request = parse("Group", [("x", "1"), ("_id", "a"), ("y:z", "2")], lenient=True)
    assert request.used == [("_id", "a")]
    with pytest.raises(Invalid) as refusal:
        parse("Group", [("x", "1"), ("_id:not", "a"), ("_count", "x")], lenient=True)
    assert [issue.expression for issue in refusal.value.issues] == [("_id:not",), ("_count",)]


def test_an_unknown_parameter_is_told_what_is_known() -> None:
    """search.html#errors: whoever mistyped a name sees the right one."""
    with pytest.raises(Invalid, match=r"identifer is not .* ResearchStudy.* identifier, status"):
        parse("ResearchStudy", [("identifer", "x")])


def test_criteria_are_search_parameters_alone() -> None:
    """http.html#ccreate: at least one, and none that is about the answer."""
    assert parse_criteria("Group", [("_id", "a")]).where == And((Ids(("a",)),))
    for pairs in ([], [("_count", "1")], [("_id", "a"), ("_summary", "true")], [("x", "1")]):
        with pytest.raises(Invalid):
            parse_criteria("Group", pairs)


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("identifier=1", "identifier=1"),
        ("Group?identifier=1", "identifier=1"),
        ("?identifier=1", "identifier=1"),
        ("http://x.test/fhir/Group?identifier=1", "identifier=1"),
        ("identifier=http://x?y|1", "identifier=http://x?y|1"),
        ("Group?identifier=http://x?y|1", "identifier=http://x?y|1"),
        ("Group?", ""),
        ("", ""),
    ],
)
def test_criteria_as_a_url(text: str, parameters: str) -> None:
    """http.html#ccreate: the header has the parameters, alone or as a search URL."""
    assert criteria_text(text) == parameters


def test_parameters_come_from_the_tables() -> None:
    """search.html: every type has _id and _lastUpdated; identifier and status only where R5 defines them."""
    for type_ in (*definitions.resource_types(), RESOURCE):
        official = definitions.search_parameters_for(type_)
        found = parameters_for(type_)
        assert set(found) == {"_id", "_lastUpdated", "identifier", "status"} & set(official)
        for code, parameter in found.items():
            assert (parameter.type, parameter.url) == (official[code].type, official[code].url)
            if parameter.code in ("identifier", "status"):
                assert parameter.paths, (type_, code)


def test_every_indexed_path_is_an_element() -> None:
    """A path that leads nowhere would find nothing without a word."""
    for type_ in definitions.resource_types():
        for parameter in parameters_for(type_).values():
            for path in parameter.paths:
                places = definitions.type_definition(type_).by_path
                assert ".".join((type_, *path)) in places, (type_, parameter.code, path)
