"""A slow and obvious way to ask one resource: its rows against a predicate."""

from __future__ import annotations

from typing import Any

from service.search.index import rows
from service.search.parameters import Catalogue
from service.search.query import And, Contains, Not, Or, Predicate, Prefix, Range, Term, Together
from service.search.rows import RangeRow, Row, TermRow
from service.search.types import ANYWHERE, NEGATED, Context, missing, predicate

CATALOGUE = Catalogue()


def asked(type_: str, name: str, text: str, context: Context = ANYWHERE, catalogue: Catalogue = CATALOGUE) -> Predicate:
    """The predicate of ``name=text``, with modifiers, without alternatives."""
    code, colon, modifier = name.partition(":")
    parameter = catalogue.for_type(type_)[code]
    if modifier == "missing":
        return missing(parameter, text, name)
    found = predicate(parameter, modifier if colon else None, text, name, context)
    return Not(found) if modifier in NEGATED else found


def matches(
    resource: dict[str, Any], name: str, text: str, context: Context = ANYWHERE, catalogue: Catalogue = CATALOGUE
) -> bool:
    """Whether a resource matches ``name=text``."""
    question = asked(resource["resourceType"], name, text, context, catalogue)
    return holds(question, rows(resource, catalogue, context.bases))


def holds(question: Predicate, found: tuple[Row, ...]) -> bool:
    """Whether rows fulfil a predicate."""
    match question:
        case And(parts):
            return all(holds(part, found) for part in parts)
        case Or(parts):
            return any(holds(part, found) for part in parts)
        case Not(part):
            return not holds(part, found)
        case Together(parts):
            numbers = {row.part for row in found}
            return any(
                all(holds(part, tuple(row for row in found if row.part == number)) for part in parts)
                for number in numbers
            )
        case _:
            return any(_row(question, row) for row in found)


def _row(question: Predicate, row: Row) -> bool:
    match question, row:
        case Term(key, value, qualifier), TermRow():
            return row.key == key and row.value == value and qualifier in (None, row.qualifier)
        case Prefix(key, text), TermRow():
            return row.key == key and row.value.startswith(text)
        case Contains(key, text), TermRow():
            return row.key == key and text in row.value
        case Range(key, bounds), RangeRow():
            compare = {"<": str.__lt__, "<=": str.__le__, ">": str.__gt__, ">=": str.__ge__}
            return row.key == key and all(
                compare[bound.operator](row.low if bound.end == "low" else row.high, bound.value) for bound in bounds
            )
    return False
