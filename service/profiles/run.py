"""One validation under way: where it is in the resource, and what it has found.

Locations are FHIRPath (https://hl7.org/fhir/R5/operationoutcome-definitions.html#OperationOutcome.issue.expression).
Most resources are valid, so a location is carried as a chain of tuples, which costs next to nothing, and becomes text
only when there is something to report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from service.errors import Issue, Severity

Object: TypeAlias = dict[str, Any]

Where: TypeAlias = "tuple[Where | None, str, int]"
"""The location of the parent, the name of the element, and its index, or :data:`SINGLE` outside arrays."""

SINGLE: Final = -1


class Run:
    """What one validation accumulates: ``issues`` are the problems found so far.

    ``resource`` is the resource that is being checked, ``container`` the one that it is contained in or the same: the
    %resource and %rootResource of invariants (https://hl7.org/fhir/R5/fhirpath.html#variables). ``extensions`` are the
    extensions that were met and ``bound`` the values with an extensible binding (value, location, type, value set), for
    whoever judges them. ``filled`` has, by identity, what objects with empty ones in them are without these.
    """

    __slots__ = (
        "_all_ids",
        "_contained",
        "_element_ids",
        "_not_evaluated",
        "_outermost",
        "bound",
        "container",
        "extensions",
        "filled",
        "issues",
        "resource",
    )

    def __init__(self, container: Object) -> None:
        self.issues: list[Issue] = []
        self.bound: list[tuple[Object, Where, str, str]] = []
        self.extensions: list[tuple[Object, Where]] = []
        self.filled: dict[int, Object] = {}
        self._outermost = container
        self._all_ids: frozenset[str] | None = None
        self._not_evaluated: set[str] = set()
        self._element_ids: set[tuple[int, str]] = set()
        self.enter(container)

    def enter(self, container: Object) -> None:
        """From here on, look up references ``#id`` in the ``contained`` of this resource."""
        self.container = self.resource = container
        self._contained: dict[str, Any] | None = None

    def contained_type(self, resource_id: str) -> str | None:
        """Return the type of a contained resource, or of its container, to which a bare ``#`` points."""
        if self._contained is None:
            contained = self.container.get("contained")
            resources = [r for r in contained if isinstance(r, dict)] if isinstance(contained, list) else []
            self._contained = {r["id"]: r.get("resourceType") for r in resources if isinstance(r.get("id"), str)}
        found = self._contained.get(resource_id) if resource_id else self.container.get("resourceType")
        return found if isinstance(found, str) else None

    def not_evaluated(self, key: str, where: Where, why: str) -> None:
        """Report a rule that could not be applied, once for all its places: that it holds is not known."""
        if key not in self._not_evaluated:
            self._not_evaluated.add(key)
            self.report("not-supported", key, where, f"{key} was not evaluated: {why}", "warning")

    def all_ids(self) -> frozenset[str]:
        """The ids of everything in the outermost resource, anchors in narratives included: what a link may lead to."""
        if self._all_ids is None:
            self._all_ids = frozenset(_ids_in(self._outermost))
        return self._all_ids

    def is_new_id(self, element_id: str) -> bool:
        """Whether no element of the resource had this id so far."""
        before = len(self._element_ids)
        self._element_ids.add((id(self.resource), element_id))
        return len(self._element_ids) > before

    def report(self, code: str, rule: str, where: Where, text: str, severity: Severity = "error") -> None:
        """Add an issue about the element at ``where``."""
        self.issues.append(Issue(severity, code, text, (location(where),), rule))


_ANCHOR: Final = re.compile(r"""\b(?:id|name)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')""")


def _ids_in(resource: Object) -> Iterator[str]:
    waiting: list[Any] = [resource]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            waiting.extend(child for child in item.values() if isinstance(child, dict | list))
            own, narrative = item.get("id"), item.get("div")
            if isinstance(own, str):
                yield own
            if isinstance(narrative, str):
                yield from (match[1] or match[2] or "" for match in _ANCHOR.finditer(narrative))


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
