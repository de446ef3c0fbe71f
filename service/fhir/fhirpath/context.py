"""What surrounds an evaluation: hooks that a caller may give, and the state of one evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from service.fhir.fhirpath.errors import EvaluationError
from service.fhir.fhirpath.node import EMPTY, FALSE, TRUE, Collection, Node

MAX_ITEMS: Final = 1_000_000
"""Items of a collection: beyond that an expression runs away."""
MAX_REPEATED: Final = 100_000
"""Items that ``repeat`` may find: it is the one function that goes on by itself."""
MAX_TEXT: Final = 4_000_000
"""Characters of a computed text."""

Resolver: TypeAlias = Callable[[str, Node], "dict[str, Any] | None"]
"""The resource that a reference points to, given its text and its node; None if it is not known."""

TypedCollection: TypeAlias = Callable[["Context", Collection], Collection]


@dataclass(frozen=True, slots=True)
class Hooks:
    """What an expression may ask its surroundings for; where a hook is missing, the function does not compile.

    ``member_of(node, value_set)`` and ``subsumes(one, other)`` answer True, False, or None where it is not known;
    ``conforms_to(node, profile)`` likewise. ``trace(name, nodes)`` hears of ``trace()``. ``variables`` are the names
    that the caller will give values for at every evaluation.
    """

    member_of: Callable[[Node, str], bool | None] | None = None
    subsumes: Callable[[Node, Node], bool | None] | None = None
    conforms_to: Callable[[Node, str], bool | None] | None = None
    trace: Callable[[str, Collection], None] | None = None
    variables: frozenset[str] = frozenset()


@dataclass(slots=True)
class Context:
    """The state of one evaluation; never shared between two."""

    node: Node
    resource: Node
    root: Node
    variables: Mapping[str, Collection]
    resolver: Resolver | None = None
    defined: dict[str, Collection] = field(default_factory=dict)
    this: Collection = field(default_factory=list)
    index: int = 0
    total: Collection = field(default_factory=list)
    memory: dict[object, Collection] = field(default_factory=dict)
    _now: datetime | None = None

    @property
    def now(self) -> datetime:
        """The moment of the evaluation: the same however often an expression asks."""
        if self._now is None:
            self._now = datetime.now(UTC)
        return self._now

    def lookup(self, name: str) -> Collection:
        """The value of a variable whose name was not known when the expression was compiled."""
        if name in self.defined:
            return self.defined[name]
        if name in self.variables:
            return self.variables[name]
        raise EvaluationError(f"The variable %{name} is not defined.")


def limited(nodes: Collection, most: int = MAX_ITEMS) -> Collection:
    """The collection, if it is not too large."""
    if len(nodes) > most:
        raise EvaluationError(f"A collection has more than {most} items.")
    return nodes


def limited_text(text: str) -> str:
    """The text, if it is not too long."""
    if len(text) > MAX_TEXT:
        raise EvaluationError(f"A text is longer than {MAX_TEXT} characters.")
    return text


def single(nodes: Collection, what: str) -> Node | None:
    """The only node, None if there is none."""
    if len(nodes) > 1:
        raise EvaluationError(f"{what} takes one item, not {len(nodes)}.")
    return nodes[0] if nodes else None


def boolean(nodes: Collection, what: str) -> bool | None:
    """The collection as a boolean: a single item that is none counts as true."""
    if not nodes:
        return None
    if nodes is TRUE or nodes is FALSE:
        return nodes is TRUE
    node = single(nodes, what)
    if node is None:
        return None
    if node.type in ("System.Boolean", "boolean"):
        return node.value if isinstance(node.value, bool) else None
    return True


__all__ = ["EMPTY", "Context", "Hooks", "Resolver", "boolean", "limited", "limited_text", "single"]
