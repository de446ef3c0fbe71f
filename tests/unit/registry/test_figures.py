"""Numbers as papers print them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from service.registry.codes import ABSENT
from service.registry.figures import Absent, Number, parse_count, parse_figure, parse_number


@pytest.mark.parametrize("text", ["1.00", "0.20", "0", "-3.5", "12.05", "0.0010"])
def test_a_number_keeps_its_digits(text: str) -> None:
    """What is printed is what is kept, trailing zeros and all; nothing passes through a float."""
    figure = parse_figure(text)
    assert figure == Number(text)
    assert isinstance(figure, Number)
    assert str(figure.decimal) == text


@pytest.mark.parametrize(
    ("text", "comparator", "number"),
    [("<0.001", "<", "0.001"), (">90", ">", "90"), ("<=5", "<=", "5"), ("≥ 3", ">=", "3"), ("≤24", "<=", "24")],
)
def test_a_comparator_is_kept_beside_the_number(text: str, comparator: str, number: str) -> None:
    """A comparator in any of its spellings becomes one of the four of FHIR."""
    assert parse_figure(text) == Number(number, comparator)  # type: ignore[arg-type] # the literals of the table above


@pytest.mark.parametrize(
    ("text", "code", "status", "reason"),
    [
        ("NE", "NE", "not-estimable", "unknown"),
        ("NR", "NR", "not-reached", "unknown"),
        ("NA", "NA", "not-applicable", "not-applicable"),
        ("Not reported", "Not reported", "not-reported", "unknown"),
        ("not estimable", "NE", "not-estimable", "unknown"),
        ("ne", "NE", "not-estimable", "unknown"),
    ],
)
def test_an_absent_value_says_why(text: str, code: str, status: str, reason: str) -> None:
    """Each absent value has our status and the data-absent-reason that plain FHIR clients understand."""
    figure = parse_figure(text)
    assert figure == Absent(code)
    assert isinstance(figure, Absent)
    assert (figure.status.code, figure.status.data_absent_reason) == (status, reason)


def test_every_absent_code_is_read() -> None:
    """No code of the vocabulary is without a spelling."""
    assert {parse_figure(code) for code in ABSENT} == {Absent(code) for code in ABSENT}


@pytest.mark.parametrize(
    ("text", "number"), [("7·7", "7.7"), ("0,55", "0.55"), ("<0·001", "0.001"), ("\u22121.5", "-1.5")]
)
def test_other_decimal_signs_become_a_point(text: str, number: str) -> None:
    """A middle dot, a decimal comma and a typographic minus are what papers print."""
    assert parse_number(text).decimal == Decimal(number)


@pytest.mark.parametrize(
    "text", ["1,000", "five", "1.2.3", "1e5", "", "< ", "NaN", "Infinity", "5-15", ">NE", "١", "1" * 31]
)
def test_what_is_no_figure_is_refused(text: str) -> None:
    """A thousands separator is ambiguous, and anything else that is not a figure is an error, not a guess."""
    with pytest.raises(ValueError, match=r"ambiguous|neither|more than"):
        parse_figure(text)


def test_a_number_is_demanded_where_none_may_be_absent() -> None:
    """A p-value or a level cannot be absent: its cell is left empty instead."""
    with pytest.raises(ValueError, match="not a number"):
        parse_number("NE")


@pytest.mark.parametrize("text", ["-1", "1.5", "ten", "٣", ""])
def test_counts_are_whole_and_not_negative(text: str) -> None:
    """A number of participants is a whole number."""
    with pytest.raises(ValueError, match="whole number"):
        parse_count(text)
