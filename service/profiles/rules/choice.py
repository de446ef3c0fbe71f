"""Elements with a choice of types: https://hl7.org/fhir/R5/formats.html#choice.

A ``value[x]`` is one element, however many properties in JSON could hold it, so at most one of them is there.
"""

from __future__ import annotations

from collections.abc import Sequence

from service.profiles.run import SINGLE, Object, ObjectRule, Run, Where


def at_most_one(choices: Sequence[tuple[str, frozenset[str]]]) -> ObjectRule:
    """Refuse two types of the same element: the element's name, and all its JSON properties."""
    every_name = frozenset[str]().union(*(names for _, names in choices))

    def check(value: Object, where: Where, run: Run) -> None:
        if len(every_name.intersection(value)) < 2:
            return
        for name, names in choices:
            present = sorted({found.removeprefix("_") for found in names.intersection(value)})
            if len(present) > 1:
                text = f"{name}[x] must have one type, not both {' and '.join(present)}"
                run.report("structure", "choice", (where, name, SINGLE), text)

    return check
