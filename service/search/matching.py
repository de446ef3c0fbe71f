"""One resource against a predicate, by its rows alone: for what is about to be written and in no store yet."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Final

from service.errors import NotSupported
from service.search.query import And, Contains, Ids, Not, Or, Predicate, Prefix, Range, Term, Together, Types, Word
from service.search.rows import RangeRow, Row, TermRow, WordsRow

_COMPARE: Final = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def holds(predicate: Predicate, type_: str, id_: str, rows: Sequence[Row]) -> bool:
    """Whether a predicate holds for a resource.

    Raises :class:`NotSupported` where that depends on other resources, or on the time at which it is written.
    """
    match predicate:
        case And(parts):
            return all(holds(part, type_, id_, rows) for part in parts)
        case Or(parts):
            return any(holds(part, type_, id_, rows) for part in parts)
        case Not(part):
            return not holds(part, type_, id_, rows)
        case Ids(ids):
            return id_ in ids
        case Types(types):
            return type_ in types
        case Together(parts):
            elements: dict[int, list[Row]] = {}
            for row in rows:
                if not isinstance(row, WordsRow) and row.part:
                    elements.setdefault(row.part, []).append(row)
            return any(all(holds(part, type_, id_, each) for part in parts) for each in elements.values())
        case Term() | Prefix() | Contains() | Range() | Word():
            return any(row.key == predicate.key and _meets(predicate, row) for row in rows)
    raise NotSupported(
        "Criteria that follow links, or ask for the time of a change, cannot look at what is written now."
    )


def _meets(predicate: Term | Prefix | Contains | Range | Word, row: Row) -> bool:
    match predicate:
        case Range():
            return isinstance(row, RangeRow) and all(
                _COMPARE[bound.operator](row.low if bound.end == "low" else row.high, bound.value)
                for bound in predicate.bounds
            )
        case Word():
            return isinstance(row, WordsRow) and predicate.word in row.words
        case _ if not isinstance(row, TermRow):
            return False
        case Term():
            return row.value == predicate.value and predicate.qualifier in (None, row.qualifier)
        case Prefix():
            return row.value.startswith(predicate.text)
        case Contains():
            return row.value.endswith(predicate.text) if predicate.at_end else predicate.text in row.value
