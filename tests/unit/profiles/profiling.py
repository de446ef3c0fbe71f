"""What the tests of profiles share: profiles made of a few lines, a terminology of value sets, and what is found."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from service.errors import Issue
from service.fhir.library import Library
from service.profiles.definition.core import core_definitions
from service.profiles.validator import Validator
from service.terminology.base import Verdict

HERE = "http://example.org/fhir/StructureDefinition/"
SETS = "http://example.org/fhir/ValueSet/"
COLOURS = "http://example.org/fhir/CodeSystem/colours"


class ValueSets:
    """A terminology that knows the concepts that value sets list, and nothing of other systems."""

    def __init__(self, **sets: Sequence[str]) -> None:
        self._sets = {SETS + name: frozenset(codes) for name, codes in sets.items()}

    def in_value_set(
        self, value_set: str, system: str | None, code: str, *, version: str | None = None, display: str | None = None
    ) -> Verdict:
        """Whether a code of the colours is listed; a code in capitals has a display that is not right."""
        del version
        known = self._sets.get(value_set)
        if known is None or system not in (None, COLOURS):
            return Verdict(None, "not known in this test")
        wrong = display is not None and display != code
        return Verdict(code in known, None if code in known else "not listed", wrong_display=wrong)

    def in_code_system(
        self, system: str, code: str, *, version: str | None = None, display: str | None = None
    ) -> Verdict:
        """Never asked for."""
        raise AssertionError((system, code, version, display))

    def subsumes(self, system: str, ancestor: str, descendant: str) -> bool | None:
        """Never asked for."""
        raise AssertionError((system, ancestor, descendant))


TERMINOLOGY = ValueSets(warm=("red", "orange"), cold=("blue", "cyan"), all=("red", "orange", "blue", "cyan", "grey"))


def profile(name: str, type_: str, *elements: dict[str, Any], base: str | None = None, **more: Any) -> dict[str, Any]:
    """A profile of that name; elements are given by id, from which path and slice name follow."""
    base = base or f"http://hl7.org/fhir/StructureDefinition/{type_}"
    return {
        "resourceType": "StructureDefinition",
        "url": HERE + name,
        "name": name,
        "status": "active",
        "kind": "complex-type" if type_ == "Extension" else "resource",
        "abstract": False,
        "type": type_,
        "baseDefinition": base,
        "derivation": "constraint",
        "differential": {"element": [_element(deepcopy(element)) for element in elements]},
        **more,
    }


def _element(element: dict[str, Any]) -> dict[str, Any]:
    parts = [part.partition(":") for part in element["id"].split(".")]
    element.setdefault("path", ".".join(name for name, _, _ in parts))
    if parts[-1][2]:
        element.setdefault("sliceName", parts[-1][2])
    return element


def extension(name: str, value_type: str, *elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The definition of a simple extension that may be used anywhere."""
    own = [{"id": "Extension.extension", "max": "0"}, {"id": "Extension.url", "fixedUri": HERE + name}]
    value = {"id": "Extension.value[x]", "min": 1, "type": [{"code": value_type}]}
    more.setdefault("context", [{"type": "element", "expression": "Element"}])
    return profile(name, "Extension", *own, value, *elements, **more)


def validator(*definitions: dict[str, Any], **options: Any) -> Validator:
    """A validator that knows these definitions and those of HL7."""
    library = Library(core_definitions())
    for definition in definitions:
        library.add(definition)
    return Validator(library, TERMINOLOGY, **options)


def issues(resource: dict[str, Any], *definitions: dict[str, Any], at_least: str = "error") -> list[Issue]:
    """The issues of a resource against the first of the definitions, down to a severity."""
    levels = ("error", "warning", "information")
    wanted = levels[: levels.index(at_least) + 1]
    found = validator(*definitions).check(resource, [definitions[0]["url"]])
    return [issue for issue in found if issue.severity in wanted]


def found(resource: dict[str, Any], *definitions: dict[str, Any]) -> list[tuple[str | None, str]]:
    """Rule and location of every error of a resource against the first of the definitions."""
    return [(issue.rule, issue.expression[0]) for issue in issues(resource, *definitions)]


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    """A collection of resources, each with a URL of its type and id."""
    entries = [
        {"fullUrl": f"http://example.org/fhir/{resource['resourceType']}/{resource.get('id')}", "resource": resource}
        for resource in resources
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "weight",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">A weight</div>'},
    "status": "final",
    "code": {"coding": [{"system": COLOURS, "code": "green"}], "text": "a colour"},
    "subject": {"reference": "Patient/1"},
    "effectiveDateTime": "2024-02-03",
    "performer": [{"reference": "Practitioner/1"}, {"display": "somebody"}],
    "valueQuantity": {"value": 5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    "component": [
        {"code": {"coding": [{"system": COLOURS, "code": "blue"}]}, "valueString": "cold"},
        {"code": {"coding": [{"system": COLOURS, "code": "orange"}]}, "valueInteger": 7},
    ],
}


def observation(**changes: Any) -> dict[str, Any]:
    """A valid Observation with some properties replaced, or removed where None is given."""
    changed = {**deepcopy(OBSERVATION), **changes}
    return {name: value for name, value in changed.items() if value is not None}
