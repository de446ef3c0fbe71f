"""How often an element occurs: https://hl7.org/fhir/R5/conformance-rules.html#cardinality.

In JSON the cardinality also decides the form: what may repeat is an array even if there is one of it, and what may not
is never an array (https://hl7.org/fhir/R5/json.html#repeat).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from service.profiles.run import SINGLE, Check, Object, ObjectRule, Run, Where, json_type


def required(elements: Sequence[tuple[str, frozenset[str]]]) -> ObjectRule:
    """Demand that each element is there: its name, and the JSON properties any of which makes it present."""
    plain = [(name, "_" + name, name) for name, names in elements if names <= {name, "_" + name}]
    choices = [(name, names) for name, names in elements if not names <= {name, "_" + name}]

    if len(plain) == 1 and not choices:
        ((only, only_sibling, only_element),) = plain

        def check_one(value: Object, where: Where, run: Run) -> None:
            if only not in value and only_sibling not in value:
                _missing(only_element, where, run)

        return check_one

    def check(value: Object, where: Where, run: Run) -> None:
        for name, sibling, element in plain:
            if name not in value and sibling not in value:
                _missing(element, where, run)
        for element, names in choices:
            if names.isdisjoint(value):
                _missing(element + "[x]", where, run)

    return check


def _missing(element: str, where: Where, run: Run) -> None:
    there: Where = (where, element.removesuffix("[x]"), SINGLE)
    run.report("required", "cardinality", there, f"{element} is required")


def forbidden(name: str) -> Check:
    """Refuse an element whose maximum is 0."""

    def check(value: Any, where: Where, owner: Object, run: Run) -> None:  # noqa: ANN401, ARG001  # a Check
        run.report("structure", "cardinality", (where, name, SINGLE), f"{name} is not allowed here")

    return check


def not_an_array(value: object, there: Where, run: Run) -> None:
    """Report a value that should have been an array."""
    text = f"must be an array, not {json_type(value)}, since it may repeat"
    run.report("structure", "null" if value is None else "cardinality", there, text)


def an_array(there: Where, run: Run) -> None:
    """Report an array where the element occurs at most once."""
    run.report("structure", "cardinality", there, "must not be an array, since it occurs at most once")


def empty_array(there: Where, run: Run) -> None:
    """Report an array without items: https://hl7.org/fhir/R5/json.html#null."""
    run.report("structure", "content", there, "an array must not be empty")
