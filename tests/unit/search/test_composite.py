"""Composite and special parameters: https://hl7.org/fhir/R5/search.html#composite."""

from __future__ import annotations

from typing import Any

import pytest

from service.errors import Invalid
from service.search.index import rows
from service.search.rows import WordsRow
from service.search.types import sort
from tests.unit.search.matching import CATALOGUE, asked, matches

LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"


def component(code: str, **value: Any) -> dict[str, Any]:
    """A component of an observation."""
    return {"code": {"coding": [{"system": LOINC, "code": code}]}, **value}


PRESSURE = {
    "resourceType": "Observation",
    "component": [
        component("8480-6", valueQuantity={"value": 107, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"}),
        component("8462-4", valueQuantity={"value": 60, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"}),
        component("0000-0"),
    ],
}
STUDY = {
    "resourceType": "ResearchStudy",
    "progressStatus": [
        {
            "state": {"coding": [{"code": "open"}]},
            "actual": True,
            "period": {"start": "2020-01-01", "end": "2021-01-01"},
        },
        {"state": {"coding": [{"code": "closed"}]}, "actual": False, "period": {"start": "2022-01-01"}},
    ],
}


@pytest.mark.parametrize(
    ("resource", "name", "text", "expected"),
    [
        (PRESSURE, "component-code-value-quantity", f"{LOINC}|8480-6$gt100", True),
        (PRESSURE, "component-code-value-quantity", f"{LOINC}|8480-6$lt100", False),
        (PRESSURE, "component-code-value-quantity", f"{LOINC}|8462-4$lt100", True),
        (PRESSURE, "component-code-value-quantity", f"8462-4$ne100|{UCUM}|mm[Hg]", True),
        (PRESSURE, "component-code-value-quantity", f"8480-6$ge0.1|{UCUM}|m[Hg]", True),
        (PRESSURE, "component-code-value-quantity", "0000-0$lt1000", False),
        (STUDY, "progress-status-state-actual", "open$true", True),
        (STUDY, "progress-status-state-actual", "open$false", False),
        (STUDY, "progress-status-state-period", "closed$gt2030", True),
        (STUDY, "progress-status-state-period", "open$gt2030", False),
        (STUDY, "progress-status-state-period-actual", "open$2020$true", False),
        (STUDY, "progress-status-state-period-actual", "open$lt2020-06$true", True),
        (STUDY, "progress-status-state-period-actual", "open$lt2020-06$false", False),
        (PRESSURE, "component-code-value-quantity:missing", "false", True),
        ({"resourceType": "Observation"}, "component-code-value-quantity:missing", "true", True),
    ],
)
def test_components_belong_to_one_element(resource: dict[str, Any], name: str, text: str, expected: bool) -> None:
    """Joining elements "is different from doing a simple intersection": no match across elements."""
    assert matches(resource, name, text) is expected


def test_a_tuple_with_an_empty_component_is_not_indexed() -> None:
    """The third component of the observation has no value, so it has no rows and counts for nothing."""
    key = "Observation.component-code-value-quantity$"
    found = [row for row in rows(PRESSURE, CATALOGUE) if not isinstance(row, WordsRow)]
    assert {row.part for row in found if row.key.startswith(key)} == {1, 2}
    alone = {"resourceType": "Observation", "component": [component("0000-0")]}
    assert matches(alone, "component-code-value-quantity:missing", "true")


def test_only_what_can_be_asked_of_a_component_is_kept() -> None:
    """Modifiers are not allowed on composites, so neither texts nor folded codes of their components are indexed."""
    state = {"coding": [{"system": LOINC, "code": "Open", "display": "Is open"}], "text": "Open"}
    study = {"resourceType": "ResearchStudy", "progressStatus": [{"state": state, "actual": True}]}
    key = "ResearchStudy.progress-status-state-actual$"
    found = {row.key.removeprefix(key) for row in rows(study, CATALOGUE) if row.key.startswith(key)}
    assert found == {"0", "0:system", "1"}
    for text in ("Open$true", f"{LOINC}|Open$true", f"{LOINC}|$true"):
        assert matches(study, "progress-status-state-actual", text), text


def test_a_component_without_a_code_is_a_value() -> None:
    """Concepts of text alone make a tuple, though no code finds it: the parameter is not missing."""
    study = {"resourceType": "ResearchStudy", "progressStatus": [{"state": {"text": "open"}, "actual": True}]}
    assert matches(study, "progress-status-state-actual:missing", "false")
    of_texts = {"code": {"text": "age"}, "valueCodeableConcept": {"text": "old"}, "exclude": False}
    group = {"resourceType": "Group", "characteristic": [of_texts]}
    assert matches(group, "characteristic-value:missing", "false")
    assert matches({"resourceType": "Group", "characteristic": [{"code": {"text": "age"}}]},
                   "characteristic-value:missing", "true")  # fmt: skip


def test_dangling_components_have_the_type_of_their_values() -> None:
    """R5 names component definitions that do not exist, or that swap two: the FHIR type of the expression decides."""
    types = {}
    for type_, code in [
        ("ResearchStudy", "progress-status-state-period-actual"),
        ("Encounter", "location-period"),
        ("Ingredient", "strength-concentration-ratio"),
        ("Observation", "code-value-string"),
        ("TestScript", "scope-artifact-phase"),
        ("DeviceDefinition", "specification-version"),
        ("DocumentReference", "relationship"),
    ]:
        types[code] = [part.type for part in CATALOGUE.for_type(type_)[code].components]
    assert types == {
        "progress-status-state-period-actual": ["token", "date", "token"],
        "location-period": ["reference", "date"],
        "strength-concentration-ratio": ["quantity", "quantity"],
        "code-value-string": ["token", "string"],
        "scope-artifact-phase": ["reference", "token"],
        "specification-version": ["token", "string"],
        "relationship": ["token", "reference"],
    }


@pytest.mark.parametrize("text", ["", "a", "a$b$c", "a$", "$b", r"a\$5", "a$x5"])
def test_what_is_no_tuple_is_refused(text: str) -> None:
    """Each component must have a value of its type; an escaped separator does not separate."""
    with pytest.raises(Invalid, match=r"^component-code-value-quantity"):
        asked("Observation", "component-code-value-quantity", text)


def test_a_composite_has_no_modifiers_and_no_order() -> None:
    """Modifiers are not allowed on composite parameters."""
    with pytest.raises(Invalid, match="is a composite parameter: :not is not supported"):
        asked("Observation", "code-value-quantity:not", "a$5")
    with pytest.raises(Invalid, match="code-value-quantity is a composite"):
        sort(CATALOGUE.for_type("Observation")["code-value-quantity"], False)


NARRATED = {
    "resourceType": "Composition",
    "text": {"div": "<div><p>Born in <b>June</b> &amp; Zürich</p></div>"},
    "section": [{"text": {"div": "<div>B-ALL relapse</div>"}, "title": "History"}],
}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("_text", "june", True),
        ("_text", "Zurich JUNE", True),
        ("_text", "june history", False),
        ("_text", "jun", False),
        ("_content", "june history relapse", True),
        ("_content", "div", False),
        ("section-text", "relapse", True),
        ("section-text", "june", False),
        ("_text:missing", "false", True),
    ],
)
def test_words_of_narrative_content_and_sections(name: str, text: str, expected: bool) -> None:
    """_text asks the narrative, _content the entire resource; all words must occur."""
    assert matches(NARRATED, name, text) is expected


@pytest.mark.parametrize(
    ("type_", "name"),
    [("Location", "near"), ("Location", "contains"), ("Patient", "_query"), ("Patient", "_list"), ("Patient", "_in"),
     ("Medication", "form"), ("ImagingStudy", "reason")],
)  # fmt: skip
def test_what_has_no_index_is_refused_by_name(type_: str, name: str) -> None:
    """Parameters without an index are listed, but searching by them is refused, by ``:missing`` as well."""
    for asked_name in (name, f"{name}:missing"):
        with pytest.raises(Invalid, match=f"searching by {name} is not supported") as refusal:
            asked(type_, asked_name, "true")
        assert refusal.value.issues[0].code == "not-supported"
    with pytest.raises(Invalid, match="no order"):
        sort(CATALOGUE.for_type(type_)[name], False)


def test_words_are_needed() -> None:
    """Nothing but punctuation is no word to look for."""
    with pytest.raises(Invalid, match="no word"):
        asked("Patient", "_content", "--")
    with pytest.raises(Invalid, match="_text is a special parameter: :exact is not supported"):
        asked("Patient", "_text:exact", "x")
