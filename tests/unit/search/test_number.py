"""Number parameters: https://hl7.org/fhir/R5/search.html#number."""

from __future__ import annotations

from decimal import Decimal

import pytest

from service.errors import Invalid
from tests.unit.search.matching import asked, matches

SENTENCES = {
    "precision": "Values that equal 100, to 3 significant figures precision: in the range [99.5 ... 100.5)",
    "exponent": "1e2: values that equal 100, to 1 significant figure precision: in the range [50 ... 150)",
    "exact": "For lt, gt, le, ge, sa, eb the implicit precision of the number is ignored",
    "ne": "Values that are not equal to 100 (actually, not in the range 99.5 to 100.5)",
    "ap": "The recommended value for the approximation is 10% of the stated value",
    "integer": "If there are non-zero digits after a decimal point, there cannot be any matches",
}


@pytest.mark.parametrize(
    ("value", "text", "expected", "sentence"),
    [
        ("100", "100", True, "precision"),
        ("99.5", "100", True, "precision"),
        ("99.49", "100", False, "precision"),
        ("100.5", "100", False, "precision"),
        ("100.49", "eq100", True, "precision"),
        ("100", "100.00", True, "precision"),
        ("99.995", "100.00", True, "precision"),
        ("100.005", "100.00", False, "precision"),
        ("0.0054", "5.40e-3", True, "precision"),
        ("0.005395", "5.40e-3", True, "precision"),
        ("0.005405", "5.40e-3", False, "precision"),
        ("-99.6", "-100", True, "precision"),
        ("-99.5", "-100", False, "precision"),
        ("-100.5", "-100", True, "precision"),
        ("0.4", "0", True, "precision"),
        ("50", "1e2", True, "exponent"),
        ("149.9", "1E2", True, "exponent"),
        ("150", "1e2", False, "exponent"),
        ("99.9", "lt100", True, "exact"),
        ("100", "lt100", False, "exact"),
        ("100", "le100", True, "exact"),
        ("100.000001", "le100", False, "exact"),
        ("100", "gt100", False, "exact"),
        ("100.000001", "gt100", True, "exact"),
        ("100", "ge100", True, "exact"),
        ("99.999", "ge100", False, "exact"),
        ("101", "sa100", True, "exact"),
        ("100", "sa100", False, "exact"),
        ("99", "eb100", True, "exact"),
        ("100", "eb100", False, "exact"),
        ("-5", "lt-4", True, "exact"),
        ("-5", "gt-5.5", True, "exact"),
        ("100", "ne100", False, "ne"),
        ("99.4", "ne100", True, "ne"),
        ("100.5", "ne100", True, "ne"),
        ("110", "ap100", True, "ap"),
        ("90", "ap100", True, "ap"),
        ("110.1", "ap100", False, "ap"),
        ("-92", "ap-100", True, "ap"),
    ],
)
def test_a_number_against_a_number(value: str, text: str, expected: bool, sentence: str) -> None:
    """A resource's number is a point; what is asked for has a precision, or none where a prefix says so."""
    assessment = {"resourceType": "RiskAssessment", "prediction": [{"probabilityDecimal": Decimal(value)}]}
    assert matches(assessment, "probability", text) is expected, SENTENCES[sentence]


@pytest.mark.parametrize(
    ("text", "expected"), [("40", True), ("40.0", True), ("40.5", False), ("41", False), ("4e1", True)]
)
def test_integers_are_matched_exactly(text: str, expected: bool) -> None:
    """Searching integers is based on exact matches, as the precision of what is asked for cancels out."""
    study = {"resourceType": "ResearchStudy", "recruitment": {"actualNumber": 40}}
    assert matches(study, "recruitment-actual", text) is expected, SENTENCES["integer"]


@pytest.mark.parametrize("text", ["", "x", "xx5", "5x", "1,5", "++5", "NaN", "٥", "5|", "1e999999999", "eq", "0" * 101])
def test_what_is_no_number_is_refused_by_name(text: str) -> None:
    """Bad syntax is an error that names the parameter (https://hl7.org/fhir/R5/search.html#errors)."""
    with pytest.raises(Invalid, match=r"^probability"):
        asked("RiskAssessment", "probability", text)


@pytest.mark.parametrize("modifier", ["exact", "not", "contains", "Patient", ""])
def test_a_number_has_no_modifiers(modifier: str) -> None:
    """A modifier that the type does not have is refused with both names (https://hl7.org/fhir/R5/search.html#modifiers)."""
    with pytest.raises(Invalid, match=f"probability is a number parameter: :{modifier} is not supported"):
        asked("RiskAssessment", f"probability:{modifier}", "5")


def test_extreme_exponents_are_compared_without_rounding() -> None:
    """Numbers are text that sorts, so no magnitude is out of reach."""
    assessment = {"resourceType": "RiskAssessment", "prediction": [{"probabilityDecimal": Decimal("1e-99999998")}]}
    assert matches(assessment, "probability", "gt1e-99999999")
    assert not matches(assessment, "probability", "gt1e-99999997")
