"""The commands table and import-table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.registry.table.dictionary import DICTIONARY
from tests.support.tables import SEEDS, read, resources_of, table_text, write
from tests.unit.test_cli import run

TRIAL, STUDY = "study-20120215", "nct02393859"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with a trial."""
    url = f"sqlite:///{tmp_path_factory.mktemp('tables') / 'registry.db'}"
    assert run("load", SEEDS / f"{STUDY}.json", "--store", url).exit_code == 0
    return url


def test_out_and_in(store: str, tmp_path: Path) -> None:
    """A table of a study, by its number; given back it changes nothing, and a number that is edited is one update."""
    file = tmp_path / "results.csv"
    assert run("table", STUDY.upper(), "-o", file, "--store", store).exit_code == 0
    rows = read(file.read_text())
    assert len(rows) == sum(len(each["statistic"]) for each in resources_of(TRIAL, "Evidence").values())
    again = run("import-table", file, "--store", store)
    assert again.exit_code == 0, again.output
    assert f"{len(rows)} rows of 1 study: 0 resources created, 0 updated, " in again.output
    assert "these columns explain the others and were not read: " in again.output
    file.write_bytes(write([{**rows[0], "note": "Edited."}]))
    assert ", 1 updated, " in run("import-table", file, "--store", store).output
    file.write_bytes(write([{**rows[0], "note": ""}]))
    assert "is at version 2 by now" in run("import-table", file, "--store", store).output


def test_a_seed_table_needs_its_study(store: str, tmp_path: Path) -> None:
    """A table without the column says nothing of a study; --study does. What is wrong is told by row and column."""
    file = tmp_path / "table.csv"
    file.write_text(table_text(TRIAL))
    assert run("import-table", file, "--study", STUDY, "--store", store).exit_code == 0
    without = run("import-table", file, "--store", store)
    assert (without.exit_code, "row 2, column study:" in without.output) == (1, True)
    file.write_text(table_text(TRIAL).replace("0.35", "about 0.35"))
    wrong = run("import-table", file, "--study", STUDY, "--store", store)
    assert (wrong.exit_code, "column value: 'about 0.35' is neither" in wrong.output) == (1, True)


def test_formats(store: str, tmp_path: Path) -> None:
    """The ending of the file is its format, the standard output CSV; what cannot be written leaves no file."""
    assert run("table", STUDY, "--store", store).output.startswith("key,place,target,")
    lines = tmp_path / "all.ndjson"
    assert run("table", "-o", lines, "--store", store).exit_code == 0
    names = {column.name for column in DICTIONARY}
    assert all({*json.loads(line)} <= names for line in lines.read_text().splitlines())
    for name, words in {"x.xlsx": "csv, ndjson, parquet", "none.csv": "No study has the id"}.items():
        study = "nothing" if name == "none.csv" else STUDY
        result = run("table", study, "-o", tmp_path / name, "--store", store)
        assert (result.exit_code, words in result.output) == (1, True)
    assert {path.name for path in tmp_path.iterdir()} == {"all.ndjson"}
