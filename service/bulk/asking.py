"""From a request for an export to the searches that find what it asks for."""

from __future__ import annotations

from collections.abc import Sequence

from service.bulk.job import ExportRequest
from service.errors import Invalid, Issue
from service.fhir import definitions
from service.fhir.dates import interval
from service.fhir.json import dumps, loads
from service.fhir.subset import pick, unknown_elements, unknown_types
from service.interactions.engine import Engine
from service.interactions.entries import parse_pairs
from service.search.parse import parse_criteria
from service.search.query import And, Or, Predicate, Query, Updated


def instant_of(name: str, text: str | None) -> int | None:
    """Return an instant in milliseconds since the epoch, rounded up; raises :class:`Invalid` where the text is none."""
    if text is None:
        return None
    try:
        return -(-interval(text)[0] // 1000)
    except ValueError as problem:
        raise Invalid(f"{name}: {problem}.", expression=name) from None


def check_request(engine: Engine, request: ExportRequest) -> None:
    """Raise :class:`Invalid` with everything in a request that is not understood here."""
    issues = unknown_types(request.types, "_type")
    if request.history and (request.elements or request.filters):
        issues.append(
            Issue("error", "invalid", "_elements and _typeFilter do not go with the history.", ("_elements",))
        )
    if not issues:
        types = request.types or definitions.resource_types()
        issues += [
            Issue("error", "value", f"{name} is no element of what is exported.", ("_elements",))
            for name in unknown_elements(types, request.elements)
        ]
        for text in request.filters:
            try:
                _criteria(engine, request, text)
            except Invalid as problem:
                issues.extend(problem.issues)
    if issues:
        raise Invalid(issues)


def query_of(engine: Engine, request: ExportRequest, type_: str) -> Query:
    """Return the search for what is asked of one type."""
    parts: list[Predicate] = []
    filters = [_criteria(engine, request, text) for text in request.filters if text.partition("?")[0] == type_]
    if filters:
        parts.append(Or(tuple(query.where for query in filters)))
    if request.since is not None or request.until is not None:
        parts.append(Updated(request.since, request.until))
    return Query((type_,), And(tuple(parts)))


def subset(json: bytes, type_: str, elements: Sequence[str]) -> bytes:
    """Return the asked elements of a resource of a type; a name may have another type in front."""
    own = [name for name in elements if name.rpartition(".")[0] in ("", type_)]
    return dumps(pick(loads(json), own)) if own else json


def _criteria(engine: Engine, request: ExportRequest, text: str) -> Query:
    type_, _, parameters = text.partition("?")
    if type_ not in (request.types or definitions.resource_types()):
        raise Invalid(f"{text!r} is about no type that is exported.", expression="_typeFilter")
    return parse_criteria(engine.catalogue, type_, parse_pairs(parameters, "_typeFilter"), engine.context)
