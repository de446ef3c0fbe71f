"""A compiled type: the table of its properties and the rules for its objects.

A node is made for each data type, resource type and backbone element, and filled when the first such object is met:
types refer to each other in circles (a Reference has an Identifier, whose assigner is a Reference).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from service.profiles.rules.primitive import MAX_STRING, Accepts
from service.profiles.run import Check, Object, ObjectRule, Run, Where

Unknown: TypeAlias = Callable[[str, Where, Run], None]
"""Reports a property that the type does not have: its name, the location of its owner, the run."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a node is filled with.

    ``properties`` has the check of each property by its JSON name, ``texts`` the quick test of those that are strings,
    which most are; ``unknown`` deals with other properties, ``rules`` are about the object as a whole. ``shadow`` says
    that such objects stand beside a primitive value, which may be all that an element has.
    """

    properties: dict[str, Check]
    texts: dict[str, Accepts]
    rules: tuple[ObjectRule, ...]
    unknown: Unknown
    shadow: bool = False


ONLY_AN_ID: Final = frozenset(("id", "_id"))


def only_an_id(where: Where, run: Run) -> None:
    """Report an element without content: https://hl7.org/fhir/R5/types.html#Element, invariant ele-1."""
    run.report("invariant", "ele-1", where, "an element must have a value or children, not only an id")


class Node:
    """One type, compiled at first use by the function that it is given."""

    __slots__ = ("_compile", "_compiled")

    def __init__(self, compile_type: Callable[[], Compiled]) -> None:
        self._compile = compile_type
        self._compiled: Compiled | None = None

    def check(self, value: Object, where: Where, run: Run) -> None:
        """Check an object of this type that stands at ``where``, and everything in it."""
        compiled = self._compiled
        if compiled is None:
            compiled = self._compiled = self._compile()
        if not value:
            run.report("structure", "content", where, "an object must not be empty")
        if "id" in value and value.keys() <= ONLY_AN_ID and not compiled.shadow:
            only_an_id(where, run)
        properties, texts = compiled.properties, compiled.texts
        for name, item in value.items():
            if type(item) is str:
                accepts = texts.get(name)
                if accepts is not None and item >= "!" and len(item) <= MAX_STRING and accepts(item):
                    continue  # it starts with no space, for nothing sorts between that and an exclamation mark
            check = properties.get(name)
            if check is None:
                compiled.unknown(name, where, run)
            else:
                check(item, where, value, run)
        for rule in compiled.rules:
            rule(value, where, run)
