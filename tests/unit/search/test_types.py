"""Token and date parameters: how a value is indexed and how a criterion is read."""

from __future__ import annotations

from typing import Any

import pytest

from service.errors import Invalid
from service.fhir.dates import interval
from service.search.index import rows
from service.search.query import Not, Or, Predicate, Term, Updated
from service.search.rows import TermRow
from service.search.types import date, token


@pytest.mark.parametrize(
    ("value", "pairs"),
    [
        ("active", [("active", "implied")]),
        (True, [("true", "")]),
        (False, [("false", "")]),
        ({"system": "s", "value": "v"}, [("v", "s")]),
        ({"value": "v"}, [("v", "")]),
        ({"system": "s"}, []),
        ({"system": "s", "code": "c", "display": "d"}, [("c", "s")]),
        ({"code": "c"}, [("c", "")]),
        ({"coding": [{"system": "s", "code": "c"}, {"code": "d"}], "text": "t"}, [("c", "s"), ("d", "")]),
        ({"text": "t"}, []),
        ({"use": "home"}, []),
    ],
)
def test_extraction(value: Any, pairs: list[tuple[str, str]]) -> None:
    """search.html#token: codes and systems of the types that a token parameter is about."""
    found = [row for row in token.extract("k", value, "implied") if isinstance(row, TermRow)]
    assert [(row.value, row.qualifier) for row in found if row.key == "k"] == pairs
    systems = {row.value for row in found if row.key == "k:system"}
    assert systems >= {system for _, system in pairs if system}


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("c", Term("k", "c")),
        ("s|c", Term("k", "c", "s")),
        ("|c", Term("k", "c", "")),
        ("s|", Term("k:system", "s")),
        ("a\\|b", Term("k", "a|b")),
        ("s\\|t|a\\,b", Term("k", "a,b", "s|t")),
    ],
)
def test_token_forms(text: str, term: Term) -> None:
    """search.html#token: ``c`` any system, ``s|c`` both, ``|c`` no system, ``s|`` any code."""
    assert token.parse("x", "k", None, text) == Or((term,))
    assert token.parse("x", "k", "not", f"{text},z") == Not(Or((term, Term("k", "z"))))


@pytest.mark.parametrize("text", ["", "|", "a,", ",a", "a|b|c", "a\\", "||"])
def test_what_is_no_token(text: str) -> None:
    """search.html#errors: bad syntax is an error that names the parameter."""
    with pytest.raises(Invalid) as refusal:
        token.parse("x", "k", None, text)
    assert refusal.value.issues[0].expression == ("x",)


def test_updated() -> None:
    """search.html#prefix: ranges, of which the bounds round up to the stored milliseconds."""
    start, end = (each // 1000 for each in interval("2020-05"))
    predicates: dict[str, Predicate] = {
        "": Updated(start, end),
        "eq": Updated(start, end),
        "ne": Not(Updated(start, end)),
        "gt": Updated(end, None),
        "sa": Updated(end, None),
        "ge": Updated(start, None),
        "lt": Updated(None, start),
        "eb": Updated(None, start),
        "le": Updated(None, end),
    }
    for prefix, predicate in predicates.items():
        assert date.parse_updated("x", f"{prefix}2020-05") == Or((predicate,))
    instant = interval("2020-01-01T00:00:00Z")[0] // 1000
    assert date.parse_updated("x", "2020-01-01T00:00:00.0001Z") == Or((Updated(instant + 1, instant + 1),))


def test_rows_of_a_resource() -> None:
    """A row for each value, each once."""
    study = {
        "resourceType": "ResearchStudy",
        "status": "active",
        "identifier": [{"system": "s", "value": "v"}, {"system": "s", "value": "w"}, {"system": "s", "value": "v"}],
    }
    assert set(rows(study)) == {
        TermRow("ResearchStudy.status", "active", "http://hl7.org/fhir/publication-status"),
        TermRow("ResearchStudy.status:system", "http://hl7.org/fhir/publication-status"),
        TermRow("ResearchStudy.identifier", "v", "s"),
        TermRow("ResearchStudy.identifier", "w", "s"),
        TermRow("ResearchStudy.identifier:system", "s"),
    }
    assert len(rows(study)) == 5
    assert rows({"resourceType": "Binary", "contentType": "text/plain"}) == ()
