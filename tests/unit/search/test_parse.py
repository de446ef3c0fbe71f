"""From parameters to a query: https://hl7.org/fhir/R5/search.html."""

from __future__ import annotations

import pytest

from service.errors import Invalid
from service.search.parameters import Catalogue
from service.search.parse import criteria_text, parse, parse_criteria
from service.search.query import And, Ids, Or, Sort, Term, Types

OFFICIAL = Catalogue()


def test_a_search() -> None:
    """Parameters are joined by and; controls are kept apart; what was used is kept as it was written."""
    pairs = [("status", "a,b"), ("_count", "5"), ("_id", "x,y"), ("_total", "none"), ("_elements", "title, url")]
    request = parse(OFFICIAL, "ResearchStudy", pairs)
    key = "ResearchStudy.status"
    assert request.query.types == ("ResearchStudy",)
    assert request.query.where == And((Or((Term(key, "a"), Term(key, "b"))), Ids(("x", "y"))))
    assert (request.count, request.total, request.summary, request.elements) == (5, "none", "false", ("title", "url"))
    assert request.used == pairs


def test_nothing_is_everything() -> None:
    """A search without parameters finds all; without a type, of all types."""
    assert parse(OFFICIAL, None, []).query.types == ()
    assert parse(OFFICIAL, "Group", []).query.where == And(())


def test_lenient_leaves_out_only_what_is_unknown() -> None:
    """search.html#errors: unknown parameters are left out of what was used; the rest stays as strict as ever."""
    request = parse(OFFICIAL, "Group", [("x", "1"), ("_id", "a"), ("y:z", "2")], lenient=True)
    assert request.used == [("_id", "a")]
    with pytest.raises(Invalid) as refusal:
        parse(OFFICIAL, "Group", [("x", "1"), ("_id:not", "a"), ("_count", "x")], lenient=True)
    assert [issue.expression for issue in refusal.value.issues] == [("_id:not",), ("_count",)]


def test_an_unknown_parameter_is_told_what_is_known() -> None:
    """search.html#errors: whoever mistyped a name sees the right one."""
    with pytest.raises(Invalid, match=r"identifer is not .* ResearchStudy.* identifier, .*status"):
        parse(OFFICIAL, "ResearchStudy", [("identifer", "x")])


def test_criteria_are_search_parameters_alone() -> None:
    """http.html#ccreate: at least one, and none that is about the answer."""
    assert parse_criteria(OFFICIAL, "Group", [("_id", "a")]).where == And((Ids(("a",)),))
    for pairs in ([], [("_count", "1")], [("_id", "a"), ("_summary", "true")], [("x", "1")]):
        with pytest.raises(Invalid):
            parse_criteria(OFFICIAL, "Group", pairs)


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


def test_sort_and_types() -> None:
    """search.html#sort: several keys in their order, - for descending; search.html#_type names the types."""
    request = parse(OFFICIAL, None, [("_sort", "-_lastUpdated,_id"), ("_type", "Group,List")])
    assert request.query.types == ("Group", "List")
    assert request.query.sort == (Sort("instant", descending=True), Sort("id"))
    assert request.used == [("_sort", "-_lastUpdated,_id"), ("_type", "Group,List")]


def test_a_parameter_of_several_types() -> None:
    """search.html#_type: a parameter that two types define on their own means for each what it says."""
    request = parse(OFFICIAL, None, [("_type", "ResearchStudy,Group"), ("identifier", "x")])
    assert request.query.where == And(
        (
            Or(
                (
                    And((Types(("ResearchStudy",)), Term("ResearchStudy.identifier", "x"))),
                    And((Types(("Group",)), Term("Group.identifier", "x"))),
                )
            ),
        )
    )
