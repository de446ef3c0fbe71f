"""The package fhir_profiles: whole, consistent in itself, and of one mind with the codes that the builders use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from service.fhir import fhirpath
from service.fhir.json import loads
from service.profiles.base import check
from service.registry import codes, package
from service.registry.codes import BASE, Code
from tools.index_package import index_of, main

Json = dict[str, Any]

FOLDER: Final = package.folder()
EXAMPLES: Final = sorted((FOLDER / "example").glob("[!.]*.json"))
CANONICAL: Final = ("StructureDefinition", "CodeSystem", "ValueSet", "ConceptMap")
FILES: Final = [path for type_ in CANONICAL for path in sorted(FOLDER.glob(f"{type_}-*.json"))]
SYSTEMS: Final = {
    codes.STATISTIC: {key: kind.text for key, kind in codes.STATISTICS.items()},
    codes.POPULATION_KIND: codes.GROUP_KINDS,
    codes.AE_GRADE: {key: display for key, (display, _) in codes.GRADES.items()},
    codes.AE_ATTRIBUTION: codes.ATTRIBUTIONS,
    codes.ESTIMATE_STATUS_CODES: {status.code: status.display for status in codes.ABSENT.values()},
    codes.CHARACTERISTIC: codes.CHARACTERISTICS,
    codes.OUTCOME: {outcome.code: outcome.display for outcome in codes.OUTCOMES.values()},
}


def by_url(type_: str) -> dict[str, Json]:
    """The package's resources of a type."""
    return {resource["url"]: resource for resource in package.resources(type_)}


def members(node: object, name: str) -> Iterator[Any]:
    """Every value of a member of this name in a JSON value."""
    if isinstance(node, list):
        for item in node:
            yield from members(item, name)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == name:
                yield value
            yield from members(value, name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_definition_is_valid_and_our_own(path: Path) -> None:
    """canonicalresource.html: valid R5 under our canonical, in a file of its name, with words that describe it."""
    resource = loads(path.read_bytes())
    assert [issue for issue in check(resource) if issue.severity in ("fatal", "error")] == []
    assert path.name == f"{resource['resourceType']}-{resource['id']}.json"
    assert resource["url"] == f"{BASE}/{resource['resourceType']}/{resource['id']}"
    assert (resource["status"], resource["experimental"]) == ("active", False)
    assert len(resource["description"]) > 20


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_valid_in_the_base(path: Path) -> None:
    """packages.html: an example is R5 without a profile, too, and is in a file of its name."""
    resource = loads(path.read_bytes())
    assert [issue for issue in check(resource) if issue.severity in ("fatal", "error")] == []
    assert path.name == f"{resource['resourceType']}-{resource['id']}.json"


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda url: url.rpartition("/")[2])
def test_a_code_system_has_the_codes_that_are_used(system: str) -> None:
    """Issue 5, part 5: code systems and codes.py agree in codes and displays; every code is defined in words."""
    resource = by_url("CodeSystem")[system]
    assert {concept["code"]: concept["display"] for concept in resource["concept"]} == SYSTEMS[system]
    assert resource["count"] == len(resource["concept"])
    assert (resource["content"], resource["caseSensitive"]) == ("complete", True)
    assert [concept["code"] for concept in resource["concept"] if not concept["definition"].endswith(".")] == []


def test_an_outcome_knows_its_section() -> None:
    """codes.py: the property of a concept is the section in which the reports put its results."""
    concepts = by_url("CodeSystem")[codes.OUTCOME]["concept"]
    sections = {concept["code"]: concept["property"][0]["valueString"] for concept in concepts}
    assert sections == {outcome.code: outcome.section for outcome in codes.OUTCOMES.values()}


def test_the_extensions_are_allowed_where_they_are_used() -> None:
    """defining-extensions.html#context: as EXTENSION_CONTEXTS says."""
    extensions = {url: each for url, each in by_url("StructureDefinition").items() if each["type"] == "Extension"}
    allowed = {url: tuple(each["expression"] for each in found["context"]) for url, found in extensions.items()}
    assert allowed == codes.EXTENSION_CONTEXTS


def mapped(name: str) -> set[tuple[str, str]]:
    """What a concept map of the package leads to."""
    [group] = by_url("ConceptMap")[f"{BASE}/ConceptMap/{name}"]["group"]
    return {(element["code"], target["code"]) for element in group["element"] for target in element["target"]}


def test_the_concept_maps_say_what_the_builders_do() -> None:
    """registry_model.md: a map leads to the codes that stand beside ours in every result, and to no other."""

    def beside(system: str) -> set[tuple[str, str]]:
        kinds = codes.STATISTICS.items()
        return {(key, code.code) for key, kind in kinds for code in kind.codes if code.system == system}

    assert mapped("statistic-to-statistic-type") == beside(codes.STATISTIC_TYPE)
    assert mapped("statistic-to-sevco") == beside(codes.SEVCO)
    assert mapped("ae-grade-to-ncit") == {(key, ncit) for key, (_, ncit) in codes.GRADES.items() if ncit}
    reasons = {(status.code, status.data_absent_reason) for status in codes.ABSENT.values()}
    assert mapped("estimate-status-to-data-absent-reason") == reasons


def test_what_is_referred_to_is_there() -> None:
    """references.html#canonical: profiles, value sets and code systems of ours that a definition names exist."""
    known = {url for type_ in CANONICAL for url in by_url(type_)}
    named: set[str] = set()
    for path in FILES:
        resource = loads(path.read_bytes())
        for member in ("valueSet", "baseDefinition", "targetProfile", "profile", "system", "source", "sourceScopeUri"):
            for value in members(resource, member):
                named.update(value if isinstance(value, list) else [value])
    ours = {url for url in named if isinstance(url, str) and url.startswith(BASE)}
    assert len(ours) > 30
    assert ours <= known


def test_the_codes_of_ours_in_value_sets_and_patterns_exist() -> None:
    """valueset.html#concept: a code that a value set or pattern names is in the code system that it names."""
    codings = [
        *(
            Code(include["system"], concept["code"], "")
            for each in package.resources("ValueSet")
            for include in each["compose"]["include"]
            for concept in include.get("concept", ())
        ),
        *(
            Code(coding["system"], coding["code"], "")
            for each in package.resources("StructureDefinition")
            for pattern in members(each, "patternCodeableConcept")
            for coding in pattern["coding"]
            if "system" in coding
        ),
    ]
    ours = [coding for coding in codings if coding.system in SYSTEMS]
    assert len(ours) >= 7
    assert [coding for coding in ours if coding.code not in SYSTEMS[coding.system]] == []


def test_a_rule_has_one_key_and_can_be_evaluated() -> None:
    """elementdefinition.html#ElementDefinition.constraint: one meaning for a key; an expression that compiles."""
    rules: dict[str, tuple[str, str, str]] = {}
    for profile in package.resources("StructureDefinition"):
        for element in profile["differential"]["element"]:
            for rule in element.get("constraint", ()):
                assert rule["source"] == profile["url"]
                assert re.fullmatch(r"tr-[1-9][0-9]*", rule["key"])
                said = (rule["severity"], rule["human"], rule["expression"])
                assert rules.setdefault(rule["key"], said) == said
                fhirpath.compile(rule["expression"])
    assert {int(key.removeprefix("tr-")) for key in rules} == set(range(1, len(rules) + 1))
    table = (FOLDER / "README.md").read_text()
    assert [key for key, (how, human, _) in rules.items() if f"| `{key}` | {how} | {human} |" not in table] == []


def test_the_index_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """packages.html: .index.json lists every resource of its folder; --check tells where it does not."""
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""
    listed = loads(index_of(FOLDER / "example").encode())["files"]
    assert [each["filename"] for each in listed] == [path.name for path in EXAMPLES]
