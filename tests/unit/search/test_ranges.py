"""Prefixes over ranges, against the words of https://hl7.org/fhir/R5/search.html#prefix taken literally."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Invalid
from service.search.rows import HIGHEST, LOWEST, RangeRow, sortable
from service.search.types.ranges import COMPARATORS, SCOPE_END, Comparator, Span, comparator, compare
from tests.unit.search.matching import holds

Ends = tuple[int, int]
FAR = 1_000
"""Stands for an open end: beyond everything that is generated."""


@st.composite
def ranges(draw: st.DrawFn, *, open_ends: bool = False) -> Ends:
    """A range [low, high) of whole numbers, perhaps open at an end."""
    low = draw(st.integers(-20, 20))
    high = low + draw(st.integers(1, 20))
    if open_ends and draw(st.booleans()):
        return (-FAR, high) if draw(st.booleans()) else (low, FAR)
    return low, high


def literally(prefix: Comparator, parameter: Ends, value: Ends) -> bool:
    """The sentence of each prefix, over sets of points."""
    points = set(range(*value))
    contained = points <= set(range(*parameter))
    above, below = set(range(parameter[1], FAR)), set(range(-FAR, parameter[0]))
    match prefix:
        case "eq":
            return contained  # the range of the parameter value fully contains the range of the resource value
        case "ne":
            return not contained  # does not fully contain
        case "gt":
            return bool(above & points)  # the range above the parameter value intersects
        case "lt":
            return bool(below & points)  # the range below the parameter value intersects
        case "ge":
            return bool(above & points) or contained  # above intersects, or the parameter fully contains
        case "le":
            return bool(below & points) or contained
        case "sa":
            return points <= above  # the range above contains the range of the resource value
        case "eb":
            return points <= below
        case "ap":
            return bool(set(range(*parameter)) & points)  # the range of the parameter value overlaps


def row(value: Ends, scope: str = "") -> RangeRow:
    """The row of a range."""
    low = LOWEST if value[0] == -FAR else sortable(value[0])
    high = HIGHEST if value[1] == FAR else sortable(value[1])
    return RangeRow("k", scope + low, scope + high)


@pytest.mark.parametrize("prefix", COMPARATORS)
@given(parameter=ranges(), value=ranges(open_ends=True))
def test_each_prefix_means_its_sentence(prefix: Comparator, parameter: Ends, value: Ends) -> None:
    """Comparing ends of text comes to the same as comparing sets of points."""
    span = Span(*map(sortable, parameter))
    expected = literally(prefix, parameter, value)
    assert holds(compare("k", prefix, span, span, span), (row(value),)) is expected
    scope = f"mg{SCOPE_END}"
    assert holds(compare("k", prefix, span, span, span, scope), (row(value, scope),)) is expected


@pytest.mark.parametrize("prefix", COMPARATORS)
@given(parameter=ranges(), value=ranges(open_ends=True), scope=st.sampled_from(["a", "l", "m", "mf", "mga", "z", "~"]))
def test_no_condition_leaves_its_scope(prefix: Comparator, parameter: Ends, value: Ends, scope: str) -> None:
    """A row in another unit never matches, whichever way its text sorts."""
    span = Span(*map(sortable, parameter))
    question = compare("k", prefix, span, span, span, f"mg{SCOPE_END}")
    assert not holds(question, (row(value, f"{scope}{SCOPE_END}"),))


def test_a_prefix_is_taken_off() -> None:
    """No prefix is eq; one that does not exist, or is not declared, is refused by name."""
    assert comparator("x", "5", "number") == ("eq", "5")
    assert comparator("x", "ge5", "number", ("ge",)) == ("ge", "5")
    with pytest.raises(Invalid, match="x: the prefix lt is not supported, only ge"):
        comparator("x", "lt5", "number", ("ge",))
    with pytest.raises(Invalid, match=r"x: 'xx5' does not begin with a number or one of the prefixes eq, ne"):
        comparator("x", "xx5", "number")
