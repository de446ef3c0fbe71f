"""What is known of an expression's outcome before it is evaluated."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from service.fhir.fhirpath import model


@dataclass(frozen=True, slots=True)
class Static:
    """``types`` are all types that an item can have, None if that is not known; no types at all means always empty.

    ``many`` says that there may be more than one item, ``ordered`` that the order of the items means something.
    """

    types: frozenset[str] | None = None
    many: bool = True
    ordered: bool = True

    @property
    def empty(self) -> bool:
        """Whether the outcome is always empty."""
        return self.types is not None and not self.types

    def single(self) -> Static:
        """The same types, at most one item."""
        return replace(self, many=False, ordered=True)

    def system(self) -> frozenset[str] | None:
        """The System types that the items convert to; None where one is not known or has none."""
        if self.types is None:
            return None
        found = {model.system_type(name) for name in self.types}
        return frozenset(name for name in found if name) if None not in found else None

    def never(self, *wanted: str) -> bool:
        """Whether it is certain that no item converts to any of these System types."""
        if not self.types:
            return False
        for name in self.types:
            if name == "System.Any" or model.is_abstract(name) or model.system_type(name) in wanted:
                return False
        return True


UNKNOWN: Final = Static()
EMPTY: Final = Static(frozenset(), many=False)


def of(*types: str, many: bool = False) -> Static:
    """Items of these types."""
    return Static(frozenset(types), many)


BOOLEAN: Final = of("System.Boolean")
STRING: Final = of("System.String")
INTEGER: Final = of("System.Integer")


def merge(parts: Iterable[Static], *, many: bool = True) -> Static:
    """Either of several outcomes, or all of them together."""
    types: frozenset[str] | None = frozenset()
    for part in parts:
        types = None if types is None or part.types is None else types | part.types
    return Static(types, many)
