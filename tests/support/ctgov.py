"""Invented records in the form of ClinicalTrials.gov's API v2: one with everything in it, one with little."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

Json = dict[str, Any]

_LARGE: Final = Path(__file__).parent.parent / "cases/ctgov/large.json"


def small(nct: str = "NCT00000001", **protocol: Any) -> Json:
    """A record with no more than every study has; ``protocol`` are modules to add or to replace."""
    return {
        "protocolSection": {
            "identificationModule": {"nctId": nct, "briefTitle": "A small invented study"},
            "statusModule": {"overallStatus": "RECRUITING"},
            "sponsorCollaboratorsModule": {"leadSponsor": {"name": "Invented Institute", "class": "OTHER"}},
            "designModule": {"studyType": "OBSERVATIONAL"},
            "eligibilityModule": {"sex": "ALL", "eligibilityCriteria": "Anyone."},
            **protocol,
        },
        "hasResults": False,
    }


def large() -> Json:
    """A record with every member that the description of the API has, and with every trap."""
    record: Json = json.loads(_LARGE.read_bytes())
    return record


def counts(**values: str) -> list[Json]:
    """Denominators or achievements by group."""
    return [{"groupId": group, "value": value} for group, value in values.items()]
