"""The official examples of R5 against the base definitions."""

from __future__ import annotations

from service.fhir import json
from service.profiles.base import check
from tests.conformance.packages import resource_files

# The examples that break a base definition, and how. (Many more break an invariant or a profile, such as the
# questionnaires with the same linkId twice; these are judged elsewhere.)
INVALID = {
    "BiologicallyDerivedProduct-allogeneicHCT.json": "request points to a BiologicallyDerivedProduct",
    "BiologicallyDerivedProduct-autologousHCT.json": "request points to a BiologicallyDerivedProduct",
    "DocumentReference-xray.json": "context points to a DocumentReference",
    "Encounter-example.json": "careTeam points to an Encounter",
    "ImagingStudy-example-xr.json": "procedure points to a Procedure, where a plan or activity definition belongs",
    "Transport-simpledelivery.json": "requestedLocation and currentLocation point to the Transport itself",
}


def test_exactly_the_invalid_examples_are_refused() -> None:
    """An official example has no error, unless the table says by name what is wrong with it."""
    refused = {}
    for path in resource_files("hl7.fhir.r5.examples"):
        errors = [issue for issue in check(json.loads(path.read_bytes())) if issue.severity == "error"]
        if errors:
            refused[path.name] = {issue.rule for issue in errors}
    assert refused == {name: {"reference"} for name in INVALID}
