"""Reference parameters: references and canonicals (https://hl7.org/fhir/R5/search.html#reference).

A literal reference is found by ``Type/id``, or by its URL where it leads to another server; the version that it names
is its qualifier. A canonical is found by its URL, and its version is the qualifier. What is contained has no identity
of its own and is not indexed. ``:above`` and ``:below`` compare the versions of canonicals here; on references they
follow a hierarchy, which takes reading: the caller does so, see :func:`service.search.parameters.hierarchies`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from service.errors import Invalid
from service.fhir import definitions
from service.fhir.references import Literal, is_id, parse_literal
from service.search.escaping import split, unescape
from service.search.folding import fold
from service.search.parameters import Parameter
from service.search.query import Bound, Linked, Or, Predicate, Prefix, Query, Range, ReverseLinked, Sort, Term
from service.search.rows import HIGHEST, RangeRow, Row, TermRow, WordsRow
from service.search.types.base import ANYWHERE, Context, Make, literal, unsupported
from service.search.types.ranges import SCOPE_END
from service.search.types.string import words_begin
from service.search.types.token import SYSTEM, TEXT, token

MODIFIERS: Final = frozenset({"identifier", "text", "text-advanced", "above", "below"})
ID: Final = ":id"
"""The form of the key for an id alone, where a reference can point to more than a few types."""
IDENTIFIER: Final = ":identifier"
CANONICAL: Final = ":canonical"
"""The form of the key for a canonical as it links to a resource: with its version, without a fragment."""
NAMES: Final = "canonical"
"""The key, of no type, for what canonicals call a resource: whatever its type, it has one URL."""
VERSION: Final = ":version"
MODIFIED: Final = frozenset({IDENTIFIER, IDENTIFIER + SYSTEM, TEXT, CANONICAL})
_FEW: Final = 8
_NUMBERED: Final = re.compile(r"[0-9]{1,99}(?:[.-][0-9]{1,99})*")
CANONICALS: Final = frozenset({"canonical", "uri", "url", "oid", "uuid"})
"""The FHIR types that refer to a resource by its canonical URL."""


def rows(parameter: Parameter) -> Make:
    """Return what makes the rows of a Reference, CodeableReference or canonical, or of a contained resource."""
    key, many = parameter.key, _many(parameter)

    def make(fhir_type: str, value: Any) -> Collection[Row]:  # noqa: ANN401  # any JSON value
        if isinstance(value, str):
            if value.startswith("#"):
                return ()
            return tuple(_canonical(key, value)) if fhir_type in CANONICALS else _literal(key, value, many=many)
        if fhir_type == "CodeableReference":
            value = value.get("reference") or {}
        if "resourceType" in value:
            return _literal(key, f"{value['resourceType']}/{value['id']}", many=many) if "id" in value else ()
        reference = value.get("reference")
        found = () if not reference or reference.startswith("#") else _literal(key, reference, many=many)
        if "identifier" in value or "display" in value:
            return (*found, *_described(key, value))
        return found

    return make


def predicate(
    parameter: Parameter, modifier: str | None, text: str, name: str, context: Context = ANYWHERE
) -> Predicate:
    """Return the predicate of a reference, or of what a modifier makes of it; the name of a type is a modifier."""
    key = parameter.key
    match modifier:
        case None:
            return _points_to(parameter, text, name, context)
        case "identifier" if not _only_canonicals(parameter):
            return token(key + IDENTIFIER, text, name)
        case "text":
            return Prefix(key + TEXT, fold(literal(name, text)))
        case "text-advanced":
            return words_begin(key + TEXT, fold(literal(name, text)))
        case "above" | "below" if not parameter.types.isdisjoint(CANONICALS):
            return _versions(key, modifier, text, name)
        case _ if modifier in definitions.resource_types() and not _only_canonicals(parameter):
            return _typed(parameter, modifier, text, name, context)
    raise unsupported(parameter, modifier, name)


def refers_to(parameter: Parameter, query: Query) -> Predicate:
    """Return the predicate of a reference to what a query matches, by its place or as a canonical by its URL."""
    return _any([Linked(key, query, names) for key, names in _links(parameter)])


def referred_to(parameter: Parameter, query: Query) -> Predicate:
    """Return the predicate of being what a match of a query refers to."""
    return _any([ReverseLinked(key, query, names) for key, names in _links(parameter)])


def names(resource: Mapping[str, Any]) -> Iterator[TermRow]:
    """Yield the rows of what canonicals call a resource: its URL, and its URL with its version."""
    url, version = resource.get("url"), resource.get("version")
    if url:
        yield TermRow(NAMES, url)
        if version:
            yield TermRow(NAMES, f"{url}|{version}")


def sort(parameter: Parameter, descending: bool) -> Sort:
    """Return the order by the reference's text."""
    return Sort("value", parameter.key, descending)


def local(reference: str, bases: tuple[str, ...]) -> str:
    """The reference as it is relative to this server, if it leads to it."""
    for base in bases:
        if reference.startswith(base + "/"):
            rest = reference[len(base) + 1 :]
            return rest if parse_literal(rest) else reference
    return reference


@lru_cache(maxsize=16_384)  # many resources refer to the same few
def _literal(key: str, reference: str, *, many: bool) -> tuple[Row, ...]:
    """The rows of a reference's text, with one for its id alone where there may be ``many`` types."""
    found = parse_literal(reference)
    row = TermRow(key, reference) if found is None else TermRow(key, _name(found), found.version or "")
    if not many:
        return (row,)
    id_ = reference if found is None else found.id
    alone = is_id(reference) if found is None else found.base is None
    return (row, TermRow(key + ID, id_)) if alone else (row,)


def _described(key: str, value: dict[str, Any]) -> Iterator[Row]:
    """Yield the rows of what a Reference says besides where it leads."""
    identifier = value.get("identifier")
    if identifier:
        system, text = identifier.get("system", ""), identifier.get("value", "")
        if text:
            yield TermRow(key + IDENTIFIER, text, system)
        if system:
            yield WordsRow(key + IDENTIFIER + SYSTEM, (system,))
    if "display" in value:
        yield TermRow(key + TEXT, fold(value["display"]))


def _links(parameter: Parameter) -> Iterator[tuple[str, str | None]]:
    """Yield the keys of a parameter that link to resources, each with the key of the names that they link to."""
    if not _only_canonicals(parameter):
        yield parameter.key, None
    if not parameter.types.isdisjoint(CANONICALS):
        yield parameter.key + CANONICAL, NAMES


def _canonical(key: str, text: str) -> Iterator[Row]:
    url, _, version = text.partition("|")
    yield TermRow(key, url, version)
    yield TermRow(key + CANONICAL, text.partition("#")[0])
    if version:
        yield TermRow(key + VERSION, f"{url}|{version}")
        if _NUMBERED.fullmatch(version):
            place = f"{url}{SCOPE_END}{_ordered(version)}"
            yield RangeRow(key + VERSION, place, place)


def _points_to(parameter: Parameter, text: str, name: str, context: Context) -> Predicate:
    key = parameter.key
    asked, *version = (unescape(name, part) for part in split(text, "|"))
    if not asked.strip():
        raise Invalid(f"{name}: {text!r} names nothing to refer to.", expression=name)
    if version:
        return _canonical_version(parameter, asked, version, name)
    if _only_canonicals(parameter):
        return Term(key, asked)
    if is_id(asked):
        if _many(parameter):
            return Term(key + ID, asked)
        typed = [part for type_ in parameter.targets for part in _at(key, Literal(None, type_, asked, None), context)]
        return _any([*typed, Term(key, asked)])  # a reference may be an id and nothing else
    found = parse_literal(local(asked, context.bases))
    if found is None:
        return Term(key, asked)
    # An absolute URL "will not match Patient/123/_history/1", as "the original reference was not a relative reference".
    absolute = found.base is not None or "://" in asked
    return _any(_at(key, found, context, found.version or ("" if absolute else None)))


def _typed(parameter: Parameter, type_: str, text: str, name: str, context: Context) -> Predicate:
    if parameter.targets and type_ not in parameter.targets:
        raise Invalid(
            f"{name}: {parameter.code} has no modifier :{type_}, it refers to {', '.join(parameter.targets)}.",
            code="not-supported",
            expression=name,
        )
    asked = literal(name, text)
    if is_id(asked):
        return _any(_at(parameter.key, Literal(None, type_, asked, None), context))
    found = parse_literal(local(asked, context.bases))
    if found is None or found.type != type_:
        raise Invalid(f"{name}: {asked!r} is not the id of a {type_}, nor a reference to one.", expression=name)
    return _points_to(parameter, text, name, context)


def _at(key: str, place: Literal, context: Context, version: str | None = None) -> list[Predicate]:
    """A resource's place in all the ways in which a reference can be written."""
    bases = (None, *context.bases) if place.base is None else (place.base,)
    return [Term(key, _name(Literal(base, place.type, place.id, None)), version) for base in bases]


def _canonical_version(parameter: Parameter, url: str, version: list[str], name: str) -> Predicate:
    if len(version) > 1 or (parameter.types and parameter.types.isdisjoint(CANONICALS)):
        raise Invalid(f"{name}: only a canonical has a version after |.", expression=name)
    if not version[0]:
        return Term(parameter.key, url)
    # "A specific version or partial version is desired": 1.2 is also found by 1.
    partial = Prefix(parameter.key + VERSION, f"{url}|{version[0]}.")
    return Or((Term(parameter.key, url, version[0]), partial))


def _versions(key: str, modifier: str, text: str, name: str) -> Predicate:
    url, *version = (unescape(name, part) for part in split(text, "|"))
    if len(version) != 1 or not _NUMBERED.fullmatch(version[0]):
        raise Invalid(
            f"{name}: :{modifier} compares versions, so it needs url|version with a version of numbers.",
            code="not-supported",
            expression=name,
        )
    scope = f"{url}{SCOPE_END}"
    place = scope + _ordered(version[0])
    if modifier == "above":
        return Range(key + VERSION, (Bound("low", ">", place), Bound("low", "<=", scope + HIGHEST)))
    return Range(key + VERSION, (Bound("low", ">=", scope), Bound("low", "<", place)))


def _ordered(version: str) -> str:
    """A version of numbers as text that sorts as the numbers do."""
    numbers = (part.lstrip("0") or "0" for part in re.split("[.-]", version))
    return ".".join(f"{len(part):02}{part}" for part in numbers)


def _name(place: Literal) -> str:
    return f"{place.type}/{place.id}" if place.base is None else f"{place.base}/{place.type}/{place.id}"


def _any(parts: list[Predicate]) -> Predicate:
    return parts[0] if len(parts) == 1 else Or(tuple(parts))


def _many(parameter: Parameter) -> bool:
    return not 0 < len(parameter.targets) <= _FEW


def _only_canonicals(parameter: Parameter) -> bool:
    return bool(parameter.types) and parameter.types <= CANONICALS
