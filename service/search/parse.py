"""From the parameters of a request to a search (https://hl7.org/fhir/R5/search.html).

Nothing is dropped silently: an unknown parameter is refused, or, where the client asks for lenient handling, left out
of what the self link says was used. A known parameter with a wrong value or modifier is always refused.
"""

from __future__ import annotations

from collections.abc import Sequence

from service.errors import Invalid, Issue, NotSupported
from service.fhir import definitions
from service.search.criteria import Criteria, Unknown
from service.search.folding import words
from service.search.parameters import Catalogue
from service.search.query import And, Predicate, Query, Types
from service.search.request import CONTROLS, SearchRequest, control
from service.search.types import ANYWHERE, Context

Pairs = Sequence[tuple[str, str]]


def parse(
    catalogue: Catalogue, type_: str | None, pairs: Pairs, context: Context = ANYWHERE, *, lenient: bool = False
) -> SearchRequest:
    """Parse the parameters of a search of one type (None: of all types, or of those that ``_type`` names).

    Raises :class:`Invalid` with an issue for every parameter that is not understood.
    """
    criteria = Criteria(catalogue, context)
    request = SearchRequest(types=(type_,) if type_ else ())
    issues: list[Issue] = []
    # _type comes first: which parameters there are depends on it.
    for name, text in sorted(pairs, key=lambda pair: (pair[0] != "_type", pair[0] in CONTROLS)):
        try:
            _take(request, criteria, type_, name, text)
        except Unknown as problem:
            if not lenient:
                issues.extend(problem.issues)
            continue
        except Invalid as problem:
            issues.extend(problem.issues)
            continue
        request.used.append((name, text))
    if issues:
        raise Invalid(issues)
    if request.includes and request.summary == "text":
        raise Invalid("_include and _revinclude do not go with _summary=text.", expression="_summary")
    asked = list(pairs)
    request.used.sort(key=asked.index)  # the self link keeps the client's order
    return request


def criteria_text(text: str) -> str:
    """Return the parameters of criteria that are written as a search URL (``Group?identifier=...``), or alone."""
    url, question, parameters = text.partition("?")
    return parameters if question and "=" not in url else text


def parse_criteria(catalogue: Catalogue, type_: str, pairs: Pairs, context: Context = ANYWHERE) -> Query:
    """Parse the criteria of a conditional interaction, which must name at least one parameter and nothing else."""
    criteria = Criteria(catalogue, context)
    predicates: list[Predicate] = []
    issues: list[Issue] = []
    for name, text in pairs:
        try:
            if name.partition(":")[0] in CONTROLS:
                raise Invalid(f"{name} cannot be a criterion.", expression=name)
            predicates.append(criteria.parse((type_,), name, text))
        except Invalid as problem:
            issues.extend(problem.issues)
    if issues:
        raise Invalid(issues)
    if not predicates:
        raise Invalid("A conditional interaction needs at least one search parameter.", code="required")
    return Query((type_,), And(tuple(predicates)))


def _take(request: SearchRequest, criteria: Criteria, type_: str | None, name: str, text: str) -> None:
    code = name.partition(":")[0]
    if code in CONTROLS:
        control(request, criteria, name, text)
    elif code == "_type":
        if name != code:
            raise Invalid("_type has no modifiers.", expression=name)
        types = _types(text)
        if type_ is not None:  # the path has said it already; here it can only agree or not
            request.predicates.append(Types(types))
        elif request.types:
            raise Invalid("_type is given more than once.", expression="_type")
        else:
            request.types = types
    elif code == "_query":
        raise NotSupported("_query: there is no named query here.", expression=name)
    else:
        request.predicates.append(criteria.parse(request.types, name, text))
        if name in ("_text", "_content"):
            parameter = criteria.catalogue.common()[name]
            request.words[parameter] = request.words.get(parameter, frozenset()) | frozenset(words(text))


def _types(text: str) -> tuple[str, ...]:
    types = tuple(dict.fromkeys(text.split(",")))
    unknown = [type_ for type_ in types if type_ not in definitions.resource_types()]
    if unknown:
        raise Invalid(f"{', '.join(unknown)} is not a resource type of FHIR R5.", expression="_type")
    return types
