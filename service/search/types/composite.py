"""Composite parameters: several values of one element (https://hl7.org/fhir/R5/search.html#composite).

A value is ``a$b``, each part as its component's type has it, with prefixes but without modifiers. "The intersection
rules apply" within one element: its rows share a number, and a tuple with an empty component is no tuple at all. What
only a modifier could ask of a component is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from service.errors import Invalid
from service.search.escaping import split
from service.search.parameters import Parameter
from service.search.query import And, Or, Predicate, Sort, Term, Together, Word
from service.search.rows import Row, TermRow, WordsRow
from service.search.types.base import ANYWHERE, Context, unsupported
from service.search.types.table import ELEMENTARY

MODIFIERS: Final[frozenset[str]] = frozenset()
MODIFIED: Final[frozenset[str]] = frozenset()


def rows(parameter: Parameter, fhir_type: str, value: Any) -> Iterator[Row]:  # noqa: ANN401  # any JSON value
    """Yield the rows of all components of one element, none where one of them is empty."""
    return compiled(parameter)(parameter, fhir_type, value)


def compiled(parameter: Parameter) -> Callable[[Parameter, str, Any], Iterator[Row]]:
    """Return the same for this parameter, with everything about its components looked up beforehand."""
    components = [
        (component, [source.within for source in component.sources], ELEMENTARY[component.type].rows)
        for component in parameter.components
    ]
    never_asked = {
        component.key + form for component in parameter.components for form in ELEMENTARY[component.type].MODIFIED
    }

    def of(parameter: Parameter, fhir_type: str, value: Any) -> Iterator[Row]:  # noqa: ANN401, ARG001
        held: list[tuple[Parameter, list[tuple[str, Any]], Any]] = []
        for component, sources, rows_of in components:
            values: list[tuple[str, Any]] = []
            for within in sources:
                values += within(value, fhir_type)
            if not values:
                return
            held.append((component, values, rows_of))
        found: list[Row] = []
        for component, values, rows_of in held:
            before = len(found)
            for type_, each in values:
                for row in rows_of(component, type_, each):
                    found += _terms(row) if isinstance(row, WordsRow) else (row,)
            if len(found) == before:
                return
        yield from (row for row in found if row.key not in never_asked)

    return of


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


def _terms(row: WordsRow) -> list[Row]:
    """The same as terms: words belong to no element."""
    return [TermRow(row.key, word) for word in row.words]


def _of_terms(predicate: Predicate) -> Predicate:
    match predicate:
        case Word(key, word):
            return Term(key, word)
        case And(parts) | Or(parts):
            return type(predicate)(tuple(map(_of_terms, parts)))
        case _:
            return predicate
