"""Fixed values and patterns: https://hl7.org/fhir/R5/elementdefinition-definitions.html#ElementDefinition.pattern_x_."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.profiles.rules.value import being, having, same, shown
from tests.unit.profiles.profiling import COLOURS, found, observation, profile


@pytest.mark.parametrize(
    ("expected", "value", "is_same", "is_within"),
    [
        ("a", "a", True, True),
        ("a", "b", False, False),
        ("1", 1, False, False),
        (True, True, True, True),
        (True, 1, False, False),
        (1, 1, True, True),
        (1, Decimal("1.0"), False, False),
        (Decimal("1.0"), Decimal("1.00"), False, False),
        ({"a": "x"}, {"a": "x"}, True, True),
        ({"a": "x"}, {"a": "x", "b": "y"}, False, True),
        ({"a": "x", "b": "y"}, {"a": "x"}, False, False),
        ({"a": ["x"]}, {"a": ["y", "x"]}, False, True),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}, False, True),
        ({"a": [{"b": "x"}, {"c": "y"}]}, {"a": [{"b": "x", "c": "y"}]}, False, True),
        ({"a": ["x"]}, {"a": "x"}, False, False),
        ({"a": "x"}, "x", False, False),
        (["x"], ["x", "x"], False, True),
        ("a", None, False, False),
    ],
)
def test_fixed_is_all_and_a_pattern_a_part(expected: Any, value: Any, is_same: bool, is_within: bool) -> None:
    """A fixed value is equal to the last digit; what a pattern has, in arrays in any order, is in the value."""
    assert (same(expected, value), having(expected)(value)) == (is_same, is_within)


_LEAVES = st.sampled_from(["a", "b", "1", 1, 0, True, False, None, Decimal("1.0"), Decimal("1.00")])
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("cde"), inner, max_size=3),
    max_leaves=8,
)


def is_within(expected: Any, value: Any) -> bool:
    """What a pattern means, part by part."""
    if isinstance(expected, dict):
        return isinstance(value, dict) and all(is_within(part, value.get(name)) for name, part in expected.items())
    if isinstance(expected, list):
        return isinstance(value, list) and all(any(is_within(part, item) for item in value) for part in expected)
    return same(expected, value)


@given(_VALUES, _VALUES)
def test_a_compiled_pattern_means_what_its_parts_mean(expected: Any, value: Any) -> None:
    """Whatever the pattern and the value, its test decides like a walk through both; so does that of a fixed value."""
    assert bool(having(expected)(value)) is is_within(expected, value)
    assert bool(being(expected)(value)) is same(expected, value)


@given(_VALUES)
def test_a_value_has_all_of_itself(value: Any) -> None:
    """Each value meets the pattern that it is itself."""
    assert having(value)(value)


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ({"id": "Observation.status", "fixedCode": "final"}, []),
        ({"id": "Observation.status", "fixedCode": "amended"}, [("fixed", "Observation.status")]),
        ({"id": "Observation.status", "patternCode": "amended"}, [("pattern", "Observation.status")]),
        ({"id": "Observation.code", "patternCodeableConcept": {"coding": [{"code": "green"}]}}, []),
        (
            {"id": "Observation.code", "fixedCodeableConcept": {"coding": [{"code": "green"}]}},
            [("fixed", "Observation.code")],
        ),
        (
            {"id": "Observation.code", "patternCodeableConcept": {"coding": [{"code": "x"}]}},
            [("pattern", "Observation.code")],
        ),
        ({"id": "Observation.code.coding.system", "fixedUri": COLOURS}, []),
        ({"id": "Observation.code.coding.system", "fixedUri": "x"}, [("fixed", "Observation.code.coding[0].system")]),
        ({"id": "Observation.bodySite", "patternCodeableConcept": {"text": "x"}}, []),
        (
            {"id": "Observation.performer", "patternReference": {"display": "somebody"}},
            [("pattern", "Observation.performer[0]")],
        ),
        ({"id": "Observation.value[x]", "patternQuantity": {"code": "kg"}}, []),
        (
            {"id": "Observation.value[x]", "patternQuantity": {"code": "g"}},
            [("pattern", "Observation.value.ofType(Quantity)")],
        ),
    ],
)
def test_each_value_of_an_element_has_what_the_profile_gives(
    element: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """Fixed values and patterns hold for every occurrence, and say nothing where there is none."""
    assert found(observation(), profile("p", "Observation", element)) == expected


def test_a_value_is_shown_in_short() -> None:
    """A message names what differs, however large the value."""
    assert shown({"coding": [{"code": "x"}], "text": "y"}) == "{coding: [{code: 'x'}], text: 'y'}"
    assert len(shown("x" * 500)) < 80
    assert shown(None) == "nothing"
