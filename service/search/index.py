"""From a resource to its index rows (https://hl7.org/fhir/R5/search.html#searching).

Every parameter that finds a value leaves the rows of its type and one row that says that there is a value. Elements of
a composite are numbered, so that its components can be asked of one and the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final
from weakref import WeakKeyDictionary

from msgspec.structs import replace

from service.search.parameters import Catalogue, Parameter
from service.search.rows import Row, WordsRow
from service.search.sources import Source
from service.search.types import composite, kind
from service.search.types.reference import local, names

Json = dict[str, Any]

_WHOLE: Final = frozenset({"_content", "_text"})
"""What is no expression: the resource itself, and its narrative."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """What to do for one parameter, looked up beforehand.

    ``heads`` are the members of a resource of which one must be there, for else nothing is found; None is unknown.
    """

    parameter: Parameter
    heads: tuple[str, ...] | None
    sources: tuple[Source, ...]
    rows: Callable[[Parameter, str, Any], Iterable[Row]]
    present: WordsRow


_entries: Final[WeakKeyDictionary[Catalogue, dict[str, tuple[_Entry, ...]]]] = WeakKeyDictionary()


def rows(resource: Json, catalogue: Catalogue, bases: tuple[str, ...] = ()) -> tuple[Row, ...]:
    """Return the index rows of a valid resource, each once; absolute references to one of ``bases`` are local."""
    found = _rows(resource, _for_type(resource["resourceType"], catalogue), bases)
    return tuple(dict.fromkeys(chain(found, names(resource))))


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
    sources = () if parameter.code in _WHOLE else parameter.sources
    return _Entry(
        parameter, _heads(parameter, sources), sources, _rows_of(parameter), WordsRow(parameter.present, ("",))
    )


def _rows_of(parameter: Parameter) -> Callable[[Parameter, str, Any], Iterable[Row]]:
    return composite.compiled(parameter) if parameter.type == "composite" else kind(parameter).rows


def _heads(parameter: Parameter, sources: tuple[Source, ...]) -> tuple[str, ...] | None:
    if parameter.code in _WHOLE:
        return None
    heads = [source.expression.heads for source in sources]
    return None if None in heads else tuple({head for found in heads for head in found or ()})


def _rows(resource: Json, entries: Iterable[_Entry], bases: tuple[str, ...]) -> Iterator[Row]:
    members = resource.keys()
    for entry in entries:
        if entry.heads is not None and members.isdisjoint(entry.heads):
            continue  # so it is for most parameters of most resources
        found = _values(resource, entry)
        if entry.parameter.type == "composite":
            yield from _composite(entry, found)
        elif found:
            yield entry.present
            if bases and entry.parameter.type == "reference":
                found = [(type_, _localised(value, bases)) for type_, value in found]
            for type_, value in found:
                yield from entry.rows(entry.parameter, type_, value)


def values(resource: Json, parameter: Parameter) -> list[tuple[str, Any]]:
    """Return what a parameter finds in a resource: pairs of FHIR type and value."""
    return _values(resource, _entry(parameter))


def _values(resource: Json, entry: _Entry) -> list[tuple[str, Any]]:
    if len(entry.sources) == 1:
        return entry.sources[0].typed(resource)
    found: list[tuple[str, Any]] = []
    for source in entry.sources:
        found += source.typed(resource)
    if entry.parameter.code == "_content":
        return [("Resource", resource)]
    if entry.parameter.code == "_text" and "text" in resource:
        return [("Narrative", resource["text"])]
    return found


def _composite(entry: _Entry, found: list[tuple[str, Any]]) -> Iterator[Row]:
    any_rows = False
    for number, (type_, value) in enumerate(found, 1):
        for row in entry.rows(entry.parameter, type_, value):
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
