"""Token modifiers that ask the terminology: https://hl7.org/fhir/R5/search.html#modifierin and ``:above``, ``:below``.

A value set or a hierarchy becomes the list of its codes. Where that cannot be had, the search is refused: what is
searched by a part of a value set would lack matches without a word.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from service.errors import Invalid, RegistryError
from service.search.escaping import split, unescape
from service.search.parameters import Parameter
from service.search.query import Or, Predicate, Term
from service.search.types.base import Context
from service.terminology.code_system import System

CODES: Final = 10_000
"""Codes that one modifier may stand for."""


def in_value_set(parameter: Parameter, text: str, name: str, context: Context) -> Predicate:
    """Return the predicate of ``:in``; the text is a canonical or ``ValueSet/id``. Raises :class:`Invalid`."""
    canonical = unescape(name, text)
    if context.terminology is None:
        raise Invalid(f"{name}: the value set {canonical} is not known here.", code="not-found", expression=name)
    for base in context.bases:
        canonical = canonical.removeprefix(f"{base}/") if canonical.startswith(f"{base}/ValueSet/") else canonical
    try:
        members = context.terminology.members(canonical)
    except RegistryError as problem:
        raise Invalid(f"{name}: {problem}", code=problem.issues[0].code, expression=name) from None
    if members.gaps:
        reasons = "; ".join(gap.text for gap in members.gaps)
        raise Invalid(
            f"{name}: the codes of {canonical} cannot be listed here: {reasons}.",
            code="too-costly" if members.gaps[0].code == "too-costly" else "not-supported",
            expression=name,
        )
    return _any_of(parameter, ((each.system.url, each.concept.code) for each in members), name)


def subsumed(parameter: Parameter, modifier: str, text: str, name: str, context: Context) -> Predicate:
    """Return the predicate of ``:below`` or ``:above`` a ``system|code``; raises :class:`Invalid`."""
    parts = [unescape(name, part) for part in split(text, "|")]
    if len(parts) == 1 and parameter.implied_system:
        parts.insert(0, parameter.implied_system)
    if len(parts) != 2 or not all(parts):
        raise Invalid(f"{name}: {text!r} is not system|code: a hierarchy is that of a code system.", expression=name)
    url, code = parts
    system = _system(url, name, context)
    concept = system.find(code)
    if concept is None:
        raise Invalid(f"{name}: {code!r} is not a code of {url}.", code="code-invalid", expression=name)
    related = system.below(concept.code) if modifier == "below" else system.above(concept.code)
    related = related if system.subsuming else frozenset()
    return _any_of(parameter, ((url, each) for each in sorted({concept.code, *related})), name)


def _system(url: str, name: str, context: Context) -> System:
    system = context.terminology.system(url) if context.terminology else None
    if system is None:
        raise Invalid(f"{name}: the code system {url} is not known here.", code="not-found", expression=name)
    if not system.hierarchy_known:
        raise Invalid(f"{name}: the hierarchy of {url} is not known here.", code="not-supported", expression=name)
    return system


def _any_of(parameter: Parameter, codes: Iterable[tuple[str, str]], name: str) -> Predicate:
    terms = [Term(parameter.key, code, system) for system, code in codes]
    if len(terms) > CODES:
        raise Invalid(
            f"{name} stands for {len(terms)} codes; a search takes {CODES} at the most.",
            code="too-costly",
            expression=name,
        )
    if "code" in parameter.types and not parameter.implied_system:
        # A bare code whose system does not follow from its element is indexed without one.
        terms += [Term(term.key, term.value, "") for term in terms]
    return Or(tuple(dict.fromkeys(terms)))
