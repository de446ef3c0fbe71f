"""Extensions and their definitions: https://hl7.org/fhir/R5/defining-extensions.html."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.profiles.profiling import HERE, bundle, extension, found, observation, profile, validator

CORE = "http://hl7.org/fhir/StructureDefinition/"


def used(*definitions: dict[str, Any], **changes: Any) -> list[tuple[str, str | None, str]]:
    """Severity, rule and location of the issues of an Observation that claims no profile."""
    there = validator(*definitions).check(observation(**changes))
    return [(issue.severity, issue.rule, issue.expression[0]) for issue in there]


def size(**more: Any) -> dict[str, Any]:
    """An extension called size with an integer."""
    return {"url": HERE + "size", "valueInteger": 1, **more}


def test_an_extension_conforms_to_its_definition() -> None:
    """Type, cardinality and fixed values of the definition hold wherever the extension is."""
    definition = extension(
        "size", "integer", {"id": "Extension.value[x]", "maxValueInteger": 5, "min": 1, "type": [{"code": "integer"}]}
    )
    assert used(definition, extension=[size()]) == []
    assert used(definition, extension=[size(valueInteger=6)]) == [
        ("error", "range", "Observation.extension[0].value.ofType(integer)")
    ]
    wrong = {"url": HERE + "size", "valueString": "x"}
    assert used(definition, code={"text": "x", "extension": [wrong]}) == [
        ("error", "type", "Observation.code.extension[0].value.ofType(string)")
    ]


def test_the_parts_of_a_complex_extension_belong_to_its_definition() -> None:
    """Names in place of URLs are slices of the extension around them."""
    whole = profile(
        "box",
        "Extension",
        {"id": "Extension.extension:height", "min": 1, "max": "1"},
        {"id": "Extension.extension:height.url", "fixedUri": "height"},
        {"id": "Extension.extension:height.value[x]", "type": [{"code": "decimal"}]},
        {"id": "Extension.url", "fixedUri": HERE + "box"},
        {"id": "Extension.value[x]", "max": "0"},
        context=[{"type": "element", "expression": "Element"}],
    )
    height = {"url": "height", "valueDecimal": 2}
    assert used(whole, extension=[{"url": HERE + "box", "extension": [height]}]) == []
    assert used(whole, extension=[{"url": HERE + "box", "extension": [{"url": "x", "valueDecimal": 2}]}]) == [
        ("error", "cardinality", "Observation.extension[0].extension")
    ]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://example.org/unheard-of", [("information", "extension", "Observation.extension[0].url")]),
        (CORE + "unheard-of", [("error", "extension", "Observation.extension[0].url")]),
        (CORE + "structuredefinition-implements", []),
        (
            "http://hl7.org/fhir/4.0/StructureDefinition/extension-x",
            [("information", "extension", "Observation.extension[0].url")],
        ),
    ],
)
def test_an_unknown_extension_is_an_error_only_if_it_claims_to_be_of_fhir(
    url: str, expected: list[tuple[str, str, str]]
) -> None:
    """Others may use extensions that are not known here; FHIR's own are all known."""
    assert used(extension=[{"url": url, "valueString": "x"}]) == expected


def test_the_extensions_of_hl7_are_known() -> None:
    """Their definitions are in the tables."""
    good = {"url": CORE + "observation-delta", "valueCodeableConcept": {"text": "up"}}
    assert used(extension=[good]) == []
    assert used(extension=[{"url": CORE + "observation-delta", "valueString": "x"}]) == [
        ("error", "type", "Observation.extension[0].value.ofType(string)")
    ]


def test_a_url_that_defines_something_else_is_no_extension() -> None:
    """The URL of a profile of a resource cannot be used."""
    assert used(extension=[{"url": CORE + "vitalsigns", "valueString": "x"}]) == [
        ("error", "extension", "Observation.extension[0].url")
    ]


def test_a_modifier_is_where_modifiers_are() -> None:
    """https://hl7.org/fhir/R5/extensibility.html#modifierExtension: the definition decides."""
    modifier = extension("not", "boolean", {"id": "Extension", "isModifier": True, "isModifierReason": "negates"})
    negated = {"url": HERE + "not", "valueBoolean": True}
    assert used(modifier, modifierExtension=[negated]) == []
    assert used(modifier, extension=[negated]) == [("error", "modifier-extension", "Observation.extension[0]")]
    plain = extension("size", "integer")
    assert used(plain, modifierExtension=[size()]) == [
        ("error", "modifier-extension", "Observation.modifierExtension[0]")
    ]
    unknown = {"url": "http://example.org/unheard-of", "valueString": "x"}
    assert used(modifierExtension=[unknown]) == [("warning", "extension", "Observation.modifierExtension[0].url")]


@pytest.mark.parametrize(
    ("context", "where", "is_right"),
    [
        ("Observation", {"extension": [size()]}, True),
        ("Patient", {"extension": [size()]}, False),
        ("DomainResource", {"extension": [size()]}, True),
        ("Resource", {"extension": [size()]}, True),
        ("Observation.component", {"extension": [size()]}, False),
        ("Observation.component", {"component": [{"code": {"text": "x"}, "extension": [size()]}]}, True),
        ("BackboneElement", {"component": [{"code": {"text": "x"}, "extension": [size()]}]}, True),
        ("Observation.code", {"code": {"text": "x", "extension": [size()]}}, True),
        ("CodeableConcept", {"code": {"text": "x", "extension": [size()]}}, True),
        ("Coding", {"code": {"text": "x", "extension": [size()]}}, False),
        ("CodeableConcept.coding", {"code": {"coding": [{"code": "x", "extension": [size()]}]}}, True),
        ("Observation.code.coding", {"code": {"coding": [{"code": "x", "extension": [size()]}]}}, True),
        ("Observation.status", {"_status": {"extension": [size()]}}, True),
        ("code", {"_status": {"extension": [size()]}}, True),
        ("Observation.value[x]", {"valueQuantity": {"value": 1, "extension": [size()]}}, True),
        ("Observation.value", {"valueQuantity": {"value": 1, "extension": [size()]}}, True),
        ("Quantity", {"valueQuantity": {"value": 1, "extension": [size()]}}, True),
        ("Element", {"valueQuantity": {"value": 1, "extension": [size()]}}, True),
        (
            "Observation.referenceRange",
            {"component": [{"code": {"text": "x"}, "referenceRange": [{"text": "x", "extension": [size()]}]}]},
            True,
        ),
        ("CanonicalResource", {"extension": [size()]}, False),
    ],
)
def test_an_extension_stands_in_its_context(context: str, where: dict[str, Any], is_right: bool) -> None:
    """A context names a path in a resource or data type, or a type, those that it specialises included."""
    definition = extension("size", "integer", context=[{"type": "element", "expression": context}])
    assert [rule for _, rule, _ in used(definition, **where)] == ([] if is_right else ["extension-context"])
    # What was found once is remembered, so ask again.
    checker = validator(definition)
    assert [len(checker.check(observation(**where))) for _ in range(2)] == [0 if is_right else 1] * 2


def test_a_context_can_be_another_extension() -> None:
    """``extension`` names the extension in which this one may stand."""
    definition = extension("size", "integer", context=[{"type": "extension", "expression": HERE + "box"}])
    box = profile("box", "Extension", context=[{"type": "element", "expression": "Element"}])
    assert used(definition, box, extension=[{"url": HERE + "box", "extension": [size()]}]) == []
    assert [rule for _, rule, _ in used(definition, box, extension=[size()])] == ["extension-context"]


@pytest.mark.parametrize(
    ("expression", "is_right"),
    [("Observation.code.coding", False), ("Observation.code", True), ("descendants().where(text = 'x')", True)],
)
def test_a_context_can_be_a_fhirpath(expression: str, is_right: bool) -> None:
    """``fhirpath`` selects the elements that may have the extension."""
    definition = extension("size", "integer", context=[{"type": "fhirpath", "expression": expression}])
    there = used(definition, code={"text": "x", "extension": [size()]})
    assert [rule for _, rule, _ in there] == ([] if is_right else ["extension-context"])


@pytest.mark.parametrize(
    ("expression", "is_right"),
    [("status = 'final'", True), ("status = 'amended'", False), ("%extension.value > 0", True)],
)
def test_an_invariant_of_the_context(expression: str, is_right: bool) -> None:
    """``contextInvariant`` is about the element that has the extension, which is ``%extension``."""
    definition = extension("size", "integer", contextInvariant=[expression])
    assert [rule for _, rule, _ in used(definition, extension=[size()])] == ([] if is_right else ["extension-context"])


def test_extensions_in_resources_within_are_checked_where_they_stand() -> None:
    """The context of an extension in a contained resource is that resource."""
    definition = extension("size", "integer", context=[{"type": "element", "expression": "Patient"}])
    patient = {"resourceType": "Patient", "id": "p", "extension": [size()]}
    resource = observation(contained=[patient], subject={"reference": "#p"})
    assert found(resource, profile("p", "Observation"), definition) == []
    both = bundle(patient, observation(extension=[size()]))
    assert found(both, profile("b", "Bundle"), definition) == [
        ("extension-context", "Bundle.entry[1].resource.extension[0]")
    ]
