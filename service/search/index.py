"""From a resource to its index rows (https://hl7.org/fhir/R5/search.html#searching).

Every parameter that finds a value leaves the rows of its type and one row that says that there is a value. Elements of
a composite are numbered, so that its components can be asked of one and the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

from service.search.parameters import Catalogue, Parameter
from service.search.plan import Components, Memo, Plan, components_of, found_by
from service.search.rows import Row, WordsRow
from service.search.sources import Found
from service.search.types import composite, kind
from service.search.types.reference import local, names

Json = dict[str, Any]
_Make: TypeAlias = Callable[[Found, tuple[str, ...], Memo], list[Row]]
"""All rows of a parameter, each once: from what it finds, the bases of this server, and what is known of the elements.

No two parameters have a row in common, as each has a key of its own.
"""

_plans: Final[WeakKeyDictionary[Catalogue, dict[str, tuple[Plan, tuple[_Make, ...]]]]] = WeakKeyDictionary()


def rows(resource: Json, catalogue: Catalogue, bases: tuple[str, ...] = ()) -> tuple[Row, ...]:
    """Return the index rows of a valid resource, each once; absolute references to one of ``bases`` are local."""
    plan, makes = _plan(resource["resourceType"], catalogue)
    found: list[Row] = []
    memo: Memo = {}
    for number, values in plan.find(resource):
        found += makes[number](values, bases, memo)
    found += names(resource)
    return tuple(found)


def rows_of(resource: Json, parameters: Iterable[Parameter], bases: tuple[str, ...] = ()) -> tuple[Row, ...]:
    """Return the rows of some parameters only."""
    found: list[Row] = []
    for parameter in parameters:
        values = found_by(parameter, resource)
        if values:
            found += _make(parameter, components_of(parameter))(values, bases, {})
    return tuple(dict.fromkeys(found))


def values(resource: Json, parameter: Parameter) -> list[tuple[str, Any]]:
    """Return what a parameter finds in a resource: pairs of FHIR type and value."""
    return [(fhir_type, value) for fhir_type, several in found_by(parameter, resource) for value in several]


def _plan(type_: str, catalogue: Catalogue) -> tuple[Plan, tuple[_Make, ...]]:
    known = _plans.setdefault(catalogue, {})
    found = known.get(type_)
    if found is None:
        parameters = [parameter for parameter in catalogue.for_type(type_).values() if parameter.indexed]
        plan = Plan(parameters)
        makes = tuple(map(_make, parameters, plan.components))
        found = known[type_] = plan, makes
    return found


def _make(parameter: Parameter, components: Components) -> _Make:
    present = WordsRow(parameter.present, ("",))
    if parameter.type == "composite":
        return _of_elements(composite.joined(parameter), components, present)
    make = kind(parameter).rows(parameter)

    def of_values(found: Found, _bases: tuple[str, ...], _memo: Memo) -> list[Row]:
        made: list[Row] = [present]
        for fhir_type, several in found:
            for value in several:
                made += make(fhir_type, value)
        return made if len(found) == 1 and len(found[0][1]) == 1 else list(dict.fromkeys(made))

    def of_references(found: Found, bases: tuple[str, ...], memo: Memo) -> list[Row]:
        if bases:
            found = [(fhir_type, [_localised(value, bases) for value in several]) for fhir_type, several in found]
        return of_values(found, bases, memo)

    return of_references if parameter.type == "reference" else of_values


def _of_elements(join: composite.Join, components: Components, present: WordsRow) -> _Make:
    def of_elements(found: Found, _bases: tuple[str, ...], memo: Memo) -> list[Row]:
        tuples: list[list[Row]] = []
        elements = ((fhir_type, value) for fhir_type, several in found for value in several)
        for number, (fhir_type, value) in enumerate(elements, 1):
            if (made := join(components(fhir_type, value, memo), number)) is not None:
                tuples.append(made)
        return [*chain.from_iterable(tuples), present] if tuples else []

    return of_elements


def _localised(value: Any, bases: tuple[str, ...]) -> Any:  # noqa: ANN401  # any JSON value
    if isinstance(value, dict):
        reference = value.get("reference")
        if isinstance(reference, str) and "://" in reference:
            return {**value, "reference": local(reference, bases)}
        if isinstance(reference, dict):
            return {**value, "reference": _localised(reference, bases)}
    return value
