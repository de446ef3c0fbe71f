"""A row of a results table: one fact, typed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Final, Literal

from service.errors import Issue
from service.registry.figures import Figure, Number

Place = Literal["statistic", "characteristic", "design"]
PLACES: Final[tuple[Place, ...]] = ("statistic", "characteristic", "design")


@dataclass(frozen=True, slots=True)
class Row:
    """One fact: what was found, in whom, compared with what, and where it was read."""

    line: int
    key: str
    place: Place
    target: str | None
    outcome: str | None
    population: str | None
    exposure: str | None
    reference: str | None
    statistic: str | None
    value: Figure | None
    unit: str | None
    text: str | None
    ci_low: Figure | None
    ci_high: Figure | None
    ci_level: Number | None
    spread: str | None
    spread_low: Figure | None
    spread_high: Figure | None
    p_value: Number | None
    p_method: tuple[str, ...]
    affected: int | None
    denominator: int | None
    n: int | None
    time: Number | None
    time_unit: str | None
    timing: str | None
    method: tuple[str, ...]
    grade: str | None
    attribution: str | None
    reports: str | None
    source: str
    locator: str
    quote: str | None
    note: str | None

    @property
    def result(self) -> str:
        """The key of the result that the row is part of: the part before the dot."""
        return self.key.partition(".")[0]


COLUMNS: Final = tuple(field.name for field in fields(Row) if field.name != "line")


def problem(line: int, column: str, words: str, *, code: str = "invalid") -> Issue:
    """An error in one cell of the table."""
    return Issue("error", code, words, (f"row {line}, column {column}",), "results-table")


def by_result(rows: Collection[Row]) -> dict[str, list[Row]]:
    """The statistics of each result, in the order of the table."""
    results: dict[str, list[Row]] = {}
    for row in rows:
        if row.place == "statistic":
            results.setdefault(row.result, []).append(row)
    return results


def at_place(rows: Collection[Row], place: Place, target: str | None = None) -> list[Row]:
    """The rows that belong to one place, and there to one target."""
    return [row for row in rows if row.place == place and (target is None or row.target == target)]
