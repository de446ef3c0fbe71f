"""Texts, numbers, conversions, boundaries and units: https://hl7.org/fhirpath/#conversion and the chapters after it."""

from __future__ import annotations

from fractions import Fraction

import pytest

from service.fhir.fhirpath import EvaluationError, Quantity
from service.fhir.fhirpath.units import canonical
from tests.unit.fhir.fhirpath.evaluating import OBSERVATION, outcome


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'abcabc'.indexOf('c')", [2]),
        ("'abcabc'.lastIndexOf('c')", [5]),
        ("'abc'.indexOf('x')", [-1]),
        ("'abcdef'.substring(2)", ["cdef"]),
        ("'abcdef'.substring(2, 3)", ["cde"]),
        ("'abc'.substring(3)", []),
        ("'abc'.substring(-1)", []),
        ("'abc'.substring(1, -1)", [""]),
        ("'abc'.startsWith('ab')", [True]),
        ("'abc'.endsWith('')", [True]),
        ("'abc'.contains('bc')", [True]),
        ("'aBc'.upper() + 'aBc'.lower()", ["ABCabc"]),
        ("'banana'.replace('an', 'o')", ["booa"]),
        ("'ab'.replace('', '-')", ["-a-b-"]),
        ("'abc'.length()", [3]),
        ("'abc'.toChars()", ["a", "b", "c"]),
        ("'  a '.trim()", ["a"]),
        ("'a,b,,c'.split(',')", ["a", "b", "", "c"]),
        ("name.given.join('-')", ["Ann-Bea-Annie"]),
        ("name.given.join()", ["AnnBeaAnnie"]),
        ("photo.title.join(',')", [""]),
        ("'a/b+c~'.encode('base64')", ["YS9iK2N+"]),
        ("'YS9iK2N-'.decode('urlbase64')", ["a/b+c~"]),
        ("'\u00e9'.encode('hex')", ["c3a9"]),
        ("'c3a9'.decode('hex')", ["\u00e9"]),
        ("'a'.encode('rot13')", []),
        ("'<a href=\"x\">&'.escape('html')", ["&lt;a href=&quot;x&quot;&gt;&amp;"]),
        ("'&lt;&amp;'.unescape('html')", ["<&"]),
        ("'a\"b\\n'.escape('json')", ['a\\"b\\n']),
        ("'a\\\\\"b\\\\n'.unescape('json')", ['a"b\n']),
        ("'a\\nb'.matches('a.b')", [True]),
        ("'xaby'.matches('ab')", [True]),
        ("'xaby'.matchesFull('ab')", [False]),
        ("'2020-05'.replaceMatches('(\\\\d+)-(\\\\d+)', '$2/$1')", ["05/2020"]),
        ("{}.upper()", []),
        ("'a'.contains({})", []),
        ("gender.length()", []),
    ],
)
def test_texts(expression: str, expected: list[object]) -> None:
    """Functions of texts; an empty input or argument gives an empty outcome."""
    assert outcome(expression) == expected


@pytest.mark.parametrize("expression", ["'zz'.decode('hex')", "'!'.decode('base64')", "'\\\\x'.unescape('json')"])
def test_a_text_that_is_not_encoded_is_an_error(expression: str) -> None:
    """What cannot be decoded is not silently empty."""
    with pytest.raises(EvaluationError):
        outcome(expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("(-5).abs()", [5]),
        ("(-5.50).abs()", ["5.50"]),
        ("(-5 'mg').abs()", ["5 'mg'"]),
        ("1.2.ceiling()", [2]),
        ("(-1.2).floor()", [-2]),
        ("(-1.8).truncate()", [-1]),
        ("2.5.round()", ["3"]),
        ("3.14159.round(2)", ["3.14"]),
        ("0.exp()", ["1"]),
        ("16.log(2)", ["4"]),
        ("0.ln()", []),
        ("(-1).sqrt()", []),
        ("81.sqrt()", ["9"]),
        ("2.power(10)", [1024]),
        ("2.power(-1)", ["0.5"]),
        ("2.5.power(2)", ["6.25"]),
        ("10.power(1000000000)", []),
        ("(-8).power(0.5)", []),
        ("10.power(100)", []),
    ],
)
def test_numbers(expression: str, expected: list[object]) -> None:
    """A number that does not exist, or is too large, is empty."""
    assert outcome(expression) == expected


def test_rounding_has_a_range() -> None:
    """Digits are counted from none to the precision that decimals have."""
    with pytest.raises(EvaluationError):
        outcome("1.5.round(-1)")


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("'true'", "Boolean", True),
        ("'N'", "Boolean", False),
        ("1.0", "Boolean", True),
        ("2", "Boolean", None),
        ("'12'", "Integer", 12),
        ("'1.0'", "Integer", None),
        ("true", "Integer", 1),
        ("1.5", "Integer", None),
        ("'12'", "Long", 12),
        ("'99999999999999999999'", "Integer", None),
        ("'1.50'", "Decimal", "1.50"),
        ("'1e5'", "Decimal", None),
        ("false", "Decimal", "0"),
        ("1.50", "String", "1.50"),
        ("true", "String", "true"),
        ("@2020-01", "String", "2020-01"),
        ("@T10:30", "String", "10:30"),
        ("5 days", "String", "5 days"),
        ("5 'mg'", "String", "5 'mg'"),
        ("'2020-02-30'", "Date", None),
        ("'2020-02'", "Date", "2020-02"),
        ("@2020-02-01T10:00:00Z", "Date", "2020-02-01"),
        ("@2020-02-01", "DateTime", "2020-02-01"),
        ("'2020-02-01T10:00:00+01:00'", "DateTime", "2020-02-01T10:00:00+01:00"),
        ("'10:30'", "Time", "10:30"),
        ("@2020", "Time", None),
        ("5", "Quantity", "5 '1'"),
        ("'5 days'", "Quantity", "5 days"),
        ("'5 d'", "Quantity", None),
        ("'5.5 \\'mg\\''", "Quantity", "5.5 'mg'"),
        ("true", "Quantity", "1 '1'"),
        ("@2020", "Quantity", None),
    ],
)
def test_conversion(value: str, kind: str, expected: object) -> None:
    """``toX`` and ``convertsToX`` agree on every value."""
    assert outcome(f"({value}).to{kind}()") == ([] if expected is None else [expected])
    assert outcome(f"({value}).convertsTo{kind}()") == [expected is not None]


def test_a_quantity_can_be_converted_to_a_unit() -> None:
    """With a unit, the amount is told in it, if it measures the same."""
    assert outcome("(1500 'mg').toQuantity('g')") == ["1.5 'g'"]
    assert outcome("(1 week).toQuantity('days')") == ["7 days"]
    assert outcome("(1 'mg').convertsToQuantity('m')") == [False]


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("1.5.{}Boundary()", "1.45000000", "1.55000000"),
        ("1.5.{}Boundary(1)", "1.4", "1.6"),
        ("(-1.5).{}Boundary(2)", "-1.55", "-1.45"),
        ("1.5.{}Boundary(40)", None, None),
        ("1.50 'mg'.{}Boundary(3)", "1.495 'mg'", "1.505 'mg'"),
        ("@2020.{}Boundary()", "2020-01-01", "2020-12-31"),
        ("@2020-02.{}Boundary(8)", "2020-02-01", "2020-02-29"),
        ("@2020-02-03.{}Boundary(4)", "2020", "2020"),
        ("@2020-02-03T10.{}Boundary()", "2020-02-03T10:00:00.000+14:00", "2020-02-03T10:59:59.999-12:00"),
        ("@2020-02-03T10:05Z.{}Boundary()", "2020-02-03T10:05:00.000Z", "2020-02-03T10:05:59.999Z"),
        ("@2020-02-03T10:05:07.12Z.{}Boundary()", "2020-02-03T10:05:07.120Z", "2020-02-03T10:05:07.120Z"),
        ("@2020.{}Boundary(17)", "2020-01-01T00:00:00.000+14:00", "2020-12-31T23:59:59.999-12:00"),
        ("@T10.{}Boundary()", "10:00:00.000", "10:59:59.999"),
        ("@T10:30.{}Boundary(5)", None, None),
    ],
)
def test_boundaries(value: str, low: str | None, high: str | None) -> None:
    """The least and the greatest value that a measurement of this precision may stand for."""
    for side, expected in (("low", low), ("high", high)):
        assert outcome(value.format(side)) == ([] if expected is None else [expected])


def test_an_amount_without_a_number_has_no_boundary() -> None:
    """A Quantity with a comparator or without a value is no measurement."""
    assert outcome("component[0].value.lowBoundary()", OBSERVATION) == []
    assert outcome("value.lowBoundary(2)", OBSERVATION) == ["72.49 'kg'"]


@pytest.mark.parametrize(
    ("one", "other", "factor"),
    [
        ("kg", "g", "1000"),
        ("mg/dL", "g/L", "1/100"),
        ("mmol/l", "mol/m3", "1"),
        ("kg/m2", "g/cm2", "1/10"),
        ("mm[Hg]", "Pa", "133.322387"),
        ("N", "kg.m/s2", "1"),
        ("10*3/uL", "10*9/L", "1"),
        ("%", "1", "1/100"),
        ("[in_i]", "cm", "2.54"),
        ("h", "min", "60"),
        ("{cells}/uL", "/uL", "1"),
        ("mL/min/{1.73_m2}", "mL/min", "1"),
        ("(m/s)2", "", ""),
        ("kg.(m/s)/s", "N", "1"),
    ],
)
def test_units_convert(one: str, other: str, factor: str) -> None:
    """A code of UCUM is a factor and a dimension; annotations in braces count for nothing."""
    left, right = canonical(one), canonical(other)
    if not factor:
        assert left is None
        return
    assert left is not None
    assert right is not None
    assert left.dimension == right.dimension
    assert left.factor / right.factor == Fraction(factor)


@pytest.mark.parametrize("code", ["nonsense", "0", "kg/", "m[", "(", "k%", "m--1", "x" * 200])
def test_an_unknown_unit_measures_nothing(code: str) -> None:
    """What is no code of UCUM is equal to itself only."""
    assert canonical(code) is None
    assert outcome(f"1 '{code}' = 1 '{code}'") == [True]
    assert outcome(f"1 '{code}' = 1 'kg'") == []


@pytest.mark.parametrize("text", ["1 fortnight", "kg", "", "1 'mg", "1.'mg'"])
def test_what_is_no_quantity(text: str) -> None:
    """A quantity is a number and a unit in quotes, or a word of the calendar."""
    assert Quantity.parse(text) is None
