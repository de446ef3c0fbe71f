"""Elements of trees that are about the same thing in a resource: https://hl7.org/fhir/R5/profiling.html#slicing.

What is in a slice is described by the slice, by the element that it is a slice of, and by the profile of its type. Each
is checked on its own; only to find out what tells slices apart they are read together, side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from service.profiles.definition.element import Element
from service.profiles.definition.tree import Trees


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Elements about the same thing: ``own`` the most specific first, ``around`` those that they are slices of."""

    own: tuple[Element, ...]
    around: tuple[Element, ...] = ()

    @property
    def all(self) -> tuple[Element, ...]:
        """All elements, the most specific first."""
        return self.own + self.around

    def child(self, name: str, trees: Trees) -> View | None:
        """The view of a child; None if no profile says anything about it."""
        found = tuple(e.children[name] for e in _widened(self.all, trees) if name in e.children)
        return View(found) if found else None

    def slices(self, trees: Trees) -> dict[str, View]:
        """The slices by name, in the order of the profiles: those of a base before those that were added."""
        elements = tuple(_widened(self.own, trees))
        names = dict.fromkeys(name for element in reversed(elements) for name in element.slices)
        return {name: View(tuple(e.slices[name] for e in elements if name in e.slices), self.all) for name in names}

    def given(self, name: str) -> Any:  # noqa: ANN401  # any JSON value
        """The property of the first element that gives it, None if none does."""
        return next((element.given[name] for element in self.all if name in element.given), None)

    @property
    def types(self) -> list[dict[str, Any]]:
        """The types of the first element that gives any."""
        return next((element.types for element in self.all if element.types), [])


def _widened(elements: tuple[Element, ...], trees: Trees) -> Iterator[Element]:
    """The elements, each followed by the root of the profile of its type, if there is but one."""
    for element in elements:
        yield element
        profiles = [url for entry in element.types for url in entry.get("profile", ())]
        if len(profiles) == 1:
            tree = trees.find(profiles[0])
            if tree is not None:
                yield tree.root
