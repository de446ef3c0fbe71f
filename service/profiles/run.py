"""One validation under way: where it is in the resource, and what it has found.

Locations are FHIRPath (https://hl7.org/fhir/R5/operationoutcome-definitions.html#OperationOutcome.issue.expression).
Most resources are valid, so a location is carried as a chain of tuples, which costs next to nothing, and becomes text
only when there is something to report.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from service.errors import Issue, Severity

Object: TypeAlias = dict[str, Any]

Where: TypeAlias = "tuple[Where | None, str, int]"
"""The location of the parent, the name of the element, and its index, or :data:`SINGLE` outside arrays."""

SINGLE: Final = -1


class Run:
    """What one validation accumulates: ``issues`` are the problems found so far."""

    __slots__ = ("_contained", "container", "issues")

    def __init__(self, container: Object) -> None:
        self.issues: list[Issue] = []
        self.enter(container)

    def enter(self, container: Object) -> None:
        """From here on, look up references ``#id`` in the ``contained`` of this resource."""
        self.container = container
        self._contained: dict[str, Any] | None = None

    def contained_type(self, resource_id: str) -> str | None:
        """Return the type of a contained resource, or of its container, to which a bare ``#`` points."""
        if self._contained is None:
            contained = self.container.get("contained")
            resources = [r for r in contained if isinstance(r, dict)] if isinstance(contained, list) else []
            self._contained = {r["id"]: r.get("resourceType") for r in resources if isinstance(r.get("id"), str)}
        found = self._contained.get(resource_id) if resource_id else self.container.get("resourceType")
        return found if isinstance(found, str) else None

    def report(self, code: str, rule: str, where: Where, text: str, severity: Severity = "error") -> None:
        """Add an issue about the element at ``where``."""
        self.issues.append(Issue(severity, code, text, (location(where),), rule))


Check: TypeAlias = Callable[[Any, Where, Object, Run], None]
"""Checks the value of one JSON property: the value, the location of its owner, the owner, the run."""

ObjectRule: TypeAlias = Callable[[Object, Where, Run], None]
"""Checks one object as a whole: the object, its own location, the run."""


def location(where: Where) -> str:
    """Return the FHIRPath of a location: ``ResearchStudy.comparisonGroup[0].type.coding[1].code``."""
    parts: list[str] = []
    step: Where | None = where
    while step is not None:
        parent, name, index = step
        parts.append(name if index == SINGLE else f"{name}[{index}]")
        step = parent
    return ".".join(reversed(parts))


def json_type(value: object) -> str:
    """Name the JSON type of a value, for messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, list):
        return "an array"
    return "an object" if isinstance(value, dict) else "a number"


def quoted(value: object) -> str:
    """Show a value in a message, shortened so that a message stays readable however long the value is."""
    text = str(value)
    return f"'{text[:60]}...'" if len(text) > 64 else f"'{text}'"
