"""One resource against a predicate, by its rows: what each predicate of :mod:`service.search.query` asks."""

from __future__ import annotations

import pytest

from service.errors import NotSupported
from service.search.matching import holds
from service.search.query import (
    And,
    Bound,
    Contains,
    Ids,
    Linked,
    Not,
    Or,
    Predicate,
    Prefix,
    Query,
    Range,
    ReverseLinked,
    Term,
    Together,
    Types,
    Updated,
)
from service.search.rows import RangeRow, TermRow

ROWS = (
    TermRow("code", "red", "http://colours"),
    TermRow("pair$0", "a", "", 1),
    TermRow("pair$1", "x", "", 1),
    TermRow("pair$0", "b", "", 2),
    TermRow("pair$1", "y", "", 2),
    RangeRow("date", "3", "5"),
)
YES, NO = And(()), Or(())
TRUE: list[Predicate] = [
    YES,
    Not(NO),
    And((YES, YES)),
    Or((NO, YES)),
    Ids(("b", "a")),
    Types(("Group", "Patient")),
    Term("code", "red"),
    Term("code", "red", "http://colours"),
    Prefix("code", "re"),
    Contains("code", "e"),
    Contains("code", "ed", at_end=True),
    Range("date", (Bound("low", ">=", "3"), Bound("high", "<=", "5"))),
    Range("date", (Bound("low", "<", "4"), Bound("high", ">", "4"))),
    Together((Term("pair$0", "a"), Or((Term("pair$1", "x"), NO)))),
]
FALSE: list[Predicate] = [
    NO,
    Not(YES),
    And((YES, NO)),
    Ids(("b",)),
    Types(("Patient",)),
    Term("code", "re"),
    Term("other", "red"),
    Term("code", "red", ""),
    Term("date", "3"),
    Prefix("code", "ed"),
    Contains("code", "x"),
    Contains("code", "re", at_end=True),
    Range("date", (Bound("low", ">=", "3"), Bound("high", "<", "5"))),
    Range("code", (Bound("low", ">=", ""),)),
    Together((Term("pair$0", "a"), Term("pair$1", "y"))),
    Together((Term("code", "red"),)),
]


@pytest.mark.parametrize("predicate", TRUE, ids=repr)
def test_what_holds(predicate: Predicate) -> None:
    """Each predicate holds where its own description says so."""
    assert holds(predicate, "Group", "a", ROWS)


@pytest.mark.parametrize("predicate", FALSE, ids=repr)
def test_what_does_not_hold(predicate: Predicate) -> None:
    """A predicate does not hold for another value, key, qualifier, kind of row, or element."""
    assert not holds(predicate, "Group", "a", ROWS)


@pytest.mark.parametrize("predicate", [Linked("x", Query(())), ReverseLinked("x", Query(())), Updated(0, 1)], ids=repr)
def test_what_rows_cannot_tell(predicate: Predicate) -> None:
    """What depends on other resources, or on when it is written, is refused rather than guessed."""
    with pytest.raises(NotSupported):
        holds(And((YES, predicate)), "Group", "a", ROWS)
