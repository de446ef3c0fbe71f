"""From a resource to its index rows (https://hl7.org/fhir/R5/search.html#searching).

Every parameter that finds a value leaves the rows of its type and one row that says that there is a value. Elements of
a composite are numbered, so that its components can be asked of one and the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

from msgspec.structs import replace

from service.search.parameters import Catalogue, Parameter
from service.search.rows import Row, TermRow
from service.search.types import kind
from service.search.types.base import Kind
from service.search.types.reference import local

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Entry:
    """What to do for one parameter, looked up beforehand."""

    parameter: Parameter
    kind: Kind
    present: TermRow


_entries: Final[WeakKeyDictionary[Catalogue, dict[str, tuple[_Entry, ...]]]] = WeakKeyDictionary()


def rows(resource: Json, catalogue: Catalogue, bases: tuple[str, ...] = ()) -> tuple[Row, ...]:
    """Return the index rows of a valid resource, each once; absolute references to one of ``bases`` are local."""
    return tuple(dict.fromkeys(_rows(resource, _for_type(resource["resourceType"], catalogue), bases)))


def rows_of(resource: Json, parameters: Iterable[Parameter], bases: tuple[str, ...] = ()) -> tuple[Row, ...]:
    """Return the rows of some parameters only."""
    return tuple(dict.fromkeys(_rows(resource, map(_entry, parameters), bases)))


def _for_type(type_: str, catalogue: Catalogue) -> tuple[_Entry, ...]:
    known = _entries.setdefault(catalogue, {})
    found = known.get(type_)
    if found is None:
        found = tuple(_entry(item) for item in catalogue.for_type(type_).values() if item.indexed)
        known[type_] = found
    return found


def _entry(parameter: Parameter) -> _Entry:
    return _Entry(parameter, kind(parameter), TermRow(parameter.present, ""))


def _rows(resource: Json, entries: Iterable[_Entry], bases: tuple[str, ...]) -> Iterator[Row]:
    for entry in entries:
        found = values(resource, entry.parameter)
        if entry.parameter.type == "composite":
            yield from _composite(entry, found)
        elif found:
            yield entry.present
            if bases and entry.parameter.type == "reference":
                found = [(type_, _localised(value, bases)) for type_, value in found]
            for type_, value in found:
                yield from entry.kind.rows(entry.parameter, type_, value)


def values(resource: Json, parameter: Parameter) -> list[tuple[str, Any]]:
    """Return what a parameter finds in a resource: pairs of FHIR type and value."""
    if parameter.code == "_content":
        return [("Resource", resource)]
    if parameter.code == "_text":
        return [("Narrative", resource["text"])] if "text" in resource else []
    found: list[tuple[str, Any]] = []
    for source in parameter.sources:
        found += source.typed(resource)
    return found


def _composite(entry: _Entry, found: list[tuple[str, Any]]) -> Iterator[Row]:
    any_rows = False
    for number, (type_, value) in enumerate(found, 1):
        for row in entry.kind.rows(entry.parameter, type_, value):
            any_rows = True
            yield replace(row, part=number)
    if any_rows:
        yield entry.present


def _localised(value: Any, bases: tuple[str, ...]) -> Any:  # noqa: ANN401  # any JSON value
    if isinstance(value, dict):
        reference = value.get("reference")
        if isinstance(reference, str) and "://" in reference:
            return {**value, "reference": local(reference, bases)}
        if isinstance(reference, dict):
            return {**value, "reference": _localised(reference, bases)}
    return value
