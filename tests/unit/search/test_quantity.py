"""Quantity parameters: https://hl7.org/fhir/R5/search.html#quantity."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from service.errors import Invalid
from tests.unit.search.matching import asked, matches

UCUM = "http://unitsofmeasure.org"


def observation(value: str, code: str = "", unit: str = "", system: str = UCUM, comparator: str = "") -> dict[str, Any]:
    """An observation with a quantity."""
    found = {"value": Decimal(value), "unit": unit, "system": system if code else "", "code": code}
    found["comparator"] = comparator
    return {"resourceType": "Observation", "valueQuantity": {name: held for name, held in found.items() if held != ""}}


MG = observation("5.4", "mg")
GRAM = observation("0.0054", "g")
WORDS = observation("5.4", unit="mg")
OTHER = observation("5.4", "mg", system="http://other")
CANONICAL = "the search is canonical: 5 mg is 0.005 g"


@pytest.mark.parametrize(
    ("resource", "text", "expected", "sentence"),
    [
        (MG, f"5.4|{UCUM}|mg", True, "a value of 5.4(+/-0.05) mg where mg is understood as a UCUM unit"),
        (observation("5.35", "mg"), f"5.4|{UCUM}|mg", True, "the implicit precision"),
        (observation("5.45", "mg"), f"5.4|{UCUM}|mg", False, "the implicit precision"),
        (GRAM, f"5.4|{UCUM}|mg", True, CANONICAL),
        (observation("0.005", "g"), f"5|{UCUM}|mg", True, CANONICAL),
        (MG, f"5.40e-3|{UCUM}|g", True, CANONICAL),
        (observation("5.406", "mg"), f"5.40e-3|{UCUM}|g", False, CANONICAL),
        (observation("1", "/min"), f"60|{UCUM}|/h", True, CANONICAL),
        (observation("1", "/min"), f"gt60|{UCUM}|/h", False, "thirds are compared exactly"),
        (observation("1", "/min"), f"le60|{UCUM}|/h", True, "thirds are compared exactly"),
        (observation("7", "mmol/L"), f"7|{UCUM}|mmol/l", True, CANONICAL),
        (observation("50", "%"), f"0.5|{UCUM}|1", True, CANONICAL),
        (MG, f"5.4|{UCUM}|mL", False, "another dimension"),
        (MG, f"lt9000000|{UCUM}|mL", False, "a bound never leaves its unit"),
        (MG, f"gt0|{UCUM}|mL", False, "a bound never leaves its unit"),
        (MG, f"ne1|{UCUM}|mL", False, "a bound never leaves its unit"),
        (MG, f"sa0|{UCUM}|mL", False, "a bound never leaves its unit"),
        (MG, f"eb9|{UCUM}|mL", False, "a bound never leaves its unit"),
        (MG, "5.4||mg", True, "either the code or the stated human unit"),
        (WORDS, "5.4||mg", True, "either the code or the stated human unit"),
        (WORDS, f"5.4|{UCUM}|mg", False, "a unit in words is of no system"),
        (GRAM, "5.4||mg", False, "without a system units are words"),
        (OTHER, "5.4|http://other|mg", True, "system and code as they are written"),
        (OTHER, f"5.4|{UCUM}|mg", False, "system and code as they are written"),
        (observation("3", "[odd]"), f"3|{UCUM}|[odd]", True, "an unknown code is compared as it is written"),
        (MG, "5.4", True, "irrespective of the unit"),
        (WORDS, "5.4", True, "irrespective of the unit"),
        (MG, f"le5.4|{UCUM}|mg", True, "exactly"),
        (MG, f"lt5.4|{UCUM}|mg", False, "exactly"),
        (MG, f"gt5.39|{UCUM}|mg", True, "exactly"),
        (MG, f"ap5.9|{UCUM}|mg", True, "within 10% of the value"),
        (MG, f"ap6.1|{UCUM}|mg", False, "within 10% of the value"),
        (MG, f"ne5.4|{UCUM}|mg", False, "not equal"),
        (GRAM, f"ne5|{UCUM}|mg", False, "not equal"),
        (GRAM, f"ne6|{UCUM}|mg", True, "not equal"),
    ],
)
def test_a_quantity_against_a_quantity(resource: dict[str, Any], text: str, expected: bool, sentence: str) -> None:
    """The number alone, with a unit in words, and with a system and code."""
    assert matches(resource, "value-quantity", text) is expected, sentence


@pytest.mark.parametrize(
    ("comparator", "text", "expected"),
    [
        ("<", "lt5", True),
        ("<", "le5", True),
        ("<", "ge5", False),
        ("<", "gt5", False),
        ("<", "gt4", True),
        ("<", "5", False),
        ("<", "eb5", True),
        ("<", f"eb5|{UCUM}|mg", True),
        ("<=", "eb5", False),
        ("<=", "gt5", False),
        ("<=", "ge4.9", True),
        (">", "gt5", True),
        (">", "lt5", False),
        (">", "sa5", True),
        (">", f"sa0.005|{UCUM}|g", True),
        (">=", "sa5", False),
        (">=", f"sa0.005|{UCUM}|g", False),
        (">=", "ge5", True),
        (">=", "lt5", False),
        (">=", "ap5", True),
        ("ad", "gt1000", True),
        ("ad", "lt5", False),
    ],
)
def test_a_quantity_with_a_comparator_is_half_open(comparator: str, text: str, expected: bool) -> None:
    """Prefixes compare ranges, and "less than 5" is the range below 5 (https://hl7.org/fhir/R5/search.html#prefix)."""
    assert matches(observation("5", "mg", comparator=comparator), "value-quantity", text) is expected


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        ({"low": {"value": 10}, "high": {"value": 20}}, "15", False),
        ({"low": {"value": 10}, "high": {"value": 20}}, "ap15", True),
        ({"low": {"value": 10}, "high": {"value": 20}}, "gt19", True),
        ({"low": {"value": 10}, "high": {"value": 20}}, "sa9", True),
        ({"low": {"value": 10}, "high": {"value": 20}}, "sa10", False),
        ({"low": {"value": 10}}, "gt1000", True),
        ({"high": {"value": 20}}, "lt-1000", True),
        ({"low": {"value": Decimal("14.6")}, "high": {"value": Decimal("15.4")}}, "15", True),
        (
            {"low": {"value": 1, "system": UCUM, "code": "a"}, "high": {"value": 2, "system": UCUM, "code": "a"}},
            f"lt24|{UCUM}|mo",
            True,
        ),
    ],
)
def test_a_range_is_a_range(value: dict[str, Any], text: str, expected: bool) -> None:
    """The range of the parameter is compared with that of the resource; a missing side is open."""
    condition = {"resourceType": "Condition", "onsetRange": value}
    assert matches(condition, "onset-age", text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("20", True), ("20||EUR", True), ("20|urn:iso:std:iso:4217|EUR", True), ("20||USD", False), ("lt30||EUR", True)],
)
def test_money_has_its_currency_as_the_unit(text: str, expected: bool) -> None:
    """The currency of Money is a code of ISO 4217."""
    invoice = {"resourceType": "Invoice", "totalGross": {"value": 20, "currency": "EUR"}}
    assert matches(invoice, "totalgross", text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("gt29", True), ("gt30", False), ("lt11", True), ("lt10", False), (f"gt0.029|{UCUM}|V", True)],
)
def test_sampled_data_has_the_bounds_of_its_values(text: str, expected: bool) -> None:
    """value-quantity: "just search on the bounds of the values in sampled data"."""
    data = {"origin": {"value": 10, "system": UCUM, "code": "mV"}, "factor": 2, "data": "0 5 E 10 U"}
    assert matches({"resourceType": "Observation", "valueSampledData": data}, "value-quantity", text) is expected


@pytest.mark.parametrize("text", ["", "x", "5|mg", "5||", f"5|{UCUM}|", "5|a|b|c", "|s|c", "zz5", r"5||m\g"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    """Bad syntax is an error that names the parameter (https://hl7.org/fhir/R5/search.html#errors)."""
    with pytest.raises(Invalid, match=r"^value-quantity"):
        asked("Observation", "value-quantity", text)


def test_a_quantity_has_no_modifiers() -> None:
    """A modifier that the type does not have is refused with both names."""
    with pytest.raises(Invalid, match="value-quantity is a quantity parameter: :exact is not supported"):
        asked("Observation", "value-quantity:exact", "5")


@pytest.mark.parametrize("value", ["1e300", "1e401", "1e-99999", "12345678901234567890.123456789"])
def test_extreme_values_find_themselves(value: str) -> None:
    """No value costs more than its digits, and none is lost."""
    assert matches(observation(value, "mg"), "value-quantity", f"{value}|{UCUM}|mg")
    assert matches(observation(value, "mg"), "value-quantity", value)
