"""The results table of a trial: a CSV with one fact a row, read strictly and reported on completely.

The columns are described in the data dictionary, ``docs/tables.md``. Nothing is guessed: a cell that is
not what its column says is a problem, and all problems of a file are reported at once, each with its row (as a
spreadsheet counts them, the header being row 1) and its column.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from service.errors import Issue, Unprocessable
from service.registry.codes import ATTRIBUTIONS, GRADES, METHODS, SPREADS, STATISTICS, UNITS
from service.registry.figures import parse_count, parse_figure, parse_number
from service.registry.row_rules import check_row
from service.registry.rows import COLUMNS, PLACES, Row, problem

MAX_QUOTE_WORDS: Final = 12
MAX_CELL: Final = 2000
MAX_ROWS: Final = 50_000

_KEY: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\.[a-z0-9]+(?:-[a-z0-9]+)*")
_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MAX_KEY: Final = 80


def _one_of(choices: Collection[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"{text!r} is not one of {', '.join(choices)}")
        return text

    return parse


def _many_of(choices: Collection[str]) -> Callable[[str], tuple[str, ...]]:
    one = _one_of(choices)

    def parse(text: str) -> tuple[str, ...]:
        return tuple(one(part.strip()) for part in text.split(";"))

    return parse


def _pattern(pattern: re.Pattern[str], limit: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not pattern.fullmatch(text) or len(text) > limit:
            raise ValueError(f"{text!r} is not a key: lower case letters, digits and hyphens, at most {limit}")
        return text

    return parse


def _quote(text: str) -> str:
    words = len(text.split())
    if words > MAX_QUOTE_WORDS:
        raise ValueError(f"a quotation has at most {MAX_QUOTE_WORDS} words, this one has {words}")
    return text


_slug = _pattern(_SLUG, 60)
_PARSERS: Final[dict[str, Callable[[str], object]]] = {
    "key": _pattern(_KEY, _MAX_KEY),
    "place": _one_of(PLACES),
    **dict.fromkeys(("target", "outcome", "population", "exposure", "reference", "reports", "source"), _slug),
    "statistic": _one_of(STATISTICS),
    **dict.fromkeys(("value", "ci_low", "ci_high", "spread_low", "spread_high"), parse_figure),
    **dict.fromkeys(("ci_level", "p_value", "time"), parse_number),
    **dict.fromkeys(("affected", "denominator", "n"), parse_count),
    **dict.fromkeys(("unit", "time_unit"), _one_of(UNITS)),
    "spread": _one_of(SPREADS),
    **dict.fromkeys(("method", "p_method"), _many_of(METHODS)),
    "grade": _one_of(GRADES),
    "attribution": _one_of(ATTRIBUTIONS),
    "quote": _quote,
}
_ALWAYS: Final = ("key", "place", "source", "locator")


@dataclass(frozen=True, slots=True)
class Read:
    """What a table holds: the rows that could be read, and everything that is wrong.

    ``beside`` has the cells of columns that a table of this kind has besides, by the line of the row; ``aside`` are the
    columns that were left aside.
    """

    rows: tuple[Row, ...] = ()
    issues: tuple[Issue, ...] = ()
    beside: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    aside: tuple[str, ...] = ()


def read_table(data: bytes | str) -> tuple[Row, ...]:
    """The rows of a table; Unprocessable with every problem where there is any."""
    read = parse_table(data)
    if read.issues:
        raise Unprocessable(read.issues)
    return read.rows


def parse_table(data: bytes | str, beside: Collection[str] = (), aside: Collection[str] = ()) -> Read:
    """Read a table that may have the columns ``beside`` as well, of which a row's key is unique in the first one's.

    The columns ``aside`` may be there and mean nothing.
    """
    try:
        text = (data.decode("utf-8") if isinstance(data, bytes) else data).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        return _unread("invalid", f"the table is not UTF-8: {error.reason} at byte {error.start}")
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        return _unread("invalid", f"the table is not well-formed CSV: {error}")
    if not lines:
        return _unread("required", "the table is empty: not even a header")
    header = lines[0]
    if issues := _check_header(header, {*COLUMNS, *beside, *aside}):
        return Read(issues=tuple(issues))
    if len(lines) - 1 > MAX_ROWS:
        return _unread("too-long", f"the table has more than {MAX_ROWS} rows")
    rows: list[Row] = []
    found: dict[int, dict[str, str]] = {}
    seen: dict[tuple[str, ...], int] = {}
    for number, cells in enumerate(lines[1:], start=2):
        row, wrong = _read_row(number, header, cells)
        issues += wrong
        if row is None:
            continue
        found[number] = {name: cell for name, cell in zip(header, cells, strict=True) if name in beside}
        identity = (*(found[number].get(name, "") for name in list(beside)[:1]), row.key)
        if identity in seen:
            issues.append(problem(number, "key", f"{row.key!r} is the key of row {seen[identity]}", code="duplicate"))
        seen.setdefault(identity, number)
        rows.append(row)
    return Read(tuple(rows), tuple(issues), found, tuple(name for name in header if name in aside))


def _unread(code: str, words: str) -> Read:
    return Read(issues=(Issue("error", code, words),))


def _check_header(header: list[str], known: Collection[str]) -> list[Issue]:
    unknown = [name for name in header if name not in known]
    twice = sorted({name for name in header if header.count(name) > 1})
    missing = [name for name in COLUMNS if name not in header]
    return [
        *(problem(1, name or "(unnamed)", "no such column") for name in unknown),
        *(problem(1, name, "the column is there more than once", code="duplicate") for name in twice),
        *(problem(1, name, "the column is missing", code="required") for name in missing),
    ]


def _read_row(line: int, header: list[str], cells: list[str]) -> tuple[Row | None, list[Issue]]:
    if len(cells) != len(header):
        words = f"{len(cells)} cells, but the header has {len(header)} columns"
        return None, [Issue("error", "structure", words, (f"row {line}",), "results-table")]
    values: dict[str, object] = {}
    issues: list[Issue] = []
    for column, cell in zip(header, cells, strict=True):
        if column not in COLUMNS:
            continue
        values[column] = () if column in ("method", "p_method") else None
        if cell == "":
            continue
        if cell != cell.strip() or not cell.isprintable() or len(cell) > MAX_CELL:
            issues.append(problem(line, column, f"no space at the ends, no line breaks, at most {MAX_CELL} characters"))
            continue
        try:
            values[column] = _PARSERS.get(column, str)(cell)
        except ValueError as error:
            issues.append(problem(line, column, str(error)))
    blank = [column for column, cell in zip(header, cells, strict=True) if cell == ""]
    issues += [problem(line, c, "must not be empty", code="required") for c in _ALWAYS if c in blank]
    if issues:
        return None, issues
    row = Row(line=line, **values)  # type: ignore[arg-type] # each value comes from the parser of its column
    return row, check_row(row)
