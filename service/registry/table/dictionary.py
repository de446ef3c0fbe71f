"""The data dictionary of the results table that the registry gives out, and its rows.

The first columns are those of a table that is read, so that what goes out can come in again. The others explain them;
a table that is read may have them, and they are left aside.
"""

from __future__ import annotations

from typing import Final

from service.registry import codes
from service.registry.evidence_rows import (
    P_VALUE,
    derived_from,
    estimate,
    extension,
    reference_of,
    reported_from,
    statistic_cells,
)
from service.registry.table.column import Fact, Json
from service.registry.table.context import EXPLAINING
from service.registry.table.read import READ

DICTIONARY: Final = (*READ, *EXPLAINING)
"""The columns in their order."""
ASIDE: Final = frozenset(column.name for column in EXPLAINING)
"""The columns that a table which is read may have, and that mean nothing in it."""


def record(fact: Fact) -> list[str]:
    """The cells of a row, one for each column of :data:`DICTIONARY`; empty where there is nothing."""
    own = statistic_cells(fact.evidence, fact.statistic)
    return [own.get(column.name, "") if column.cell is None else column.cell(fact) for column in DICTIONARY]


def references(evidence: Json) -> set[str]:
    """The references whose targets the cells of an Evidence's rows name."""
    found = {reference_of(each.get("observed")) for each in evidence.get("variableDefinition", ())}
    found |= {*derived_from(evidence), reported_from(evidence), reference_of(evidence.get("citeAsReference"))}
    for statistic in evidence.get("statistic", ()):
        found.add(reference_of(extension(estimate(statistic, P_VALUE.code), codes.RESULT_COMPARATOR)))
    return found - {""}
