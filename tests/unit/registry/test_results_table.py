"""The reader of results tables: strict, typed, and complete in what it reports."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from service.errors import Unprocessable
from service.registry.figures import Absent, Number
from service.registry.results_table import parse_table, read_table
from service.registry.rows import COLUMNS, by_result

MakeTable = Callable[..., str]


def where(text: str | bytes) -> list[str]:
    """The places of all problems of a table."""
    return [issue.expression[0] if issue.expression else issue.diagnostics for issue in parse_table(text).issues]


def test_a_row_is_typed(make_table: MakeTable) -> None:
    """Cells become figures, counts, tuples or None; nothing stays text that is not text."""
    text = make_table(
        {
            "ci_low": "5.6",
            "ci_high": "NE",
            "ci_level": "95",
            "n": "271",
            "method": "kaplan-meier;stratified",
            "p_value": "<0.001",
            "p_method": "log-rank",
        }
    )
    (row,) = read_table(text)
    assert (row.line, row.key, row.result) == (2, "os-all-paper.median", "os-all-paper")
    assert (row.value, row.ci_low, row.ci_high) == (Number("7.7"), Number("5.6"), Absent("NE"))
    assert (row.n, row.affected, row.grade) == (271, None, None)
    assert (row.method, row.p_method, row.p_value) == (
        ("kaplan-meier", "stratified"),
        ("log-rank",),
        Number("0.001", "<"),
    )


def test_columns_may_come_in_any_order(make_table: MakeTable) -> None:
    """A column is found by its name."""
    lines = [line.split(",") for line in make_table({}).splitlines()]
    backwards = "\n".join(",".join(reversed(cells)) for cells in lines)
    assert read_table(backwards) == read_table(make_table({}))


def test_a_byte_order_mark_is_no_problem(make_table: MakeTable) -> None:
    """Spreadsheets write one."""
    assert read_table(b"\xef\xbb\xbf" + make_table({}).encode()) == read_table(make_table({}))


def test_all_problems_are_reported_at_once_with_row_and_column(make_table: MakeTable) -> None:
    """One pass finds everything, in every row; rows are counted as a spreadsheet counts them."""
    text = make_table(
        {"value": "about 7", "n": "many", "unit": "months"},
        {"key": "os-all-paper.median-2", "ci_low": "9", "ci_high": "8", "ci_level": "95"},
        {"key": "Bad Key", "grade": "6", "quote": " ".join(["word"] * 13), "source": ""},
    )
    assert sorted(where(text)) == [
        "row 2, column n",
        "row 2, column unit",
        "row 2, column value",
        "row 3, column ci_low",
        "row 4, column grade",
        "row 4, column key",
        "row 4, column quote",
        "row 4, column source",
    ]
    with pytest.raises(Unprocessable) as caught:
        read_table(text)
    assert len(caught.value.issues) == 8


def test_the_header_is_checked() -> None:
    """Unknown, missing and repeated columns are named; nothing is read by position."""
    header = [*COLUMNS[1:], "value", "colour"]
    places = where(",".join(header))
    assert set(places) == {"row 1, column key", "row 1, column value", "row 1, column colour"}


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "empty"), (b"\xff\xfe", "UTF-8"), ('key,"unclosed', "well-formed"), (b'a,"b"c', "well-formed")],
)
def test_what_is_no_table_is_said_so(data: bytes | str, words: str) -> None:
    """Bytes that are no CSV in UTF-8 are one problem, not an exception of a library."""
    with pytest.raises(Unprocessable, match=words):
        read_table(data)


def test_a_row_with_too_few_cells_is_reported(make_table: MakeTable) -> None:
    """A row that does not fit the header is not read at all."""
    assert where(make_table({}) + "only,two\n") == ["row 3"]


def test_keys_are_unique(make_table: MakeTable) -> None:
    """The key is the fact's name for ever: two facts cannot share it."""
    assert where(make_table({}, {})) == ["row 3, column key"]


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"value": ""}, "value"),
        ({"value": " 7.7"}, "value"),
        ({"note": "two\nlines"}, "note"),
        ({"outcome": ""}, "outcome"),
        ({"statistic": ""}, "statistic"),
        ({"target": "new"}, "target"),
        ({"text": "words"}, "text"),
        ({"exposure": "new"}, "exposure"),
        ({"reference": "old"}, "reference"),
        ({"statistic": "hazard-ratio", "unit": "", "exposure": "new"}, "reference"),
        ({"statistic": "hazard-ratio", "exposure": "new", "reference": "old"}, "unit"),
        ({"statistic": "risk-difference", "unit": "mo", "exposure": "new", "reference": "old"}, "unit"),
        ({"statistic": "risk-difference", "unit": "", "exposure": "new", "reference": "old"}, "unit"),
        (
            {"statistic": "risk-difference", "value": "-101", "unit": "%", "exposure": "new", "reference": "old"},
            "value",
        ),
        ({"statistic": "percentage"}, "unit"),
        ({"statistic": "percentage", "unit": "%", "value": "101"}, "value"),
        ({"statistic": "survival-probability", "unit": "%"}, "time"),
        ({"time": "6"}, "time_unit"),
        ({"statistic": "description"}, "text"),
        ({"statistic": "description", "value": "", "unit": "", "text": "words", "timing": "later"}, "timing"),
        ({"value": "NE"}, "unit"),
        ({"value": "NE", "ci_low": "NE", "ci_high": "NR", "ci_level": "95"}, "unit"),
        ({"statistic": "test", "value": "", "unit": "", "exposure": "new", "reference": "old"}, "p_value"),
        ({"ci_low": "1"}, "ci_high"),
        ({"ci_low": "1", "ci_high": "9"}, "ci_level"),
        ({"ci_low": "<1", "ci_high": "9", "ci_level": "95"}, "ci_low"),
        ({"ci_low": "1", "ci_high": "9", "ci_level": "100"}, "ci_level"),
        ({"spread_low": "1", "spread_high": "9"}, "spread"),
        ({"p_value": "1.2"}, "p_value"),
        ({"p_method": "log-rank"}, "p_method"),
        ({"p_value": "NE"}, "p_value"),
        ({"affected": "9", "n": "8"}, "affected"),
        ({"denominator": "9", "n": "8"}, "denominator"),
        ({"method": "kaplan-meier;guess"}, "method"),
        ({"place": "elsewhere"}, "place"),
    ],
)
def test_what_does_not_fit_together_is_refused(make_table: MakeTable, cells: dict[str, str], column: str) -> None:
    """Each rule about the shape of a statistic names the cell that breaks it."""
    assert f"row 2, column {column}" in where(make_table(cells))


CHARACTERISTIC = {
    "place": "characteristic",
    "target": "new",
    "outcome": "dose",
    "population": "",
    "statistic": "",
    "value": "5",
    "unit": "ug/m2/d",
}
DESIGN = {
    "place": "design",
    "outcome": "",
    "population": "",
    "statistic": "",
    "value": "",
    "unit": "",
    "text": "Two centers.",
}


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        (CHARACTERISTIC | {"target": ""}, "target"),
        (CHARACTERISTIC | {"outcome": "os"}, "outcome"),
        (CHARACTERISTIC | {"value": "", "unit": ""}, "value"),
        (CHARACTERISTIC | {"value": "NE"}, "unit"),
        (CHARACTERISTIC | {"population": "all"}, "population"),
        (DESIGN | {"text": ""}, "text"),
        (DESIGN | {"value": "2"}, "value"),
        (DESIGN | {"target": "new"}, "target"),
    ],
)
def test_what_is_no_statistic_has_its_own_shape(make_table: MakeTable, cells: dict[str, str], column: str) -> None:
    """Doses, ages and facts of the design are not dressed up as statistics."""
    assert f"row 2, column {column}" in where(make_table(cells))


def test_characteristics_and_design_facts_are_read(make_table: MakeTable) -> None:
    """Their rows are rows as well, and not results."""
    rows = read_table(make_table(CHARACTERISTIC, DESIGN | {"key": "design-centers.paper"}))
    assert [row.place for row in rows] == ["characteristic", "design"]
    assert by_result(rows) == {}


def test_reading_a_table_does_not_load_the_models() -> None:
    """Only the builders need fhir.resources, which is slow to load."""
    code = "import sys, service.registry.results_table, service.registry.description; sys.exit('fhir' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
