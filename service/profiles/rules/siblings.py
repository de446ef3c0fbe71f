"""The ids and extensions of primitive values, which JSON keeps in a property of their own beside the value.

``birthDate`` has its extensions in ``_birthDate``; in arrays the two are aligned, with null for what one of them lacks:
https://hl7.org/fhir/R5/json.html#primitive.
"""

from __future__ import annotations

from typing import Any

from service.profiles.node import ONLY_AN_ID, Node, only_an_id
from service.profiles.rules import cardinality
from service.profiles.run import SINGLE, Check, Object, Run, Where, json_type


def single(name: str, element: Node, property_name: str) -> Check:
    """Check ``_name`` where the element ``name`` occurs at most once; ``name`` is as it stands in locations.

    ``property_name`` is the property of the value in JSON: ``valueString`` for ``value.ofType(string)``.
    """

    def check(value: Any, where: Where, owner: Object, run: Run) -> None:  # noqa: ANN401  # a Check
        there: Where = (where, name, SINGLE)
        if type(value) is dict:
            _beside(owner.get(property_name), value, there, element, run)
        elif type(value) is list:
            cardinality.an_array(there, run)
        else:
            _not_an_object(value, there, run)

    return check


def repeated(name: str, element: Node) -> Check:
    """Check ``_name`` where the element ``name`` may repeat."""

    def check(value: Any, where: Where, owner: Object, run: Run) -> None:  # noqa: ANN401  # a Check
        there: Where = (where, name, SINGLE)
        if type(value) is not list:
            cardinality.not_an_array(value, there, run)
            return
        if not value:
            cardinality.empty_array(there, run)
        values = owner.get(name)
        if type(values) is list and len(values) != len(value):
            text = f"has {len(values)} values but {len(value)} entries in _{name}; null stands for what is missing"
            run.report("structure", "siblings", there, text)
        for index, item in enumerate(value):
            if type(item) is dict:
                beside = values[index] if type(values) is list and index < len(values) else None
                _beside(beside, item, (where, name, index), element, run)
            elif item is not None:
                _not_an_object(item, (where, name, index), run)
            elif type(values) is not list or index >= len(values):  # else it is reported with the value
                run.report("structure", "null", (where, name, index), "has neither a value nor an extension")

    return check


def _beside(value: Any, extra: Object, there: Where, element: Node, run: Run) -> None:  # noqa: ANN401  # any JSON value
    """Check what stands beside a primitive value, which may be missing."""
    element.check(extra, there, run)
    if value is None and extra and extra.keys() <= ONLY_AN_ID:
        only_an_id(there, run)


def carries(owner: Object, name: str, index: int) -> bool:
    """Whether the item of an array that is null has an id or extensions beside it."""
    beside = owner.get("_" + name)
    return isinstance(beside, list) and index < len(beside) and beside[index] is not None


def _not_an_object(value: object, there: Where, run: Run) -> None:
    text = f"the id and extensions of a primitive value must be an object, not {json_type(value)}"
    run.report("structure", "null" if value is None else "type", there, text)
