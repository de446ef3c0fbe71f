"""Studies that the papers name without results: they are in the registry, and nothing is made up about them."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import pytest

from service.fhir.json import loads
from service.profiles.base import check
from service.registry.description import Catalogue, Trial
from service.registry.dump import plain
from service.registry.results_table import read_table
from service.registry.seed import build_resources
from tests.unit.registry.conftest import MakeTable
from tools.build_seeds import SEEDS

NAMED: Final = Path(__file__).parents[2] / "cases" / "seed_registered.csv"
STUDIES: Final[dict[str, list[dict[str, str]]]] = defaultdict(list)
with NAMED.open(encoding="utf-8", newline="") as _file:
    for _row in csv.DictReader(_file):
        STUDIES[_row["study"]].append(_row)


def resources(study: str) -> list[dict[str, Any]]:
    """The resources of the committed bundle of a study."""
    return [entry["resource"] for entry in loads((SEEDS / f"{study}.json").read_bytes())["entry"]]


def test_every_study_without_results_is_there() -> None:
    """Issue 6, part 6: 31 of them; two are printed under one registration number, and are one study."""
    assert sum(map(len, STUDIES.values())) == 31
    assert [study for study, rows in STUDIES.items() if len(rows) > 1] == ["nct02877303"]


@pytest.mark.parametrize("study", STUDIES)
def test_number_state_and_arms_are_as_printed(study: str) -> None:
    """A study has the number, the state and as many arms as are printed, and says where no state is."""
    (found,) = (each for each in resources(study) if each["resourceType"] == "ResearchStudy")
    numbers = {row["number"] for row in STUDIES[study]} - {""}
    assert numbers <= {identifier["value"] for identifier in found["identifier"]}
    (progress,) = found["progressStatus"]
    states = {row["state"] for row in STUDIES[study]}
    assert {progress["state"].get("coding", [{"code": ""}])[0]["code"]} == states
    assert ("extension" in progress["state"]) == (states == {""})
    assert len(found.get("comparisonGroup", [])) == sum(int(row["arms"]) for row in STUDIES[study])


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_without_results_has_none(study: str) -> None:
    """Nothing is an Evidence, nothing a result; the paper that names the study is cited with the place in it."""
    found = resources(study)
    assert not {each["resourceType"] for each in found} & {"Evidence", "EvidenceReport"}
    (record,) = (each for each in found if each["resourceType"] == "ResearchStudy")
    assert "result" not in record
    told = [note for note in record.get("note", ()) if "extension" in note]
    (eligible,) = (each for each in found if each["resourceType"] == "Group" and each["membership"] == "definitional")
    assert told or [each for each in eligible["characteristic"] if "extension" in each]


@pytest.mark.parametrize("study", STUDIES)
def test_no_resource_breaks_a_rule(study: str) -> None:
    """Every resource is R5 without an error."""
    for resource in resources(study):
        assert [issue for issue in check(resource) if issue.severity in ("fatal", "error")] == []


def test_a_report_needs_results(make_table: MakeTable, trial: Trial, catalogue: Catalogue) -> None:
    """A table of facts of the design alone makes a study without a report and without a result."""
    fact = {"key": "design-countries.paper", "place": "design", "text": "In Europe."}
    empty = dict.fromkeys(("outcome", "population", "statistic", "value", "unit"), "")
    built = build_resources(read_table(make_table(fact | empty)), trial, catalogue)
    assert not {resource.get_resource_type() for resource in built} & {"Evidence", "EvidenceReport"}
    (study,) = (plain(resource) for resource in built if resource.get_resource_type() == "ResearchStudy")
    assert "result" not in study
