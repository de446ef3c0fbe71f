"""A small invented trial, and tables about it, for the tests of the registry."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from service.registry.description import Catalogue, Trial, read_catalogue, read_trial
from service.registry.rows import COLUMNS

MakeTable = Callable[..., str]

FACT = {
    "key": "os-all-paper.median",
    "place": "statistic",
    "outcome": "os",
    "population": "all",
    "statistic": "median",
    "value": "7.7",
    "unit": "mo",
    "source": "paper",
    "locator": "Table 1",
}


def table_of(*facts: dict[str, str]) -> str:
    """A table with these rows, each of them a whole row or what is different from a median overall survival."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n", restval="")
    writer.writeheader()
    for fact in facts:
        writer.writerow(FACT | fact)
    return out.getvalue()


@pytest.fixture
def make_table() -> MakeTable:
    """Makes a table."""
    return table_of


@pytest.fixture
def catalogue_data() -> dict[str, Any]:
    """A catalogue with one sponsor and two papers."""
    return {
        "organizations": [{"slug": "sponsor", "name": "Sponsor"}],
        "publications": [
            {"slug": "paper", "short": "Paper 2020", "title": "A paper"},
            {"slug": "review", "short": "Review 2021", "title": "A review"},
        ],
    }


@pytest.fixture
def trial_data() -> dict[str, Any]:
    """A trial of two arms with a subgroup."""
    return {
        "slug": "trial",
        "nct": "NCT00000000",
        "title": "A trial",
        "description": "Compares new with old.",
        "phase": {"system": "http://hl7.org/fhir/research-study-phase", "code": "phase-3", "display": "Phase 3"},
        "progress": [{"state": "completed", "display": "Completed", "end": "2020-02"}],
        "design": [],
        "sponsor": "sponsor",
        "condition": [{"text": "Leukemia"}],
        "focus": [{"text": "New"}],
        "eligibility": {"description": "Children.", "age_from": [28, "d"], "age_below": [18, "a"]},
        "groups": [
            {"slug": "all", "name": "All patients", "kind": "analysis", "description": "All."},
            {"slug": "arm-new", "name": "New arm", "kind": "arm", "description": "New.", "exposures": ["new"]},
            {"slug": "mrd", "name": "MRD responders", "kind": "subgroup", "description": "MRD.", "of": "arm-new"},
        ],
        "exposures": [
            {"slug": "new", "title": "New", "description": "The new drug."},
            {"slug": "old", "title": "Old", "description": "The old drug."},
        ],
        "outcomes": [
            {"slug": "os", "code": "os", "title": "Overall survival", "handling": "continuous", "rank": "primary"},
            {"slug": "cr", "code": "cr", "title": "Remission"},
            {"slug": "ae-crs", "code": "ae", "title": "Cytokine release syndrome"},
        ],
        "citations": ["paper", "review"],
    }


@pytest.fixture
def catalogue(catalogue_data: dict[str, Any]) -> Catalogue:
    """The catalogue, read."""
    return read_catalogue(json.dumps(catalogue_data).encode())


@pytest.fixture
def trial(trial_data: dict[str, Any], catalogue: Catalogue) -> Trial:
    """The trial, read."""
    return read_trial(json.dumps(trial_data).encode(), catalogue)
