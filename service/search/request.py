"""A search as it was asked: what to find, in which order, what to bring along and how to show it.

https://hl7.org/fhir/R5/search.html#return
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from service.errors import Invalid, NotSupported
from service.fhir import definitions
from service.fhir.dates import interval
from service.fhir.subset import SUMMARIES, Summary, unknown_elements
from service.search.criteria import Criteria, Unknown
from service.search.parameters import Parameter
from service.search.query import And, Predicate, Query, Sort
from service.search.types import sort

Total = Literal["none", "estimate", "accurate"]
TOTALS: Final[tuple[Total, ...]] = get_args(Total)


@dataclass(frozen=True, slots=True)
class Include:
    """References to follow: from resources of ``type`` by ``parameters``, to resources of ``target`` (None: of any).

    ``reverse`` follows them backwards; ``iterate`` also from what was included.
    """

    type: str
    parameters: tuple[Parameter, ...]
    target: str | None
    reverse: bool
    iterate: bool


@dataclass(slots=True)
class SearchRequest:
    """A parsed search, with the parameters that were used, as they were given.

    ``words`` are those that ``_text`` and ``_content`` ask for, folded.
    """

    types: tuple[str, ...] = ()
    predicates: list[Predicate] = field(default_factory=list)
    sort: tuple[Sort, ...] = ()
    count: int | None = None
    most: int | None = None
    total: Total | None = None
    summary: Summary = "false"
    elements: tuple[str, ...] = ()
    includes: list[Include] = field(default_factory=list)
    as_of: int | None = None
    words: dict[Parameter, frozenset[str]] = field(default_factory=dict)
    used: list[tuple[str, str]] = field(default_factory=list)

    @property
    def query(self) -> Query:
        """What the store is asked."""
        return Query(self.types, And(tuple(self.predicates)), self.sort)


def control(request: SearchRequest, criteria: Criteria, name: str, text: str) -> None:
    """Take a parameter that controls the result; raises :class:`Invalid`."""
    code, colon, modifier = name.partition(":")
    if code in ("_include", "_revinclude"):
        if colon and modifier != "iterate":
            raise Invalid(f"{code} has no modifier :{modifier}; it has :iterate.", expression=name)
        request.includes.extend(_includes(request, criteria, name, code == "_revinclude", bool(colon), text))
        return
    if colon:
        raise Invalid(f"{code} has no modifiers.", expression=name)
    if any(used == name for used, _ in request.used):
        raise Invalid(f"{name} is given more than once.", expression=name)
    _SINGLE[code](request, criteria, name, text)


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


def _count(request: SearchRequest, criteria: Criteria, name: str, text: str) -> None:
    del criteria
    request.count = parse_count(name, text)


def _most(request: SearchRequest, criteria: Criteria, name: str, text: str) -> None:
    del criteria
    request.most = parse_count(name, text)


def _total(request: SearchRequest, criteria: Criteria, name: str, text: str) -> None:
    del criteria
    for total in TOTALS:
        if total == text:
            request.total = total
            return
    raise Invalid(f"{name} is one of {', '.join(TOTALS)}, not {text!r}.", expression=name)


def _summary(request: SearchRequest, criteria: Criteria, name: str, text: str) -> None:
    del criteria, name
    request.summary = parse_summary(text)


def _elements(request: SearchRequest, criteria: Criteria, name: str, text: str) -> None:
    del criteria
    elements = parse_elements(text)
    types = request.types or definitions.resource_types()
    if unknown := unknown_elements(types, elements):
        raise Unknown(
            f"{', '.join(unknown)} is no element of {', '.join(request.types) or 'any type'}.", expression=name
        )
    request.elements = elements


def _as_of(request: SearchRequest, criteria: Criteria, name: str, text: str) -> None:
    del criteria
    try:
        # "As it stood on 1 June" means at the end of that day: the last moment that the value covers.
        request.as_of = (interval(text)[1] - 1) // 1000
    except ValueError as problem:
        raise Invalid(f"{name}: {problem}.", expression=name) from None


def _contained(request: SearchRequest, criteria: Criteria, name: str, text: str) -> None:
    del request, criteria
    if text != "false":
        raise NotSupported(f"{name}={text} is not supported: contained resources are not found here.", expression=name)


def _sort(request: SearchRequest, criteria: Criteria, name: str, text: str) -> None:
    orders: list[Sort] = []
    for each in text.split(","):
        code, descending = each.removeprefix("-"), each.startswith("-")
        if code == "_id":
            orders.append(Sort("id", descending=descending))
        elif code == "_lastUpdated":
            orders.append(Sort("instant", descending=descending))
        else:
            found = [criteria.find(type_, code, name) for type_ in request.types or ("",)]
            parameter = found[0]
            if len({each.key for each in found}) > 1:
                raise NotSupported(f"{name}: {code} is not one order for several types.", expression=name)
            orders.append(sort(parameter, descending))
    request.sort = tuple(orders)


_SINGLE: Final = {
    "_count": _count,
    "_maxresults": _most,
    "_total": _total,
    "_summary": _summary,
    "_elements": _elements,
    "_sort": _sort,
    "_contained": _contained,
    "_asOf": _as_of,
}
CONTROLS: Final = frozenset({*_SINGLE, "_include", "_revinclude"})


def _includes(
    request: SearchRequest, criteria: Criteria, name: str, reverse: bool, iterate: bool, text: str
) -> list[Include]:
    if text == "*":
        types = definitions.resource_types() if reverse else request.types or definitions.resource_types()
        return [_all_references(criteria, type_, None, reverse, iterate) for type_ in types]
    type_, _, rest = text.partition(":")
    code, _, target = rest.partition(":")
    if type_ not in definitions.resource_types() or not code:
        raise Invalid(f"{name} is [type]:[parameter] or [type]:[parameter]:[type], not {text!r}.", expression=name)
    if target and target not in definitions.resource_types():
        raise Invalid(f"{name}: {target} is not a resource type of FHIR R5.", expression=name)
    if code == "*":
        return [_all_references(criteria, type_, target or None, reverse, iterate)]
    parameter = criteria.find(type_, code, name)
    if parameter.type != "reference":
        raise Invalid(f"{name}: {code} of {type_} is no reference.", expression=name)
    if target and parameter.targets and target not in parameter.targets:
        raise Invalid(f"{name}: {code} of {type_} does not refer to {target}.", expression=name)
    return [Include(type_, (parameter,), target or None, reverse, iterate)]


def _all_references(criteria: Criteria, type_: str, target: str | None, reverse: bool, iterate: bool) -> Include:
    known = criteria.catalogue.for_type(type_).values()
    references = tuple(p for p in known if p.type == "reference" and p.indexed)
    return Include(type_, references, target, reverse, iterate)
