"""The official examples that break a rule of the base specification, all of them truly, and which rule each breaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

KNOWN: Final[dict[str, str]] = {
    # request and careTeam point to their own kind; a plan's place is taken by a procedure, a location's by a transport
    "BiologicallyDerivedProduct-allogeneicHCT.json": "reference",
    "BiologicallyDerivedProduct-autologousHCT.json": "reference",
    "DocumentReference-xray.json": "reference",
    "Encounter-example.json": "reference",
    "ImagingStudy-example-xr.json": "reference",
    "Transport-simpledelivery.json": "reference reference",
    # canonicals point to contained resources that are not there: a value set, an activity definition
    "PlanDefinition-example-cardiology-os.json": "reference reference",
    # fullUrl does not end in the id; references that the fullUrls do not lead to
    "Bundle-10bb101f-a121-4264-a920-67be9cb82c74.json": "bundle",
    "Bundle-3a0707d3-549e-4467-b8b8-5a2ab3800efe.json": "bundle bundle bundle",
    "Bundle-father.json": "bundle",
    "Bundle-lri-example.json": " ".join(["bundle"] * 16),
    # an image and a link of the narrative lead nowhere
    "DocumentReference-sound.json": "narrative",
    "MedicinalProductDefinition-drug-and-device-complete.json": "narrative",
    # an identifier with nothing but an id
    "Medication-med0301.json": "ele-1",
    # the system of an include is relative
    "Bundle-valuesets.json": "format",
    "ValueSet-security-role-type.json": "format",
    # a base definition without a derivation
    "StructureDefinition-Definition.json": "sdf-27",
    "StructureDefinition-Event.json": "sdf-27",
    "StructureDefinition-FiveWs.json": "sdf-27",
    "StructureDefinition-Participant.json": "sdf-27",
    "StructureDefinition-ParticipantContactable.json": "sdf-27",
    "StructureDefinition-ParticipantLiving.json": "sdf-27",
    "StructureDefinition-Product.json": "sdf-27",
    "StructureDefinition-Publishable.json": "sdf-27",
    "StructureDefinition-Request.json": "sdf-27",
    "StructureDefinition-Shareable.json": "sdf-27",
}
"""File -> the rules of its errors, each as often as it is broken. (More examples break a profile or a terminology.)"""

REPEATED_LINK_ID: Final = 161
"""So many Questionnaires use a linkId twice (que-2); which they are is found out here, not by the validator."""


def broken_rules(name: str, resource: dict[str, Any]) -> Counter[str]:
    """The rules of the errors that an example has."""
    found = Counter(KNOWN.get(name, "").split())
    if resource["resourceType"] == "Questionnaire":
        link_ids = list(_link_ids(resource))
        if len(link_ids) > len(set(link_ids)):
            found["que-2"] += 1
    return found


def _link_ids(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if "linkId" in value:
            yield value["linkId"]
        for child in value.values():
            yield from _link_ids(child)
    elif isinstance(value, list):
        for item in value:
            yield from _link_ids(item)
