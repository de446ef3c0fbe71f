"""Extensions have either a value or extensions of their own: https://hl7.org/fhir/R5/extensibility.html#Extension.

That the url is there, and the value of one type, follows from the definition of Extension like for any other type.
"""

from __future__ import annotations

from typing import Final

from service.profiles.run import Object, ObjectRule, Run, Where

RULE: Final = "ext-1"
"""The key of the invariant that this rule stands for, so that nothing reports it a second time."""


def value_or_extensions(value_names: frozenset[str]) -> ObjectRule:
    """Demand that exactly one of value and extensions is there; ``value_names`` are the properties of ``value[x]``."""

    def check(value: Object, where: Where, run: Run) -> None:
        value = run.filled.get(id(value), value)
        nested = "extension" in value
        if nested == value_names.isdisjoint(value):
            return
        text = "must not have both a value and extensions" if nested else "must have a value or extensions"
        run.report("invariant", RULE, where, text)

    return check


def collected(value: Object, where: Where, run: Run) -> None:
    """Note the extension, for whoever checks extensions against their definitions."""
    run.extensions.append((value, where))
