"""The invariants of the base definitions: a single change breaks one, and it is reported where it is declared."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from service.profiles.base import check

NARRATIVE = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">text</div>'}

GOOD: dict[str, dict[str, Any]] = {
    "Patient": {
        "contained": [{"resourceType": "Organization", "id": "o", "name": "O"}],
        "identifier": [{"system": "http://example.org", "value": "1"}],
        "name": [{"family": "F", "period": {"start": "2020-01-01", "end": "2020-02-01"}}],
        "_birthDate": {"id": "b", "extension": [{"url": "http://example.org/e", "valueBoolean": True}]},
        "telecom": [{"system": "phone", "value": "1"}],
        "contact": [{"name": {"family": "G"}}],
        "photo": [{"contentType": "image/png", "data": "QUJD", "size": "3"}],
        "managingOrganization": {"reference": "#o"},
    },
    "Observation": {
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "1", "display": "One"}]},
        "valueQuantity": {"value": 1, "system": "http://unitsofmeasure.org", "code": "g"},
        "referenceRange": [{"low": {"value": 1}}],
        "component": [{"code": {"text": "c"}, "valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 2}}}],
    },
    "Bundle": {
        "type": "collection",
        "entry": [
            {
                "fullUrl": "http://example.org/Patient/p",
                "resource": {"resourceType": "Patient", "id": "p", "text": NARRATIVE},
            }
        ],
    },
    "RiskAssessment": {
        "status": "final",
        "subject": {"display": "somebody"},
        "prediction": [
            {"probabilityRange": {"low": {"value": 1, "code": "%", "system": "http://unitsofmeasure.org"}}},
        ],
    },
    "Questionnaire": {
        "status": "active",
        "name": "Questions",
        "url": "http://example.org/q",
        "item": [{"linkId": "1", "type": "group", "item": [{"linkId": "1.1", "type": "string", "maxLength": 5}]}],
    },
    "ResearchStudy": {
        "status": "active",
        "period": {"start": "2020-01", "end": "2020-02-03T04:05:06Z"},
        "site": [{"display": "here"}],
        "extension": [{"url": "http://example.org/e", "valueAge": {"value": 1, "code": "a"}}],
    },
}
GOOD["ResearchStudy"]["extension"][0]["valueAge"]["system"] = "http://unitsofmeasure.org"


def resource(type_name: str) -> dict[str, Any]:
    """A resource that breaks no rule."""
    content = deepcopy(GOOD[type_name])
    return {"resourceType": type_name, "id": "x", **({} if type_name == "Bundle" else {"text": NARRATIVE}), **content}


def changed(type_name: str, path: str, value: Any) -> dict[str, Any]:
    """The resource with one property replaced, or removed where the value is ``...``."""
    made = resource(type_name)
    *owners, last = path.split("/")
    target: Any = made
    for step in owners:
        target = target[int(step) if step.isdigit() else step]
    if value is ...:
        del target[last]
    else:
        target[int(last) if last.isdigit() else last] = value
    return made


@pytest.mark.parametrize("type_name", sorted(GOOD))
def test_a_good_resource_has_no_issue(type_name: str) -> None:
    """Nothing is reported, not even a warning, about what follows every rule."""
    assert check(resource(type_name)) == []


ERRORS = [
    ("Patient", "name/0", {"id": "only"}, "ele-1", "Patient.name[0]"),
    ("Patient", "_birthDate", {"id": "only"}, "ele-1", "Patient.birthDate"),
    ("Patient", "name/0/period/end", "2019-12-01", "per-1", "Patient.name[0].period"),
    ("Patient", "name/0/period/start", "2020-03", "per-1", "Patient.name[0].period"),
    ("Patient", "telecom/0/system", ..., "cpt-2", "Patient.telecom[0]"),
    ("Patient", "photo/0/contentType", ..., "att-1", "Patient.photo[0]"),
    ("Patient", "contact/0", {"gender": "female"}, "pat-1", "Patient.contact[0]"),
    ("ResearchStudy", "site/0", {"type": "Location"}, "ref-2", "ResearchStudy.site[0]"),
    ("Patient", "managingOrganization", {"reference": "Organization/o"}, "dom-3", "Patient.contained[0]"),
    ("Patient", "contained/0/meta", {"versionId": "1"}, "dom-4", "Patient"),
    ("Patient", "contained/0/meta", {"security": [{"code": "c"}]}, "dom-5", "Patient"),
    ("Observation", "dataAbsentReason", {"text": "none"}, "obs-6", "Observation"),
    ("Observation", "valueQuantity/system", ..., "qty-3", "Observation.value.ofType(Quantity)"),
    ("Observation", "referenceRange/0", {"type": {"text": "t"}}, "obs-3", "Observation.referenceRange[0]"),
    ("Observation", "component/0/valueRatio/numerator", ..., "rat-1", "Observation.component[0].value.ofType(Ratio)"),
    (
        "Observation",
        "component/0/code/coding",
        [{"system": "http://loinc.org", "code": "1", "display": "One"}],
        "obs-7",
        "Observation",
    ),
    ("Bundle", "total", 1, "bdl-1", "Bundle"),
    ("Bundle", "type", "searchset", "bdl-18", "Bundle"),
    ("Bundle", "entry/0/fullUrl", ..., "bdl-15", "Bundle"),
    ("Bundle", "entry/0/search", {"mode": "match"}, "bdl-2", "Bundle"),
    (
        "RiskAssessment",
        "prediction/0/probabilityRange/low/code",
        "1",
        "ras-1",
        "RiskAssessment.prediction[0].probability.ofType(Range)",
    ),
    ("Questionnaire", "item/0/item/0/linkId", "1", "que-2", "Questionnaire"),
    ("Questionnaire", "item/0/item/0/type", "date", "que-10", "Questionnaire.item[0].item[0]"),
    ("Questionnaire", "item/0/type", "display", "que-1c", "Questionnaire.item[0]"),
    ("ResearchStudy", "period/end", "2018", "per-1", "ResearchStudy.period"),
    ("ResearchStudy", "extension/0/valueAge/value", -1, "age-1", "ResearchStudy.extension[0].value.ofType(Age)"),
    ("ResearchStudy", "site/0", {"reference": "#x"}, "ref-1", "ResearchStudy.site[0]"),
    ("ResearchStudy", "extension/0/valueAge", ..., "ext-1", "ResearchStudy.extension[0]"),
]


@pytest.mark.parametrize(("type_name", "path", "value", "rule", "where"), ERRORS)
def test_a_broken_invariant_is_an_error(type_name: str, path: str, value: Any, rule: str, where: str) -> None:
    """One change, one error: of the invariant's key, at the element that it is declared on."""
    (issue,) = check(changed(type_name, path, value))
    assert (issue.severity, issue.code, issue.rule, issue.expression) == ("error", "invariant", rule, (where,))


@pytest.mark.parametrize(
    ("type_name", "path", "value", "rule", "where"),
    [
        ("ResearchStudy", "text", ..., "dom-6", "ResearchStudy"),
        ("Patient", "identifier/0/value", ..., "ident-1", "Patient.identifier[0]"),
        ("Observation", "code/coding/0/code", ..., "cod-1", "Observation.code.coding[0]"),
        ("Questionnaire", "name", "two words", "cnl-0", "Questionnaire"),
        ("Questionnaire", "url", "http://example.org/q#1", "cnl-1", "Questionnaire.url"),
        ("Questionnaire", "item/0/item/0/linkId", "x" * 256, "que-15", "Questionnaire.item[0].item[0].linkId"),
        ("Questionnaire", "item/0/item", ..., "que-1b", "Questionnaire.item[0]"),
    ],
)
def test_a_recommendation_is_a_warning(type_name: str, path: str, value: Any, rule: str, where: str) -> None:
    """What the specification only recommends is a warning, at the same kind of place."""
    (issue,) = check(changed(type_name, path, value))
    assert (issue.severity, issue.code, issue.rule, issue.expression) == ("warning", "invariant", rule, (where,))


def test_a_contained_resource_needs_no_narrative() -> None:
    """dom-6 is for resources that stand on their own, in a Bundle as well."""
    made = resource("Bundle")
    del made["entry"][0]["resource"]["text"]
    assert [(issue.rule, issue.expression) for issue in check(made)] == [("dom-6", ("Bundle.entry[0].resource",))]


def test_an_empty_outcome_breaks_an_invariant() -> None:
    """bdl-11: of a document without entries it cannot be said that the first is a Composition."""
    made = {
        **resource("Bundle"),
        "type": "document",
        "timestamp": "2020-01-01T00:00:00Z",
        "identifier": {"system": "http://example.org", "value": "1"},
    }
    del made["entry"]
    assert [issue.rule for issue in check(made)] == ["bdl-11"]


def test_the_root_of_a_contained_resource_is_its_container() -> None:
    """%rootResource: a contained resource refers to another one in the same container (ref-1)."""
    made = resource("Patient")
    made["contained"].append({"resourceType": "Organization", "id": "p", "name": "P"})
    made["contained"][0]["partOf"] = {"reference": "#p"}
    assert check(made) == []
    made["contained"][1]["id"] = "q"
    assert ("ref-1", ("Patient.contained[0].partOf",)) in [(issue.rule, issue.expression) for issue in check(made)]


def test_an_entry_of_a_bundle_has_contained_resources_of_its_own() -> None:
    """%rootResource is the resource of the entry: what another entry contains is not there."""
    made = resource("Bundle")
    made["entry"][0]["resource"] = {**resource("Patient"), "id": "p"}
    assert check(made) == []
    del made["entry"][0]["resource"]["contained"]
    made["contained"] = [{"resourceType": "Organization", "id": "o", "name": "O"}]
    found = [(issue.rule, issue.expression[0]) for issue in check(made)]
    assert ("ref-1", "Bundle.entry[0].resource.managingOrganization") in found


def test_what_cannot_be_evaluated_is_said_once() -> None:
    """eld-11 takes one type code, and an element may have several: a warning for the first, never a silent pass."""
    element = {
        "type": [{"code": "code"}, {"code": "Coding"}],
        "binding": {"strength": "required", "valueSet": "http://example.org/v"},
    }
    made: dict[str, Any] = {
        "resourceType": "StructureDefinition",
        "text": NARRATIVE,
        "url": "http://example.org/s",
        "name": "Structure",
        "status": "draft",
        "kind": "logical",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Element",
        "derivation": "specialization",
        "abstract": False,
        "type": "http://example.org/s",
        "differential": {"element": [{"id": "s", "path": "s"}]},
    }
    made["differential"]["element"] += [{"id": f"s.{name}", "path": f"s.{name}", **element} for name in "ab"]
    (issue,) = check(made)
    assert (issue.severity, issue.code, issue.rule) == ("warning", "not-supported", "eld-11")
    assert issue.expression == ("StructureDefinition.differential.element[1]",)
    assert "was not evaluated" in issue.diagnostics
