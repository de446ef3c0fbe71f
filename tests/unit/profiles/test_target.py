"""References in profiles: https://hl7.org/fhir/R5/elementdefinition.html#reference."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.profiles.profiling import HERE, bundle, found, observation, profile

BASE = "http://hl7.org/fhir/StructureDefinition/"
NAMED = profile("named", "Patient", {"id": "Patient.name", "min": 1})


def subject(*targets: str, **more: Any) -> dict[str, Any]:
    """A profile about the subject of an Observation."""
    kind = {"code": "Reference", "targetProfile": list(targets), **more}
    return profile("p", "Observation", {"id": "Observation.subject", "type": [{k: v for k, v in kind.items() if v}]})


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"reference": "Patient/1"}, []),
        ({"reference": "http://example.org/fhir/Patient/1"}, []),
        ({"reference": "Group/1"}, [("target", "Observation.subject.reference")]),
        ({"reference": "https://example.org/fhir/Group/1/_history/2"}, [("target", "Observation.subject.reference")]),
        ({"type": "Group", "identifier": {"value": "x"}}, [("target", "Observation.subject.type")]),
        ({"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}, []),
        ({"display": "somebody"}, []),
    ],
)
def test_the_target_is_of_a_type_that_the_profile_permits(
    reference: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """The type is that which the reference tells; where it tells none there is nothing to report."""
    assert found(observation(subject=reference), subject(BASE + "Patient")) == expected


def test_a_profile_as_target_permits_its_type() -> None:
    """A target that is elsewhere is judged by its type alone."""
    assert found(observation(), subject(HERE + "named"), NAMED) == []
    assert found(observation(subject={"reference": "Group/1"}), subject(HERE + "named"), NAMED) == [
        ("target", "Observation.subject.reference")
    ]


@pytest.mark.parametrize(
    ("name", "targets", "expected"),
    [
        ([{"text": "A"}], [HERE + "named"], []),
        (None, [HERE + "named"], [("target-profile", "Observation.subject")]),
        (None, [HERE + "named", BASE + "Patient"], []),
        (None, [HERE + "named", BASE + "Group"], [("target-profile", "Observation.subject")]),
    ],
)
def test_a_contained_target_conforms_to_one_of_the_profiles(
    name: Any, targets: list[str], expected: list[tuple[str, str]]
) -> None:
    """Where the type itself is permitted no profile has to be met."""
    patient = {"resourceType": "Patient", "id": "p", **({"name": name} if name else {})}
    resource = observation(contained=[patient], subject={"reference": "#p"})
    assert found(resource, subject(*targets), NAMED) == expected


def test_a_target_in_the_same_bundle_conforms() -> None:
    """References are resolved by fullUrl, and relative ones by type and id."""
    demand = subject(HERE + "named")
    member = observation(meta={"profile": [demand["url"]]}, subject={"reference": "Patient/1"})
    wrapper = profile("b", "Bundle")

    patient = {"resourceType": "Patient", "id": "1"}
    assert found(bundle(member, {**patient, "name": [{"text": "A"}]}), wrapper, demand, NAMED) == []
    assert found(bundle(member, patient), wrapper, demand, NAMED) == [
        ("target-profile", "Bundle.entry[0].resource.subject")
    ]


def test_references_in_a_circle_end() -> None:
    """What is being checked against a profile is taken to conform to it."""
    loop = profile(
        "loop",
        "Observation",
        {"id": "Observation.hasMember", "type": [{"code": "Reference", "targetProfile": [HERE + "loop"]}]},
    )
    claim = {"profile": [HERE + "loop"]}
    a, b = (
        observation(id=mine, meta=claim, hasMember=[{"reference": f"Observation/{other}"}])
        for mine, other in (("a", "b"), ("b", "a"))
    )
    assert found(bundle(a, b), profile("b", "Bundle"), loop) == []


@pytest.mark.parametrize(
    ("modes", "text", "expected"),
    [
        (["contained"], "#p", []),
        (["contained"], "Patient/1", [("aggregation", "Observation.subject")]),
        (["referenced"], "Patient/1", []),
        (["referenced"], "#p", [("aggregation", "Observation.subject")]),
        (["referenced", "contained"], "#p", []),
        (["bundled"], "Patient/1", [("aggregation", "Observation.subject")]),
    ],
)
def test_how_a_target_is_held(modes: list[str], text: str, expected: list[tuple[str, str]]) -> None:
    """https://hl7.org/fhir/R5/codesystem-resource-aggregation-mode.html."""
    contained = [{"resourceType": "Patient", "id": "p"}] if text == "#p" else None
    resource = observation(contained=contained, subject={"reference": text})
    assert found(resource, subject(BASE + "Patient", aggregation=modes)) == expected


@pytest.mark.parametrize(
    ("versioning", "text", "is_right"),
    [
        ("independent", "Patient/1", True),
        ("independent", "Patient/1/_history/2", False),
        ("specific", "Patient/1", False),
        ("specific", "Patient/1/_history/2", True),
        ("either", "Patient/1", True),
    ],
)
def test_how_a_target_is_named(versioning: str, text: str, is_right: bool) -> None:
    """https://hl7.org/fhir/R5/codesystem-reference-version-rules.html."""
    expected = [] if is_right else [("versioning", "Observation.subject")]
    resource = observation(subject={"reference": text})
    assert found(resource, subject(BASE + "Patient", versioning=versioning)) == expected


def test_the_reference_of_a_codeable_reference() -> None:
    """A CodeableReference is narrowed like a Reference; its concept has no target."""
    kind = {"code": "CodeableReference", "targetProfile": [HERE + "vial"]}
    demand = profile("p", "MedicationRequest", {"id": "MedicationRequest.medication", "type": [kind]})
    vial = profile("vial", "Medication", {"id": "Medication.code", "min": 1})
    request: dict[str, Any] = {"resourceType": "MedicationRequest", "status": "active", "intent": "order"}
    request |= {"subject": {"display": "x"}}
    contained = [{"resourceType": "Medication", "id": "m"}]
    bad = {**request, "contained": contained, "medication": {"reference": {"reference": "#m"}}}
    assert found(bad, demand, vial) == [("target-profile", "MedicationRequest.medication.reference")]
    assert found({**request, "medication": {"concept": {"text": "x"}}}, demand, vial) == []
