"""From the parameters of a request to a query (https://hl7.org/fhir/R5/search.html).

Nothing is dropped silently: an unknown parameter is refused, or, where the client asks for lenient handling, left out
of what the self link says was used. A known parameter with a wrong value or modifier is always refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from service.errors import Invalid, Issue
from service.fhir.subset import SUMMARIES, Summary
from service.search.escaping import split, unescape
from service.search.parameters import RESOURCE, Parameter, parameters_for
from service.search.query import And, Ids, Predicate, Query
from service.search.types import date, token

Pairs = Sequence[tuple[str, str]]
TOTALS: Final = ("none", "estimate", "accurate")


@dataclass(slots=True)
class SearchRequest:
    """A parsed search: what to find, how to answer, and the parameters that were used, as they were given."""

    query: Query
    count: int | None = None
    total: str | None = None
    summary: Summary = "false"
    elements: tuple[str, ...] = ()
    used: list[tuple[str, str]] = field(default_factory=list)


def parse(type_: str | None, pairs: Pairs, *, lenient: bool = False) -> SearchRequest:
    """Parse the parameters of a search of one type (None: of all types).

    Raises :class:`Invalid` with an issue for every parameter that is not understood.
    """
    request = SearchRequest(Query((type_,) if type_ else ()))
    predicates: list[Predicate] = []
    issues: list[Issue] = []
    known = parameters_for(type_ or RESOURCE)
    for name, text in pairs:
        code, colon, modifier = name.partition(":")
        try:
            if code in _CONTROLS:
                _control(request, name, code, text)
            elif code in known:
                predicates.append(_criterion(known[code], name, modifier if colon else None, text))
            elif lenient:
                continue
            else:
                raise _unknown(type_, name)
            request.used.append((name, text))
        except Invalid as problem:
            issues.extend(problem.issues)
    if issues:
        raise Invalid(issues)
    request.query = Query(request.query.types, And(tuple(predicates)))
    return request


def parse_criteria(type_: str, pairs: Pairs) -> Query:
    """Parse the criteria of a conditional interaction, which must name at least one parameter and nothing else."""
    request = parse(type_, pairs)
    for name, _ in request.used:
        if name.partition(":")[0] in _CONTROLS:
            raise Invalid(f"{name} cannot be a criterion.", expression=name)
    if not request.used:
        raise Invalid("A conditional interaction needs at least one search parameter.", code="required")
    return request.query


def criteria_text(text: str) -> str:
    """Return the parameters of criteria that are written as a search URL (``Group?identifier=...``), or alone."""
    url, question, parameters = text.partition("?")
    return parameters if question and "=" not in url else text


def _criterion(parameter: Parameter, name: str, modifier: str | None, text: str) -> Predicate:
    allowed = date.MODIFIERS if parameter.type == "date" else token.MODIFIERS
    if parameter.code == "_id":
        allowed = frozenset()
    if modifier is not None and modifier not in allowed:
        raise Invalid(
            f"{parameter.code} is a {parameter.type} parameter: it has no modifier :{modifier} here.",
            code="not-supported",
            expression=name,
        )
    if not text:
        raise Invalid(f"{name} has no value.", expression=name)
    if parameter.code == "_id":
        ids = tuple(unescape(name, value) for value in split(text, ","))
        if not all(ids):
            raise Invalid(f"{name}: {text!r} has an empty alternative.", expression=name)
        return Ids(ids)
    if parameter.code == "_lastUpdated":
        return date.parse_updated(name, text)
    return token.parse(name, parameter.key, modifier, text)


def _unknown(type_: str | None, name: str) -> Invalid:
    known = ", ".join([*parameters_for(type_ or RESOURCE), *_CONTROLS])
    where = type_ or "a search of all types"
    return Invalid(f"{name} is not a search parameter of {where}. Known: {known}.", expression=name)


def _control(request: SearchRequest, name: str, code: str, text: str) -> None:
    if name != code:
        raise Invalid(f"{code} has no modifiers.", expression=name)
    if any(used == name for used, _ in request.used):
        raise Invalid(f"{name} is given more than once.", expression=name)
    match code:
        case "_count":
            request.count = parse_count(name, text)
        case "_total":
            if text not in TOTALS:
                raise Invalid(f"_total is one of {', '.join(TOTALS)}, not {text!r}.", expression=name)
            request.total = text
        case "_summary":
            request.summary = parse_summary(text)
        case "_elements":
            request.elements = parse_elements(text)


_CONTROLS: Final = ("_count", "_total", "_summary", "_elements")


def parse_summary(text: str) -> Summary:
    """Parse ``_summary``; raises :class:`Invalid`."""
    for mode in SUMMARIES:
        if mode == text:
            return mode
    raise Invalid(f"_summary is one of {', '.join(SUMMARIES)}, not {text!r}.", expression="_summary")


def parse_elements(text: str) -> tuple[str, ...]:
    """Parse ``_elements``; raises :class:`Invalid`."""
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise Invalid(f"_elements is a list of element names, not {text!r}.", expression="_elements")
    return names


def parse_count(name: str, text: str) -> int:
    """Parse ``_count``; raises :class:`Invalid`."""
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Invalid(f"{name} is a whole number from 0 on, not {text!r}.", expression=name)
    return int(text)
