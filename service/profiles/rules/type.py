"""The JSON types of properties: https://hl7.org/fhir/R5/json.html.

Each function makes the :data:`Check` of one property, from the check of a single value. ``name`` is what stands in
locations: the element's name, or ``value.ofType(Quantity)`` for the property ``valueQuantity``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from service.profiles.rules import binding, cardinality, siblings
from service.profiles.rules.primitive import Accepts, Complaint, Primitive, PrimitiveCheck
from service.profiles.run import SINGLE, Check, Object, Run, Where, json_type, quoted

ObjectCheck: TypeAlias = Callable[[Object, Where, Run], None]
"""Checks a JSON object at its own location."""


def single_object(name: str, check_object: ObjectCheck) -> Check:
    """Expect one object."""

    def check(value: Any, where: Where, owner: Object, run: Run) -> None:  # noqa: ANN401, ARG001  # a Check
        if type(value) is dict:
            check_object(value, (where, name, SINGLE), run)
        else:
            _not_an_object(value, (where, name, SINGLE), run)

    return check


def repeated_object(name: str, check_object: ObjectCheck) -> Check:
    """Expect an array of objects."""

    def check(value: Any, where: Where, owner: Object, run: Run) -> None:  # noqa: ANN401, ARG001  # a Check
        if type(value) is not list:
            cardinality.not_an_array(value, (where, name, SINGLE), run)
        elif not value:
            cardinality.empty_array((where, name, SINGLE), run)
        else:
            for index, item in enumerate(value):
                if type(item) is dict:
                    check_object(item, (where, name, index), run)
                else:
                    _not_an_object(item, (where, name, index), run)

    return check


def _not_an_object(value: object, there: Where, run: Run) -> None:
    if type(value) is list:
        cardinality.an_array(there, run)
    else:
        rule = "null" if value is None else "type"
        run.report("structure", rule, there, f"must be an object, not {json_type(value)}")


def single_primitive(name: str, check_value: PrimitiveCheck) -> Check:
    """Expect one primitive value."""

    def check(value: Any, where: Where, owner: Object, run: Run) -> None:  # noqa: ANN401, ARG001  # a Check
        complaint = check_value(value)
        if complaint is not None:
            _complain(value, complaint, (where, name, SINGLE), run)

    return check


def repeated_primitive(name: str, check_value: PrimitiveCheck) -> Check:
    """Expect an array of primitive values, with null where there are only extensions."""

    def check(value: Any, where: Where, owner: Object, run: Run) -> None:  # noqa: ANN401  # a Check
        if type(value) is not list:
            cardinality.not_an_array(value, (where, name, SINGLE), run)
            return
        if not value:
            cardinality.empty_array((where, name, SINGLE), run)
        for index, item in enumerate(value):
            complaint = check_value(item)
            if complaint is not None and not (item is None and siblings.carries(owner, name, index)):
                _complain(item, complaint, (where, name, index), run)

    return check


def element_id(check_value: PrimitiveCheck) -> Check:
    """Expect the ``id`` of an element, which no other element of the resource has."""

    def check(value: Any, where: Where, owner: Object, run: Run) -> None:  # noqa: ANN401, ARG001  # a Check
        complaint = check_value(value)
        if complaint is not None:
            _complain(value, complaint, (where, "id", SINGLE), run)
        elif not run.is_new_id(value):
            run.report("duplicate", "id", (where, "id", SINGLE), f"another element has the id {quoted(value)}")

    return check


def _complain(value: object, complaint: Complaint, there: Where, run: Run) -> None:
    if value is None:
        run.report("structure", "null", there, "null is allowed only in arrays, where an extension takes its place")
    elif type(value) is list:
        cardinality.an_array(there, run)
    else:
        run.report(complaint.code, complaint.rule, there, complaint.text, complaint.severity)


def bound_code(code: Primitive, allows: Accepts, value_set: str) -> Primitive:
    """Narrow the type ``code`` to the codes of a required binding."""

    def check(value: Any) -> Complaint | None:  # noqa: ANN401  # any JSON value
        if type(value) is str and allows(value):
            return None
        return code.check(value) or binding.refused_code(value, value_set)

    return Primitive(check, allows)
