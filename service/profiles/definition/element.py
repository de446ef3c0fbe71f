"""A profile as a tree of the elements that it says something about (https://hl7.org/fhir/R5/profiling.html).

What a profile leaves to its base is not in the tree. A slice is an element too, kept below the element that it is a
slice of; a slice of a slice below that (``sliced/again``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from service.fhir.definitions import ElementDefinition

_GROWING: Final = frozenset({"alias", "condition", "mapping", "example"})
"""What a profile adds to; everything else it replaces."""


@dataclass(slots=True)
class Element:
    """What a chain of profiles says about one element or slice.

    ``given`` has the properties of its ElementDefinition, those of the most derived profile that gives them;
    ``constraints`` those of all profiles. ``base`` is the element of the base type (None at the root of the tree).
    ``index`` is the position in the differential of the profile itself, None if only its bases mention the element.
    """

    id: str
    path: str
    name: str
    base: ElementDefinition | None = None
    slice_name: str | None = None
    given: dict[str, Any] = field(default_factory=dict)
    constraints: list[dict[str, Any]] = field(default_factory=list)
    children: dict[str, Element] = field(default_factory=dict)
    slices: dict[str, Element] = field(default_factory=dict)
    index: int | None = None

    def merge(self, properties: dict[str, Any], source: str) -> None:
        """Take over what a profile says; ``source`` is the profile's url."""
        for name, value in properties.items():
            if name == "constraint":
                self._constrain(value, source)
            elif name in _GROWING and name in self.given:
                self.given[name] = [*self.given[name], *(item for item in value if item not in self.given[name])]
            elif name == "slicing" and name in self.given:
                self.given[name] = {**self.given[name], **value}
            elif name not in ("id", "path", "sliceName"):
                self.given[name] = value

    def _constrain(self, constraints: list[dict[str, Any]], source: str) -> None:
        known = {constraint.get("key") for constraint in self.constraints}
        for constraint in constraints:
            if constraint.get("key") not in known:
                self.constraints.append({"source": source, **constraint})

    @property
    def min(self) -> int | None:
        """The minimum, None if it is left to the base."""
        value = self.given.get("min")
        return value if type(value) is int else None

    @property
    def max(self) -> int | None:
        """The maximum, None if it is left to the base or unlimited."""
        value = self.given.get("max")
        return int(value) if isinstance(value, str) and value.isdecimal() else None

    @property
    def types(self) -> list[dict[str, Any]]:
        """The types given, empty if they are left to the base."""
        value = self.given.get("type")
        return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the types given."""
        return tuple(dict.fromkeys(str(entry.get("code")) for entry in self.types))

    def fixed(self, prefix: str) -> tuple[str, Any] | None:
        """The type and value of ``fixed[x]``, ``pattern[x]``, ``minValue[x]`` or ``maxValue[x]``; None if not given."""
        for name, value in self.given.items():
            if name.startswith(prefix) and name[len(prefix) : len(prefix) + 1].isupper():
                return name[len(prefix) :], value
        return None

    def copy(self) -> Element:
        """A tree that may be changed without changing this one; no element of it counts as the profile's own."""
        return Element(
            self.id,
            self.path,
            self.name,
            self.base,
            self.slice_name,
            dict(self.given),
            list(self.constraints),
            {name: child.copy() for name, child in self.children.items()},
            {name: slice_.copy() for name, slice_ in self.slices.items()},
        )

    def walk(self) -> Iterator[Element]:
        """This element, its children and its slices, in the order of a snapshot."""
        yield self
        for child in self.children.values():
            yield from child.walk()
        for slice_ in self.slices.values():
            yield from slice_.walk()
