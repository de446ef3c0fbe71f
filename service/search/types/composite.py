"""Composite parameters: several values of one element (https://hl7.org/fhir/R5/search.html#composite).

A value is ``a$b``, each part as its component's type has it, with prefixes but without modifiers. "The intersection
rules apply" within one element: its rows share a number, and a tuple with an empty component is no tuple at all. What
only a modifier could ask of a component is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from service.errors import Invalid
from service.search.escaping import split
from service.search.parameters import Parameter
from service.search.query import And, Or, Predicate, Sort, Term, Together, Word
from service.search.rows import RangeRow, Row, TermRow
from service.search.sources import Found, found_within
from service.search.types.base import ANYWHERE, Context, Make, unsupported
from service.search.types.table import ELEMENTARY

MODIFIERS: Final[frozenset[str]] = frozenset()
MODIFIED: Final[frozenset[str]] = frozenset()

Join: TypeAlias = Callable[[Sequence[Found], int], "list[Row] | None"]
"""The rows of an element, from what each component finds in it, and its number; None where it is no tuple."""


def rows(parameter: Parameter) -> Make:
    """Return what makes the rows of all components of one element, none where one of them is empty."""
    find, join = components(parameter), joined(parameter)
    return lambda fhir_type, value: join(find(fhir_type, value), 0) or ()


def components(parameter: Parameter) -> Callable[[str, Any], Sequence[Found]]:
    """Return what finds the values of each component in an element, of a type and a value."""
    sources = [component.sources for component in parameter.components]
    return lambda fhir_type, value: [found_within(value, fhir_type, each) for each in sources]


def joined(parameter: Parameter) -> Join:
    """Return the join of a composite's components, of which none may be without a value."""
    parts = [
        (kind.rows(component), frozenset(component.key + form for form in kind.MODIFIED))
        for component in parameter.components
        for kind in (ELEMENTARY[component.type],)
    ]

    def join(components: Sequence[Found], part: int) -> list[Row] | None:
        if not components or not all(components):
            return None
        found: list[Row] = []
        for (make, never_asked), values in zip(parts, components, strict=False):  # all components are there, or none
            fhir_type, several = values[0]
            if len(values) == 1 and len(several) == 1:
                made = make(fhir_type, several[0])
            else:
                made = dict.fromkeys(row for fhir_type, several in values for value in several
                                     for row in make(fhir_type, value))  # fmt: skip
            if not made:
                return None
            for row in made:
                if row.key in never_asked:
                    continue
                if isinstance(row, RangeRow):
                    found.append(RangeRow(row.key, row.low, row.high, part))
                elif isinstance(row, TermRow):
                    found.append(TermRow(row.key, row.value, row.qualifier, part))
                else:  # words belong to no element, terms do
                    found += [TermRow(row.key, word, "", part) for word in row.words]
        return found

    return join


def predicate(
    parameter: Parameter, modifier: str | None, text: str, name: str, context: Context = ANYWHERE
) -> Predicate:
    """Return the predicate of ``a$b``."""
    if modifier is not None:
        raise unsupported(parameter, modifier, name)
    parts = split(text, "$")
    if len(parts) != len(parameter.components):
        raise Invalid(
            f"{name}: {text!r} has {len(parts)} of the {len(parameter.components)} parts of {parameter.code}, "
            "which are separated by $.",
            expression=name,
        )
    return Together(
        tuple(
            _of_terms(ELEMENTARY[component.type].predicate(component, None, part, name, context))
            for component, part in zip(parameter.components, parts, strict=True)
        )
    )


def sort(parameter: Parameter, descending: bool) -> Sort:  # noqa: ARG001
    """Refuse: tuples have no order."""
    raise Invalid(f"_sort: {parameter.code} is a composite, which has no order.", code="not-supported",
                  expression="_sort")  # fmt: skip


def _of_terms(predicate: Predicate) -> Predicate:
    match predicate:
        case Word(key, word):
            return Term(key, word)
        case And(parts) | Or(parts):
            return type(predicate)(tuple(map(_of_terms, parts)))
        case _:
            return predicate
