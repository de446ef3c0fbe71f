"""Snapshots that are generated here are those that HL7's publisher generated."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from service.profiles.definition.core import core_definitions
from service.profiles.definition.snapshot import snapshot
from service.profiles.definition.tree import Trees
from tests.conformance.packages import resource_files

FACTS = ("id", "path", "sliceName", "max", "fixed", "pattern", "minValue", "maxValue")

OTHERWISE = {
    # It slices an element without an entry for the slicing, which the publisher repeats as it is.
    "catalog",
}


def same(made: dict[str, Any], published: dict[str, Any]) -> bool:
    """Whether two elements say the same, prose aside; the publisher raises some minimums and leaves others."""
    kept, wanted = (
        {name: value for name, value in element.items() if name.startswith(FACTS)} for element in (made, published)
    )
    types, others = ([entry["code"] for entry in element.get("type", ())] for element in (made, published))
    # The tables name the types of FHIR where the packages name those of FHIRPath.
    return kept == wanted and (types == others or any("System." in code for code in others))


@pytest.mark.parametrize("package", ["hl7.fhir.r5.core", "hl7.fhir.uv.extensions.r5"])
def test_generated_snapshots_agree_with_the_published_ones(package: str) -> None:
    """The same elements in the same order, with the same slices, cardinalities, types, fixed values and patterns."""
    trees = Trees(core_definitions())
    different = set()
    checked = 0
    for path in resource_files(package):
        if not path.name.startswith("StructureDefinition-"):
            continue
        definition = json.loads(path.read_bytes(), parse_float=Decimal)
        if definition.get("derivation") != "constraint" or "snapshot" not in definition:
            continue
        checked += 1
        made = snapshot(trees.of(definition), trees)["snapshot"]["element"]
        published = definition["snapshot"]["element"]
        if len(made) != len(published) or not all(map(same, made, published)):
            different.add(definition["id"])
    assert checked > 60
    assert different <= OTHERWISE
