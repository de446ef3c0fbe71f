"""The syntax tree of a FHIRPath expression (https://hl7.org/fhirpath/grammar.html).

Every node knows its offset in the text, so that an error can say where it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Syntax:
    """Any node of the tree."""

    position: int


@dataclass(frozen=True, slots=True)
class Literal(Syntax):
    """A value of a System type; ``None`` stands for the empty collection ``{}``."""

    value: Any


@dataclass(frozen=True, slots=True)
class Special(Syntax):
    """``$this``, ``$index`` or ``$total``, without the dollar."""

    name: str


@dataclass(frozen=True, slots=True)
class Variable(Syntax):
    """``%name``."""

    name: str


@dataclass(frozen=True, slots=True)
class Member(Syntax):
    """An element's name, or at the start of a path possibly a type's."""

    name: str


@dataclass(frozen=True, slots=True)
class Call(Syntax):
    """A function with its arguments."""

    name: str
    arguments: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Invoke(Syntax):
    """``target.step``."""

    target: Syntax
    step: Member | Call


@dataclass(frozen=True, slots=True)
class Index(Syntax):
    """``target[index]``."""

    target: Syntax
    index: Syntax


@dataclass(frozen=True, slots=True)
class Polarity(Syntax):
    """A sign before an expression."""

    operator: str
    operand: Syntax


@dataclass(frozen=True, slots=True)
class Binary(Syntax):
    """An operator between two expressions; ``is`` and ``as`` are :class:`TypeTest`."""

    operator: str
    left: Syntax
    right: Syntax


@dataclass(frozen=True, slots=True)
class TypeTest(Syntax):
    """``operand is type`` or ``operand as type``."""

    operator: str
    operand: Syntax
    type: str


def union_parts(tree: Syntax) -> list[Syntax]:
    """The operands of a chain of ``|``, in order: long ones must not become deep ones."""
    parts: list[Syntax] = []
    while isinstance(tree, Binary) and tree.operator == "|":
        parts.append(tree.right)
        tree = tree.left
    return [tree, *reversed(parts)]
