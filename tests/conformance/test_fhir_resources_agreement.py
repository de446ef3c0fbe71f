"""Our verdict (valid or invalid) beside that of fhir.resources, which knows the same base definitions.

It checks neither bindings nor reference targets and is lenient about null, empty arrays and other matters of form, so
it can accept what we refuse; what it refuses, we have to refuse as well.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from typing import Any

from fhir.resources import get_fhir_model_class
from pydantic import ValidationError

from tests.conformance.packages import resource_files
from tests.support.validation import check_structure

TARGET = "a reference points to a type that its definition does not allow, which fhir.resources does not look at"
SIBLING = "fhir.resources refuses _valueCode, the extensions of a valueCode"
RULES = "fhir.resources does not look at links, fullUrls, and what a canonical or the system of a value set may be"
MINIMUM = "fhir.resources takes -9223372036854775808, the least integer64, to be out of range"

DIFFERENCES = {
    "BiologicallyDerivedProduct-allogeneicHCT.json": TARGET,
    "BiologicallyDerivedProduct-autologousHCT.json": TARGET,
    "Bundle-10bb101f-a121-4264-a920-67be9cb82c74.json": RULES,
    "Bundle-3a0707d3-549e-4467-b8b8-5a2ab3800efe.json": RULES,
    "Bundle-dataelements.json": MINIMUM,
    "Bundle-father.json": RULES,
    "Bundle-lri-example.json": RULES,
    "Bundle-types.json": MINIMUM,
    "CodeSystem-discriminator-type.json": SIBLING,
    "CodeSystem-search-entry-mode.json": SIBLING,
    "DocumentReference-sound.json": RULES,
    "DocumentReference-xray.json": TARGET,
    "Encounter-example.json": TARGET,
    "ImagingStudy-example-xr.json": TARGET,
    "MedicinalProductDefinition-drug-and-device-complete.json": RULES,
    "PlanDefinition-example-cardiology-os.json": RULES,
    "StructureDefinition-integer64.json": MINIMUM,
    "Transport-simpledelivery.json": TARGET,
    "ValueSet-security-role-type.json": RULES,
}

SPOILED_VALUES: tuple[Any, ...] = (
    None,
    [],
    {},
    "",
    True,
    "x y  z",
    -5,
    "2023-02-30",
    ["a"],
    {"foo": 1},
    99999999999,
    "a b\u0000c",
)


def accepted_by_us(text: str) -> bool:
    """Our verdict on a resource."""
    issues = check_structure(json.loads(text, parse_float=Decimal))  # fhir.resources has no FHIRPath
    return not any(issue.severity == "error" for issue in issues)


def accepted_by_fhir_resources(text: str) -> bool:
    """The verdict of fhir.resources on the same text."""
    resource = json.loads(text)
    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    except (ValidationError, TypeError, AttributeError):  # it stumbles over an array where it expects a string
        return False
    return True


def test_every_example_has_the_same_verdict() -> None:
    """Both say the same about every official example, however large, but those that the table explains by name."""
    differing = set()
    for path in resource_files("hl7.fhir.r5.examples"):
        text = path.read_text(encoding="utf-8")
        if accepted_by_us(text) != accepted_by_fhir_resources(text):
            differing.add(path.name)
    assert differing == set(DIFFERENCES)


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of everything inside a JSON value."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield (*path, key)
        yield from places(member, (*path, key))


def spoil(resource: Any, path: tuple[str | int, ...], chance: random.Random) -> Any:
    """Return the resource with one thing removed, replaced, renamed or put into an array."""
    spoiled = deepcopy(resource)
    owner = spoiled
    for key in path[:-1]:
        owner = owner[key]
    last = path[-1]
    match chance.choice(("remove", "replace", "rename", "wrap")):
        case "remove":
            del owner[last]
        case "rename" if isinstance(last, str):
            owner[last + "s"] = owner.pop(last)
        case "wrap":
            owner[last] = [owner[last]]
        case _:
            owner[last] = chance.choice(SPOILED_VALUES)
    return spoiled


def test_what_fhir_resources_refuses_of_spoiled_examples_we_refuse() -> None:
    """Of thousands of examples with one thing spoiled, none that fhir.resources refuses gets past us."""
    chance = random.Random(20230326)  # the day of R5: the same sample in every run
    missed, refused = [], 0
    for path in resource_files("hl7.fhir.r5.examples"):
        if path.name in DIFFERENCES or path.name.startswith("Bundle") or path.stat().st_size > 12_000:
            continue
        resource = json.loads(path.read_text(encoding="utf-8"))
        candidates = [place for place in places(resource) if place != ("resourceType",)]
        for place in chance.sample(candidates, min(2, len(candidates))):
            text = json.dumps(spoil(resource, place, chance))
            if not accepted_by_fhir_resources(text):
                refused += 1
                if accepted_by_us(text):
                    missed.append((path.name, place))
    assert not missed
    assert refused > 1_000
