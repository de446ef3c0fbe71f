"""Predicates as filters: what the indexes can answer by, and what must mean nothing to a regular expression."""

from __future__ import annotations

import re

import pytest

from service.errors import TooLarge
from service.search.query import EVERYTHING, And, Bound, Contains, Not, Or, Predicate, Prefix, Range, Term, Together
from service.store.base import HistoryQuery
from service.store.mongo.driver import Document
from service.store.mongo.translate import MAX_PATTERN, NOTHING, of_history, of_resources, where


def condition(predicate: Predicate) -> Document:
    """Return the filter of a predicate alone."""
    [part] = where((), predicate, 7)["$and"]
    assert isinstance(part, dict)
    return part


def test_visible() -> None:
    """A search at a seq is of live versions up to it that nothing up to it has superseded."""
    assert where(("Group",), EVERYTHING, 7) == {
        "live": True,
        "_id": {"$lt": 8 << 20},
        "until": {"$gt": 7},
        "type": {"$in": ["Group"]},
    }


def test_terms_are_whole_values() -> None:
    """A term is one equality in one array, with or without its qualifier."""
    assert condition(Term("k", "v")) == {"terms": "k\x1fv"}
    assert condition(Term("k", "v", "")) == {"qualified": "k\x1fv\x1f"}
    assert condition(Term("k", "v", "q")) == {"qualified": "k\x1fv\x1fq"}


def test_patterns_are_anchored() -> None:
    """Prefix and part begin with the key at the beginning of the entry, so that the index bounds them."""
    assert condition(Prefix("k", "v")) == {"terms": {"$regex": "^k\x1fv"}}
    assert condition(Contains("k", "v")) == {"terms": {"$regex": "^k\x1f[\\s\\S]*v"}}


def test_every_character_is_itself() -> None:
    """No ASCII character is special in a pattern, as key or as text."""
    for number in range(1, 128):
        sign = chr(number)
        pattern = condition(Contains(sign, sign))["terms"]["$regex"]
        assert re.match(pattern, f"{sign}\x1féè{sign}é")
        assert not re.match(pattern, f"{sign}\x1féè")


def test_no_pattern_has_a_nul() -> None:
    """A text with a NUL, which no row has, is found nowhere; MongoDB would refuse the pattern."""
    assert condition(Prefix("k", "a\0")) == NOTHING


def test_pattern_over_the_limit() -> None:
    """A text longer than MongoDB takes in a pattern is refused as what it is."""
    with pytest.raises(TooLarge):
        condition(Contains("k", "x" * MAX_PATTERN))


def test_together_is_bound_by_the_indexes() -> None:
    """What an element must have, its resource must have: that comes first, for the indexes to answer."""
    code, value = Term("c", "x"), Range("n", (Bound("low", "<", "5"),))
    whole = {"$and": [{"terms": "c\x1fx"}, {"ranges": {"$elemMatch": {"k": "n", "lo": {"$lt": "5"}}}}]}
    element = {"$and": [{"t": "c\x1fx"}, {"r": {"$elemMatch": {"k": "n", "lo": {"$lt": "5"}}}}]}
    assert condition(Together((code, value))) == {"$and": [whole, {"parts": {"$elemMatch": element}}]}
    assert condition(Together(())) == {"parts.0": {"$exists": True}}


def test_logic_without_parts() -> None:
    """The empty ``And`` filters nothing, the empty ``Or`` everything."""
    assert "$and" not in where((), And(()), 1)
    assert condition(Or(())) == NOTHING
    assert condition(Not(Or(()))) == {"$nor": [NOTHING]}


def test_bounds() -> None:
    """The bounds of one range are conditions on one element; of several alike the tightest stays."""
    bounds = (Bound("low", ">=", "1"), Bound("low", ">=", "3"), Bound("low", "<", "9"), Bound("high", "<", "8"))
    assert condition(Range("k", bounds)) == {
        "ranges": {"$elemMatch": {"k": "k", "lo": {"$gte": "3", "$lt": "9"}, "hi": {"$lt": "8"}}}
    }
    assert condition(Range("k", (Bound("high", "<", "7"), Bound("high", "<", "8")))) == {
        "ranges": {"$elemMatch": {"k": "k", "hi": {"$lt": "7"}}}
    }


def test_resources_by_type() -> None:
    """Many resources are asked for with one list of ids per type; none with a filter that nothing passes."""
    asked = of_resources([("A", "1"), ("B", "1"), ("A", "2")])
    assert asked == {"$or": [{"type": "A", "id": {"$in": ["1", "2"]}}, {"type": "B", "id": {"$in": ["1"]}}]}
    assert of_resources([]) == NOTHING


def test_history() -> None:
    """A history is bounded by its seq; what was superseded after that seq counts as current."""
    assert of_history(HistoryQuery("Group", "a", 1, 2, 3), 7) == {
        "_id": {"$lt": 8 << 20},
        "type": "Group",
        "id": "a",
        "instant": {"$gte": 1, "$lt": 2},
        "$or": [{"until": {"$gt": 7}}, {"ended": {"$gte": 3}}],
    }
