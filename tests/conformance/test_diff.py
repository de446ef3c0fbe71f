"""Differences between the official examples: https://hl7.org/fhir/R5/fhirpatch.html."""

from __future__ import annotations

from itertools import pairwise

import pytest

from service.fhir.diff import diff, patch
from service.fhir.fhirpath_patch import apply
from service.fhir.json import canonical, dumps, loads
from tests.conformance.packages import resource_files

SIZE = 40_000
PER_TYPE = 25


@pytest.mark.timeout(300)
def test_a_patch_leads_from_each_example_to_the_next_of_its_type() -> None:
    """The difference of two resources, applied to the first, is the second, whatever their elements are."""
    by_type: dict[str, list[bytes]] = {}
    for path in resource_files("hl7.fhir.r5.examples"):
        if path.stat().st_size < SIZE:
            by_type.setdefault(path.name.partition("-")[0], []).append(path.read_bytes())
    compared = 0
    for texts in by_type.values():
        for first, second in pairwise(texts[:PER_TYPE]):
            before, after = loads(first), loads(second)
            result = apply(before, loads(dumps(patch(diff(before, after)))))
            assert canonical(_without_server(result)) == canonical(_without_server(after)), (before["id"], after["id"])
            compared += 1
    assert compared > 500


def _without_server(resource: dict[str, object]) -> dict[str, object]:
    meta = resource.get("meta")
    own = {k: v for k, v in meta.items() if k not in ("versionId", "lastUpdated")} if isinstance(meta, dict) else {}
    return {**resource, "meta": own}
