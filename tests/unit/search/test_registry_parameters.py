"""The registry's own search parameters: valid, compiled, and finding in the seed bundles what a plain walk finds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from service.fhir.json import loads
from service.registry import package
from service.search.definition import parse_definition
from service.search.index import rows, rows_of, values
from service.search.parameters import Catalogue
from service.search.types.reference import names
from tests.support.validation import check

Json = dict[str, Any]

ROOT: Final = Path(__file__).parents[3]
BASE: Final = "https://trial-registry.example.org/fhir"
STATUS: Final = f"{BASE}/StructureDefinition/estimate-status"
FILES: Final = sorted((ROOT / "fhir_profiles").glob("SearchParameter-*.json"))
SEEDS: Final = sorted((ROOT / "seed_bundles").glob("*.json"))

STUDY: Final = {
    "arm": "reference",
    "enrollment": "number",
    "has-results": "token",
    "intervention": "reference",
    "outcome": "reference",
    "progress-status": "token",
    "result": "reference",
    "sponsor": "reference",
}
EVIDENCE: Final = {
    "ci-high": "number",
    "ci-low": "number",
    "comparator": "reference",
    "estimate-status": "token",
    "exposure": "reference",
    "hazard-ratio": "number",
    "hazard-ratio-ci": "composite",
    "hazard-ratio-p-value": "composite",
    "outcome": "token",
    "outcome-variable": "reference",
    "p-value": "number",
    "population": "reference",
    "statistic-type": "token",
    "statistic-type-ci": "composite",
    "statistic-type-p-value": "composite",
    "statistic-type-status": "composite",
    "statistic-type-value": "composite",
    "study": "reference",
    "value": "quantity",
}


def resources(type_: str) -> Iterator[Json]:
    """Yield the resources of a type of all seed bundles."""
    for path in SEEDS:
        for entry in loads(path.read_bytes())["entry"]:
            if entry["resource"]["resourceType"] == type_:
                yield entry["resource"]


def found(resource: Json, code: str) -> list[Any]:
    """Return what a parameter of the registry finds in a resource."""
    parameter = package.catalogue().for_type(resource["resourceType"])[code]
    assert parameter.url.startswith(BASE)
    return [value for _, value in values(resource, parameter)]


def references(resource: Json, code: str) -> list[str]:
    """Return the references that a parameter finds in a resource."""
    return [value["reference"] for value in found(resource, code) if "reference" in value]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_definition_is_valid_and_our_own(path: Path) -> None:
    """searchparameter.html: valid R5, active, under our canonical, with words that say what it finds."""
    resource = loads(path.read_bytes())
    assert [issue for issue in check(resource) if issue.severity in ("fatal", "error")] == []
    assert path.name == f"SearchParameter-{resource['id']}.json"
    assert resource["url"] == f"{BASE}/SearchParameter/{resource['id']}"
    assert resource["status"] == "active"
    assert len(resource["description"]) > 30
    assert ("expression" in resource) == (resource["type"] != "special")


def test_the_package_names_its_canonical_and_what_it_depends_on() -> None:
    """packages.html: name, version, FHIR version, canonical and dependencies."""
    content = json.loads((ROOT / "fhir_profiles" / "package.json").read_text())
    assert content["name"] == "org.example.trial-registry"
    assert content["fhirVersions"] == ["5.0.0"]
    assert content["canonical"] == BASE
    assert content["dependencies"] == {"hl7.fhir.r5.core": "5.0.0"}


@pytest.mark.parametrize(("type_", "codes"), [("ResearchStudy", STUDY), ("Evidence", EVIDENCE)])
def test_a_type_has_exactly_these_of_ours(type_: str, codes: dict[str, str]) -> None:
    """Issue 4, part 6: the parameters that R5 lacks, and none that it has already."""
    ours = {
        code: parameter.type
        for code, parameter in package.catalogue().for_type(type_).items()
        if parameter.url.startswith(BASE) and code != "_asOf"
    }
    assert codes == ours
    assert not codes.keys() & Catalogue().for_type(type_).keys()


def test_every_definition_would_be_accepted_from_a_user() -> None:
    """searchparameter.html: what we ship passes the same check as what is posted; composites rest on the others."""
    known = Catalogue()
    ordered = sorted((loads(path.read_bytes()) for path in FILES), key=lambda each: each["type"] == "composite")
    for resource in ordered:
        if resource["type"] != "special":
            known = Catalogue((*known.extra, parse_definition(resource, known)))
    assert len(known.extra) == len(STUDY) + len(EVIDENCE)


def test_the_state_at_an_instant_is_described_for_every_type() -> None:
    """DESIGN.md: _asOf is documented as a special parameter of Resource."""
    assert package.catalogue().common()["_asOf"].type == "special"
    assert package.catalogue().for_type("Patient")["_asOf"].url == f"{BASE}/SearchParameter/Resource-as-of"


def test_the_parameters_of_a_study_find_what_the_seeds_say() -> None:
    """registry_model.md: arms, interventions, outcomes, sponsor, results and enrollment of every seed study."""
    studies = list(resources("ResearchStudy"))
    assert len(studies) == len(SEEDS)
    for study in studies:
        arms = study.get("comparisonGroup", [])
        given = [reference["reference"] for arm in arms for reference in arm.get("intendedExposure", [])]
        measures = study.get("outcomeMeasure", [])
        parties = [p for p in study["associatedParty"] if p["role"]["coding"][0]["code"] == "lead-sponsor"]
        assert references(study, "arm") == [arm["observedGroup"]["reference"] for arm in arms]
        assert references(study, "intervention") == given
        assert references(study, "outcome") == [m["reference"]["reference"] for m in measures if "reference" in m]
        known = [party["party"]["reference"] for party in parties if "reference" in party["party"]]
        assert references(study, "sponsor") == known
        assert references(study, "result") == [result["reference"] for result in study.get("result", [])]
        assert found(study, "has-results") == [bool(study.get("result"))]
        number = study["recruitment"].get("actualNumber")
        assert found(study, "enrollment") == ([] if number is None else [number])
        assert found(study, "progress-status") == [each["state"] for each in study["progressStatus"]]


def with_role(evidence: Json, *roles: str) -> list[str]:
    """Return what the variables of an Evidence with these roles refer to."""
    return [
        variable["observed"]["reference"]
        for variable in evidence["variableDefinition"]
        if any(coding["code"] in roles for coding in variable["variableRole"]["coding"])
    ]


def test_the_variables_of_a_result_are_found_by_their_role() -> None:
    """registry_model.md: population, exposure, comparator, outcome and study of every seed result."""
    for evidence in resources("Evidence"):
        derived = [each for each in evidence["relatedArtifact"] if each["type"] == "derived-from"]
        assert references(evidence, "study") == [each["resourceReference"]["reference"] for each in derived]
        assert references(evidence, "population") == with_role(evidence, "population", "subpopulation")
        assert references(evidence, "exposure") == with_role(evidence, "exposure")
        assert references(evidence, "comparator") == with_role(evidence, "referenceExposure")
        assert references(evidence, "outcome-variable") == with_role(evidence, "measuredVariable")


def is_of(concept: Json, code: str) -> bool:
    """Tell whether a concept has a code."""
    return any(coding["code"] == code for coding in concept.get("coding", ()))


def test_the_numbers_of_a_result_are_found_by_their_kind() -> None:
    """registry_model.md: values, hazard ratios, p-values and limits of every seed result, and no absent number."""
    counted = dict.fromkeys(("value", "hazard-ratio", "p-value", "ci-low", "ci-high"), 0)
    for evidence in resources("Evidence"):
        statistics = evidence["statistic"]
        estimates = [each for statistic in statistics for each in statistic.get("attributeEstimate", ())]
        limits = [each["range"] for each in estimates if is_of(each["type"], "C53324")]
        expected = {
            "value": [statistic["quantity"] for statistic in statistics if "quantity" in statistic],
            "hazard-ratio": numbers(s.get("quantity") for s in statistics if is_of(s["statisticType"], "C93150")),
            "p-value": numbers(each.get("quantity") for each in estimates if is_of(each["type"], "C44185")),
            "ci-low": numbers(limit.get("low") for limit in limits),
            "ci-high": numbers(limit.get("high") for limit in limits),
        }
        for code, wanted in expected.items():
            assert (evidence["id"], code, wanted) == (evidence["id"], code, found(evidence, code))
            counted[code] += len(wanted)
        assert found(evidence, "statistic-type") == [statistic["statisticType"] for statistic in statistics]
    assert min(counted.values()) > 10


def numbers(quantities: Iterator[Any]) -> list[Decimal]:
    """Return the values of the quantities that have one."""
    return [quantity["value"] for quantity in quantities if quantity is not None and "value" in quantity]


def test_why_a_number_is_missing_is_found_wherever_it_is_said() -> None:
    """registry_model.md: not reached, not estimable and not reported, of estimates and of limits."""
    everything: list[str] = []
    for evidence in resources("Evidence"):
        said = sorted(statuses(evidence["statistic"]))
        assert said == sorted(found(evidence, "estimate-status"))
        everything += said
    assert {"not-reached", "not-estimable", "not-reported"} <= set(everything)


def statuses(node: object) -> Iterator[str]:
    """Yield every estimate status in a JSON value."""
    if isinstance(node, list):
        for item in node:
            yield from statuses(item)
    elif isinstance(node, dict):
        if node.get("url") == STATUS:
            yield node["valueCode"]
        for value in node.values():
            yield from statuses(value)


def test_the_result_that_everybody_asks_for() -> None:
    """Issue 6: the hazard ratios for event-free survival of NCT02393859, each with its interval."""
    by_id = {evidence["id"]: evidence for evidence in resources("Evidence")}
    efs = by_id["nct02393859-efs-blin-vs-chemo-lo23"]
    assert Decimal("0.35") in found(efs, "hazard-ratio")
    assert Decimal("0.20") in found(efs, "ci-low")
    assert Decimal("0.61") in found(efs, "ci-high")
    assert references(efs, "study") == ["ResearchStudy/nct02393859"]


@pytest.mark.parametrize("file", SEEDS[::6], ids=lambda file: file.stem)
def test_all_parameters_at_once_find_what_each_finds(file: Path) -> None:
    """The rows of a resource are those of its parameters one by one, each once."""
    catalogue = package.catalogue()
    for entry in loads(file.read_bytes())["entry"]:
        resource = entry["resource"]
        indexed = [each for each in catalogue.for_type(resource["resourceType"]).values() if each.indexed]
        found = rows(resource, catalogue)
        assert set(found) == {*rows_of(resource, indexed), *names(resource)}
        assert len(set(found)) == len(found)
