"""Operators: https://hl7.org/fhirpath/#operations."""

from __future__ import annotations

import pytest

from service.fhir.fhirpath import EvaluationError, PathSemanticError
from tests.unit.fhir.fhirpath.evaluating import OBSERVATION, outcome

T, F, N = "true", "false", "{}"


@pytest.mark.parametrize(
    ("operator", "rows"),
    [
        ("and", {(T, T): T, (T, F): F, (T, N): N, (F, T): F, (F, F): F, (F, N): F, (N, T): N, (N, F): F, (N, N): N}),
        ("or", {(T, T): T, (T, F): T, (T, N): T, (F, T): T, (F, F): F, (F, N): N, (N, T): T, (N, F): N, (N, N): N}),
        ("xor", {(T, T): F, (T, F): T, (T, N): N, (F, T): T, (F, F): F, (F, N): N, (N, T): N, (N, F): N, (N, N): N}),
        (
            "implies",
            {(T, T): T, (T, F): F, (T, N): N, (F, T): T, (F, F): T, (F, N): T, (N, T): T, (N, F): N, (N, N): N},
        ),
    ],
)
def test_logic_has_three_values(operator: str, rows: dict[tuple[str, str], str]) -> None:
    """Nothing known is a value of its own."""
    for (left, right), expected in rows.items():
        assert outcome(f"{left} {operator} {right}") == {T: [True], F: [False], N: []}[expected], (left, right)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 = 1.0", [True]),
        ("'a' = 'A'", [False]),
        ("'a' ~ 'A '", [True]),
        ("1 = '1'", [False]),
        ("true = 'true'", [False]),
        ("true = 1", [False]),
        ("{} = 1", []),
        ("{} ~ {}", [True]),
        ("1 != 2", [True]),
        ("1 !~ 1", [False]),
        ("(1 | 2) = (1 | 2)", [True]),
        ("(1 | 2) = (2 | 1)", [False]),
        ("(1 | 2) ~ (2 | 1)", [True]),
        ("(1 | 2) = 1", [False]),
        ("1.25 ~ 1.3", [True]),
        ("1.25 ~ 1.2", [False]),
        ("name[0] = name[0]", [True]),
        ("name[0] = name[1]", [False]),
        ("name[0] ~ name[0]", [True]),
        ("gender = 'male'", [False]),
        ("@2020 = @2020-01", []),
        ("@2020 ~ @2020-01", [False]),
        ("@2020 = @2021-01", [False]),
        ("@2020-01-01 = @T10:00", [False]),
        ("@2020-01-01T10:00:00+02:00 = @2020-01-01T08:00:00Z", [True]),
        ("@2020-01-01T10:00:00 = @2020-01-01T10:00:00Z", []),
        ("@2020-01-01T10:00:00 = @2020-01-05T10:00:00Z", [False]),
        ("@2020-01-01T10:00:00.0 = @2020-01-01T10:00:00", [True]),
        ("1 in (1 | 2)", [True]),
        ("3 in (1 | 2)", [False]),
        ("1 'g' in (1000 'mg')", [True]),
        ("{} in (1 | 2)", []),
        ("(1 | 2) contains 2", [True]),
        ("{} contains 2", [False]),
    ],
)
def test_equality(expression: str, expected: list[object]) -> None:
    """Equality is exact and may be uncertain; equivalence is generous and always decided."""
    assert outcome(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 < 2", [True]),
        ("2 >= 2.0", [True]),
        ("'a' < 'b'", [True]),
        ("@2020-01 < @2020-02", [True]),
        ("@2020 < @2020-06", []),
        ("@2020 < @2021-06", [True]),
        ("@2020-01-01 < @2020-01-05T00:00:00Z", [True]),
        ("@2020-01-01T10:00 > @2020-01-01T10:00:00Z", []),
        ("@T10:30 < @T10:31:00", [True]),
        ("@T10:30 < @T10:30:00", []),
        ("1 'g' > 999 'mg'", [True]),
        ("1 'g' > 1 'm'", []),
        ("1 year > 11 months", [True]),
        ("1 year > 1 'a'", []),
        ("2 > 1 '1'", [True]),
        ("{} > 1", []),
        ("birthDate < today()", [True]),
    ],
)
def test_order(expression: str, expected: list[object]) -> None:
    """An order is decided only as far as both sides are known."""
    assert outcome(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2", [3]),
        ("1 + 2.5", ["3.5"]),
        ("'a' + 'b'", ["ab"]),
        ("'a' + {}", []),
        ("'a' & {}", ["a"]),
        ("0.1 + 0.2 = 0.3", [True]),
        ("1 / 3", ["0.3333333333333333333333333333"]),
        ("1 / 0", []),
        ("7 div 2", [3]),
        ("-7 div 2", [-3]),
        ("7 mod 0", []),
        ("-7 mod 2", [-1]),
        ("5.5 mod 2", ["1.5"]),
        ("9223372036854775807 + 1", []),
        ("-(9223372036854775807) - 2", []),
        ("1 'g' + 500 'mg'", ["1.5 'g'"]),
        ("1 'g' - 2", []),
        ("2 'm' * 3 's'", ["6 'm.s'"]),
        ("10 'm' / 4", ["2.5 'm'"]),
        ("6 'm' / 0 's'", []),
        ("4 'km' / 2 'km' = 2", [True]),
        ("-(3 'mg')", ["-3 'mg'"]),
        ("+5", [5]),
    ],
)
def test_arithmetic(expression: str, expected: list[object]) -> None:
    """Decimals are exact; what has no outcome (a division by zero, an overflow) is empty."""
    assert outcome(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("@2020-01-31 + 1 month", "2020-02-29"),
        ("@2020-02-29 + 1 year", "2021-02-28"),
        ("@2020 + 18 months", "2021"),
        ("@2020-01 + 45 days", "2020-02"),
        ("@2020-03-01 - 1 day", "2020-02-29"),
        ("@2020-01-01 + 1.9 weeks", "2020-01-08"),
        ("@2020-01-01T23:30:00Z + 45 minutes", "2020-01-02T00:15:00Z"),
        ("@2020-01-01T10:00:00 + 1500 milliseconds", "2020-01-01T10:00:01.5"),
        ("@2020-01-01T10:00:00.000+02:00 + 1 's'", "2020-01-01T10:00:01.000+02:00"),
        ("@2020-01-01T10 + 90 minutes", "2020-01-01T11"),
        ("@T23:30 + 1 hour", "T00:30"),
        ("@T00:00:10 - 20 seconds", "T23:59:50"),
    ],
)
def test_dates_move_in_their_own_precision(expression: str, expected: str) -> None:
    """A month later is the same day or the last one; a date stays a date."""
    assert [text.removeprefix("T") for text in map(str, outcome(expression))] == [expected.removeprefix("T")]


@pytest.mark.parametrize(
    "expression",
    ["@2020-01-01 + 1 'mo'", "@2020-01-01 + 1 'cm'", "@T10:00 + 1 year", "value + 1 'kg' > 'a'", "code.text - 'a'"],
)
def test_what_cannot_be_calculated_is_an_error(expression: str) -> None:
    """Kinds of values that do not go together are never an empty outcome."""
    with pytest.raises((EvaluationError, PathSemanticError)):
        outcome(expression, OBSERVATION)


def test_a_date_beyond_the_calendar_is_empty() -> None:
    """No date lies after the year 9999."""
    assert outcome("@9999-12-31 + 1 day") == []
    assert outcome("@9999-06 + 1 year") == []


def test_a_quantity_of_a_resource_is_one_of_the_language() -> None:
    """A Quantity compares by its UCUM code; with a comparator it is no number and only equal to itself."""
    assert outcome("value = 72500 'g'", OBSERVATION) == [True]
    assert outcome("value > 70 'kg'", OBSERVATION) == [True]
    assert outcome("component[0].value = 5 'mg'", OBSERVATION) == [False]
    assert outcome("component[0].value = component[0].value", OBSERVATION) == [True]
