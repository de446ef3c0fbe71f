"""The command import-ctgov."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.ctgov import large, small
from tests.unit.test_cli import run, write


def test_records_and_a_report(tmp_path: Path) -> None:
    """It says what it did in two sentences, and of each record in the report; again, it changes nothing."""
    folder = tmp_path / "records"
    folder.mkdir()
    write(folder / "large.json", large())
    write(folder / "small.json", small())
    store, report = f"sqlite:///{tmp_path / 'registry.db'}", tmp_path / "report.ndjson"
    first = run("import-ctgov", folder, "--store", store, "--report", report)
    assert first.exit_code == 0, first.output
    assert first.output.startswith("2 records imported, 0 refused: ")
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert [each["study"] for each in lines] == ["ResearchStudy/ctgov-nct00000002", "ResearchStudy/ctgov-nct00000001"]
    for each in lines:
        others = sum(place["count"] for place in (*each["leftOut"], *each["notMapped"]))
        assert each["values"] == each["mapped"] + others
    again = run("import-ctgov", folder, "--store", store)
    assert " 0 resources created, 0 updated, " in again.output
    assert "0 retired" in again.output


def test_what_is_refused(tmp_path: Path) -> None:
    """A record that is none is named with its place; the others are imported, and the exit code is 1."""
    bad, good = write(tmp_path / "bad.json", {"studies": [{}]}), write(tmp_path / "good.json", small())
    result = run("import-ctgov", bad, good, "--store", f"sqlite:///{tmp_path / 'registry.db'}")
    assert result.exit_code == 1
    assert "bad.json studies[0]: This is no record" in result.output
    assert "1 records imported, 1 refused" in result.output


def test_nothing_is_fetched_without_being_told(tmp_path: Path) -> None:
    """An NCT number needs --fetch."""
    result = run("import-ctgov", "NCT00000001", "--store", f"sqlite:///{tmp_path / 'registry.db'}")
    assert (result.exit_code, "say --fetch" in result.output) == (1, True)
