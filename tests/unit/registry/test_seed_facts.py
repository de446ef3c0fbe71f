"""Every fact of the papers is in a table: how many each study has was counted apart, in ``tests/cases/seed_facts``.

``seed_bundles/facts`` says for each fact, by the study that it was extracted for and its number there, which rows of
the table hold it; a fact that does not fit one row (a range in two units, two ages) is held by several.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from service.fhir.json import loads
from service.profiles.base import check
from service.registry import codes
from service.registry.description import Catalogue, Trial, read_catalogue, read_trial
from service.registry.results_table import read_table
from tools.build_seeds import SEEDS

COUNTS: Final = Path(__file__).parents[2] / "cases" / "seed_facts"
FACTS: Final = sorted((SEEDS / "facts").glob("*.csv"))


def records(path: Path) -> list[dict[str, str]]:
    """The records of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def catalogue() -> Catalogue:
    """The shared catalogue."""
    return read_catalogue(*(part.read_bytes() for part in sorted((SEEDS / "tables").glob("catalogue*.json"))))


def trial_of(path: Path) -> Trial:
    """The description of the study whose facts these are."""
    return read_trial((SEEDS / "tables" / path.with_suffix(".json").name).read_bytes(), catalogue())


def test_every_study_has_as_many_facts_as_were_counted() -> None:
    """Issue 6, part 6: facts per study, against the committed count; neither study nor fact is lost or made up."""
    counted = {row["study_key"]: int(row["facts"]) for path in COUNTS.glob("*.csv") for row in records(path)}
    found: dict[str, set[str]] = defaultdict(set)
    for path in FACTS:
        for row in records(path):
            found[row["study_key"]].add(row["fact"])
    assert {study: len(facts) for study, facts in found.items()} == counted
    assert sum(counted.values()) > 0


@pytest.mark.parametrize("path", FACTS, ids=lambda path: path.stem)
def test_facts_and_rows_name_each_other(path: Path) -> None:
    """Every result holds a fact, every fact that is named is held by a row, and no row holds two facts.

    Doses and eligibility may be read in the papers beyond the facts that were counted.
    """
    keys = [row["key"] for row in records(path)]
    rows = read_table((SEEDS / "tables" / path.name).read_bytes())
    assert len(set(keys)) == len(keys)
    assert {row.key for row in rows if row.place == "statistic"} <= set(keys) <= {row.key for row in rows}


@pytest.mark.parametrize("path", FACTS, ids=lambda path: path.stem)
def test_facts_are_numbered_without_a_gap(path: Path) -> None:
    """A gap in the numbers of a study would be a fact that nobody entered."""
    numbers: dict[tuple[str, str], set[int]] = defaultdict(set)
    for row in records(path):
        file, number = row["fact"].split("-")
        numbers[row["study_key"], file].add(int(number))
    for found in numbers.values():
        assert max(found) - min(found) + 1 == len(found)


@pytest.mark.parametrize("path", FACTS, ids=lambda path: path.stem)
def test_a_study_is_known_by_its_number_or_else_by_its_key(path: Path) -> None:
    """Issue 6, part 6: a study without a registration number has a stable id of ours, and says what is not known."""
    trial = trial_of(path)
    bundle = loads((SEEDS / f"{trial.slug}.json").read_bytes())
    (study,) = (e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "ResearchStudy")
    system, value = (codes.NCT, trial.nct) if trial.nct else (codes.STUDY_KEY, trial.slug)
    assert study["identifier"][0] == {"use": "official", "system": system, "value": value}
    assert ("reference" in study["associatedParty"][0]["party"]) == (trial.sponsor is not None)
    assert {("coding" in progress["state"]) for progress in study["progressStatus"]} == {bool(trial.progress)}
    assert (trial.slug == trial.nct.lower()) if trial.nct else (trial.slug == path.stem)


@pytest.mark.parametrize("path", FACTS, ids=lambda path: path.stem)
def test_no_resource_of_a_study_breaks_a_rule(path: Path) -> None:
    """Issue 6, part 6: every resource is R5 without an error."""
    bundle = loads((SEEDS / f"{trial_of(path).slug}.json").read_bytes())
    for entry in bundle["entry"]:
        assert [issue for issue in check(entry["resource"]) if issue.severity in ("fatal", "error")] == []
