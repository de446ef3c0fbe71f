"""Numbers as text that sorts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.search.rows import HIGHEST, LOWEST, sortable

DECIMALS = st.builds(
    lambda sign, digits, exponent: Decimal((sign, tuple(map(int, digits)), exponent)),
    st.integers(0, 1),
    st.text("0123456789", min_size=1, max_size=20),
    st.integers(-30, 30) | st.integers(-999_999_999, 999_999_999),
)


@given(DECIMALS, DECIMALS)
def test_the_order_of_texts_is_that_of_numbers(one: Decimal, other: Decimal) -> None:
    """datatypes.html#decimal: over all that a decimal of FHIR may be, exponents of nine digits included."""
    texts = sortable(one), sortable(other)
    assert (texts[0] < texts[1], texts[0] == texts[1]) == (one < other, one == other)
    assert LOWEST < texts[0] < HIGHEST
    assert texts[0].isascii()


def test_numbers_in_order() -> None:
    """A row of numbers that are easily confused."""
    numbers = ["-1e999999999", "-100", "-99.9", "-10", "-2", "-1.50", "-1e-999999999", "0", "1e-999999999", "0.1", "1"]
    numbers += ["1.0000000000000000001", "1.5", "2", "9", "10", "99.9", "100", "1e10", "1e999999999"]
    texts = [sortable(Decimal(number)) for number in numbers]
    assert texts == sorted(texts)
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(
    ("one", "other"), [("1", "1.00"), ("0", "-0.0"), ("100", "1e2"), ("-50", "-5.0e1"), ("0", "0e9")]
)
def test_equal_numbers_are_equal_texts(one: str, other: str) -> None:
    """search.html#number: 100 and 1e2 are one number."""
    assert sortable(Decimal(one)) == sortable(Decimal(other))


def test_what_is_not_finite_has_no_text() -> None:
    """json.html: there is no such number."""
    for text in ("NaN", "Infinity", "-Infinity", "sNaN"):
        with pytest.raises(ValueError, match="finite"):
            sortable(Decimal(text))
