"""From a statistic of an Evidence back to the row of a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.json import loads
from service.registry import codes
from service.registry.description import Catalogue, Trial, read_catalogue, read_trial
from service.registry.dump import plain, to_json
from service.registry.evidence import build_evidence
from service.registry.evidence_rows import statistic_cells, study_of
from service.registry.results_table import parse_table
from service.registry.rows import COLUMNS
from service.registry.table.column import Fact
from service.registry.table.dictionary import DICTIONARY, record, references
from tools.document_tables import TARGET, page

SEEDS = Path(__file__).parents[3] / "seed_bundles"
TABLES = sorted((SEEDS / "tables").glob("*.csv"))
TRIAL: dict[str, Any] = {
    "slug": "trial",
    "title": "A trial",
    "description": "x",
    "condition": [],
    "focus": [],
    "eligibility": {"description": "x"},
    "groups": [
        {"slug": "all", "name": "All", "kind": "analysis", "description": "x"},
        {"slug": "arm", "name": "New arm", "kind": "arm", "description": "x"},
        {"slug": "part", "name": "MRD", "kind": "subgroup", "description": "x", "of": "arm"},
    ],
    "exposures": [{"slug": name, "title": name, "description": "x"} for name in ("new", "old")],
    "outcomes": [
        {"slug": "os", "code": "os", "title": "Overall survival"},
        {"slug": "crs", "code": "ae", "title": "Syndrome"},
    ],
    "citations": ["paper", "review"],
}
PAPERS = {"publications": [{"slug": name, "short": name, "title": name} for name in ("paper", "review")]}


@pytest.fixture(scope="module")
def described() -> tuple[Trial, Catalogue]:
    """A trial with groups, exposures and outcomes."""
    catalogue = read_catalogue(json.dumps(PAPERS).encode())
    return read_trial(json.dumps(TRIAL).encode(), catalogue), catalogue


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_every_statistic_of_the_seeds_is_its_row(path: Path) -> None:
    """Issue 6, part 5: each cell of each row is found in the bundle that was built of the table, as it is spelled."""
    slug = json.loads(path.with_suffix(".json").read_bytes())["slug"]
    bundle = loads((SEEDS / f"{slug}.json").read_bytes())
    evidence = [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Evidence"]
    with path.open(newline="") as file:
        expected = [row for row in csv.DictReader(file) if row["place"] == "statistic"]
    found = [statistic_cells(each, statistic) for each in evidence for statistic in each["statistic"]]
    assert {study_of(each) for each in evidence} <= {slug}
    assert sorted(found, key=lambda row: row["key"]) == sorted(
        ({name: row[name] for name in found[0]} for row in expected), key=lambda row: row["key"]
    )
    assert not expected or {*COLUMNS} - {*found[0]} == {"target"}


numbers = st.decimals(0, 90, places=2).map(str) | st.integers(0, 90).map(str)
figures = numbers | numbers.map(lambda text: f"<{text}") | st.sampled_from([*codes.ABSENT])
words = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=20)


def some(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A value or an empty cell."""
    return values | st.just("")


def many(values: list[str]) -> st.SearchStrategy[str]:
    """Several words of a list."""
    return st.lists(st.sampled_from(values), max_size=3).map(";".join)


@st.composite
def rows(draw: Callable[[st.SearchStrategy[Any]], Any]) -> dict[str, str]:
    """The cells of a row of statistics that the rules of the table let pass."""
    name = draw(st.sampled_from([*codes.STATISTICS]))
    kind = codes.STATISTICS[name]
    percent = kind.percent or name in ("percentage", "survival-probability", "cumulative-incidence")
    cells = {"key": "result.part", "place": "statistic", "outcome": draw(st.sampled_from(["os", "crs"]))}
    cells |= {"population": draw(st.sampled_from(["all", "arm", "part"])), "statistic": name, "source": "paper"}
    if kind.shape == "number":
        cells |= {"value": draw(figures), "unit": "%" if percent else ""}
        if not percent and not kind.compares:
            cells["unit"] = draw(some(st.sampled_from([*codes.UNITS])))
    cells |= {"text" if kind.shape == "words" else "timing": draw(words if kind.shape == "words" else some(words))}
    sides = ["new", "old", "arm", "part"]
    if kind.compares:
        cells |= {"exposure": draw(st.sampled_from(sides)), "reference": draw(st.sampled_from(sides))}
    if kind.shape == "p" or draw(st.booleans()):
        comparator = draw(st.sampled_from(["", "<", "<=", ">", ">="]))
        cells |= {"p_value": comparator + draw(st.decimals(0, 1, places=3).map(str))}
        cells |= {"p_method": draw(many([*codes.METHODS]))}
        if not kind.compares:
            cells["reference"] = draw(some(st.sampled_from(sides)))
    for low, high, label, labels in (
        ("ci_low", "ci_high", "ci_level", ["95", "90", "95.0", "97.5", "99.9"]),
        ("spread_low", "spread_high", "spread", [*codes.SPREADS]),
    ):
        if draw(st.booleans()):
            limits = sorted((draw(numbers), draw(numbers)), key=float)
            cells |= {label: draw(st.sampled_from(labels)), low: limits[0], high: limits[1]}
            absent = draw(st.sampled_from(["", low, high]))
            cells |= {absent: draw(st.sampled_from([*codes.ABSENT]))} if absent else {}
    if kind.at_time or draw(st.booleans()):
        cells |= {"time": draw(numbers), "time_unit": draw(st.sampled_from(["mo", "d", "a"]))}
    size = draw(st.integers(0, 500))
    cells |= draw(st.sampled_from([{}, {"n": str(size + 7)}, {"denominator": str(size)}]))
    cells |= draw(st.sampled_from([{}, {"n": str(size + 7), "denominator": str(size)}]))
    cells |= draw(st.sampled_from([{}, {"affected": "0"}]))
    cells |= {"method": draw(many([*codes.METHODS])), "reports": draw(st.sampled_from(["", "review"]))}
    cells |= {"grade": draw(some(st.sampled_from([*codes.GRADES])))}
    cells |= {"attribution": draw(some(st.sampled_from([*codes.ATTRIBUTIONS])))}
    cells |= {"locator": draw(words), "quote": draw(some(words)), "note": draw(some(words))}
    if not any(
        cells.get(each, "")[-1:].isdigit() for each in ("value", "ci_low", "ci_high", "spread_low", "spread_high")
    ):
        cells["unit"] = ""
    return cells


def table_of(*found: dict[str, str]) -> str:
    """A table with these rows."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(found)
    return out.getvalue()


@given(cells=rows())
def test_every_row_comes_back_as_it_was(described: tuple[Trial, Catalogue], cells: dict[str, str]) -> None:
    """docs/tables.md: what a table may say of a statistic is read back from its Evidence, cell by cell."""
    read = parse_table(table_of(cells))
    assert read.issues == ()
    (evidence,) = build_evidence(read.rows, *described)
    stored = loads(to_json(plain(evidence, "Evidence")))
    again = statistic_cells(stored, stored["statistic"][0])
    assert {name: cell for name, cell in again.items() if cell} == {name: cell for name, cell in cells.items() if cell}
    assert parse_table(table_of(again)).rows == read.rows


def test_the_columns_begin_with_those_of_a_table_that_is_read() -> None:
    """docs/tables.md: the seed columns come first, in their order; no name is there twice; those that are read are."""
    names = [column.name for column in DICTIONARY]
    assert tuple(names[: len(COLUMNS)]) == COLUMNS
    assert len(names) == len(set(names))
    assert [column.name for column in DICTIONARY if column.read] == [*COLUMNS, "study", "version"]


def test_an_evidence_from_elsewhere_fills_what_it_can() -> None:
    """docs/tables.md: foreign codes, units and estimates leave cells of ours empty, and are told in words."""
    statistic = {
        "statisticType": {"coding": [{"system": "https://x.test", "code": "geo", "display": "Geometric mean"}]},
        "quantity": {"value": 5, "comparator": "~", "unit": "mg/L", "code": "mg/L"},
        "attributeEstimate": [{"type": {"text": "Standard deviation"}, "quantity": {"value": 2}}],
        "category": {"text": "Day 8"},
    }
    variable = {"variableRole": {"text": "population"}, "observed": {"reference": "Group/x"}}
    evidence = {
        "resourceType": "Evidence",
        "id": "e",
        "meta": {"versionId": "7", "lastUpdated": "2026-01-01T00:00:00.000Z"},
        "variableDefinition": [variable, {"variableRole": {"coding": [{"code": "measuredVariable"}]}}],
        "statistic": [statistic],
    }
    row = dict(zip([c.name for c in DICTIONARY], record(Fact(evidence, statistic, 0, {})), strict=True))
    assert {name: cell for name, cell in row.items() if cell} == {
        "place": "statistic",
        "value": "~5",
        "version": "7",
        "evidence": "e",
        "position": "0",
        "last_updated": "2026-01-01T00:00:00.000Z",
        "statistic_name": "Geometric mean",
        "value_number": "5",
        "value_comparator": "~",
        "value_unit": "mg/L",
        "value_words": "~5 mg/L",
        "estimates": "Standard deviation 2",
        "category": "Day 8",
    }
    assert references(evidence) == {"Group/x"}


def test_the_page_of_the_columns_is_up_to_date() -> None:
    """docs/tables.md is made from the columns; python -m tools.document_tables writes it."""
    assert TARGET.read_text(encoding="utf-8") == page()
