"""The commands validate and revalidate: every problem with its place in the file, a summary, and an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from service import cli, validating
from service.fhir.json import loads
from service.interactions.policy import Policy
from service.profiles.base import check
from service.reporting import Report
from service.rules import build_policy, open_library
from service.settings import Settings
from service.terminology.service import TerminologyService
from tests.support.profiles import TITLED, package, profile, titled
from tests.unit import test_cli
from tests.unit.test_cli import PLAIN, run, write

DIV = '<div xmlns=\\"http://www.w3.org/1999/xhtml\\">x</div>'
TEXT = f'"text": {{"status": "generated", "div": "{DIV}"}}'  # without it, every resource has a warning
BAD = f'{{\n  "resourceType": "Group",\n  "type": "nonsense",\n  "membership": "definitional",\n  {TEXT}\n}}\n'
NARRATIVE: dict[str, Any] = json.loads(f"{{{TEXT}}}")
STUDY: dict[str, Any] = {"resourceType": "ResearchStudy", "status": "active", **NARRATIVE}
MISSING = ["ResearchStudy.title", "ResearchStudy.description"]


def group(**members: Any) -> dict[str, Any]:
    """Return a small valid Group."""
    return {**test_cli.group(), **NARRATIVE, **members}


def outcomes(result: Result) -> list[dict[str, Any]]:
    """Return the OperationOutcomes that --json prints, each of which must be one."""
    found = [json.loads(line) for line in result.stdout.splitlines()]
    for each in found:
        assert [issue.diagnostics for issue in check(loads(json.dumps(each))) if issue.severity == "error"] == []
    return found


def errors(outcome: dict[str, Any]) -> list[str]:
    """Return where the errors of an outcome are."""
    return [each["expression"][0] for each in outcome["issue"] if each["severity"] == "error"]


def place(issue: dict[str, Any]) -> tuple[int, int]:
    """Return line and column of an issue."""
    found = {each["url"].rpartition("-")[2]: each.get("valueInteger", 0) for each in issue["extension"]}
    return found["line"], found["col"]


def test_places_and_source_lines(tmp_path: Path) -> None:
    """Each problem with file, line, column, FHIRPath and rule, and the line of the file below it."""
    file = write(tmp_path / "bad.json", BAD)
    result = run("validate", file)
    assert result.exit_code == 1
    assert f"{file}: not valid" in result.output
    assert f"error {file}:3:3 Group.type: 'nonsense'" in result.output
    assert "(binding)" in result.output
    assert '3 | "type": "nonsense",' in result.output
    assert "1 files, 1 resources, 1 errors, 0 warnings." in result.output


def test_json(tmp_path: Path) -> None:
    """An OperationOutcome for each resource, one a line, with the extensions for file, line and column."""
    good, bad = write(tmp_path / "good.json", group()), write(tmp_path / "bad.json", BAD)
    result = run("validate", "--json", good, bad)
    assert result.exit_code == 1
    first, second = outcomes(result)
    assert [each["extension"][0]["valueString"] for each in (first, second)] == [str(good), str(bad)]
    assert errors(first) == []
    assert errors(second) == ["Group.type"]
    assert place(second["issue"][0]) == (3, 3)
    assert "2 files, 2 resources, 1 errors" in result.stderr


def test_ndjson(tmp_path: Path) -> None:
    """Each line for itself: the number of its line in the file, broken ones among others, blank ones left out."""
    lines = [json.dumps(group()), "", json.dumps(group(type="nonsense")), "{broken", json.dumps(group(name=5))]
    file = write(tmp_path / "x.ndjson", "\n".join(lines))
    result = run("validate", "--json", file)
    assert result.exit_code == 1
    found = outcomes(result)
    assert [errors(each) for each in found[:2]] == [[], ["Group.type"]]
    assert [place(each["issue"][0])[0] for each in found[1:]] == [3, 4, 5]
    text = run("validate", file)
    assert f"{file}:3: not valid" in text.output
    assert f"{file}:1" not in text.output
    assert "1 files, 4 resources, 3 errors" in text.output


def test_ndjson_is_read_line_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than a line is in memory: a result is there before the next line is read, and a line has a limit."""
    monkeypatch.setattr(validating, "MAX_LINE", 200)
    read: list[int] = []

    class Watched:
        def __init__(self) -> None:
            self.lines = iter([b"{}\n"] * 3)

        def readline(self, limit: int) -> bytes:
            assert limit <= 201
            read.append(1)
            return next(self.lines, b"")

    inspector = validating.Inspector(_policy())
    for number, _ in enumerate(inspector.stream("x", Watched()), 1):  # type: ignore[arg-type]  # all that is asked of it
        assert len(read) == number
    long = json.dumps(group(name="x" * 1000))
    file = write(tmp_path / "x.ndjson", "\n".join([json.dumps(group()), long, json.dumps(group(type="nonsense"))]))
    found = outcomes(run("validate", "--json", file))
    assert [each["issue"][0]["code"] for each in found] == ["success", "too-long", "code-invalid"]
    assert place(found[1]["issue"][0]) == (2, 1)
    assert place(found[2]["issue"][0])[0] == 3


def _policy() -> Policy:
    library = open_library((), "~/.fhir/packages")
    return build_policy(Settings(), library, TerminologyService(library))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (BAD, [3]),
        (json.dumps(group(type="nonsense")), [1]),
        ("\n".join([json.dumps(group()), json.dumps(group(type="nonsense"))]), [2]),
        ("", [1]),
        ("{", [1]),
    ],
)
def test_standard_input(content: str, expected: list[int]) -> None:
    """``-`` takes one resource, over many lines or in one, and NDJSON as well."""
    result = CliRunner().invoke(cli.app, ["validate", "--json", "-"], input=content, env=PLAIN)
    assert result.exit_code == 1
    failing = [each["issue"][0] for each in outcomes(result) if each["issue"][0]["severity"] != "success"]
    assert [place(each)[0] for each in failing] == expected


def test_folders(tmp_path: Path) -> None:
    """Files of JSON and NDJSON directly in a folder; the manifest of a package and hidden files are no resources."""
    for name, content in {
        "a.json": group(),
        "b.ndjson": group(),
        "package.json": {},
        ".index.json": {},
        "c.txt": "x",
    }.items():
        write(tmp_path / name, content)
    (tmp_path / "below.json").mkdir()
    result = run("validate", tmp_path)
    assert result.exit_code == 0
    assert "2 files, 2 resources, 0 errors" in result.output


def test_bundles(tmp_path: Path) -> None:
    """The entries of a Bundle are checked by what each claims and what is asked for, and located in the Bundle."""
    claim = {**STUDY, "meta": {"profile": [TITLED]}}
    entries = [
        {"fullUrl": f"urn:uuid:0000000{n}-0000-4000-8000-000000000000", "resource": each}
        for n, each in enumerate((claim, STUDY, group(type="nonsense")))
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    file = write(tmp_path / "bundle.json", json.dumps(bundle, indent=1))
    folder = package(tmp_path / "titled", titled())
    first, third = "Bundle.entry[0].resource", "Bundle.entry[2].resource"
    found = outcomes(run("validate", "--json", "--package", folder, file))[0]
    assert sorted(errors(found)) == [f"{first}.description", f"{first}.title", f"{third}.type"]
    second = "Bundle.entry[1].resource"
    result = run("validate", "--json", "--package", folder, "--profile", TITLED, file)
    expected = [f"{each}.{name}" for each in (first, second) for name in ("description", "title")]
    assert sorted(errors(outcomes(result)[0])) == [*expected, f"{third}.type"]
    assert "1 files, 4 resources, 5 errors" in result.stderr
    issue = next(each for each in outcomes(result)[0]["issue"] if each["expression"] == [f"{third}.type"])
    lines = file.read_text().splitlines()
    assert '"type": "nonsense"' in lines[place(issue)[0] - 1]


def test_profiles(tmp_path: Path) -> None:
    """--profile is demanded of the resources of its type, and of no others; one that is not known is an error."""
    folder = package(tmp_path / "titled", titled())
    study, other = write(tmp_path / "study.json", STUDY), write(tmp_path / "group.json", group())
    flags = ("--package", folder, "--profile", TITLED)
    result = run("validate", "--json", *flags, study, other)
    assert [sorted(errors(each)) for each in outcomes(result)] == [sorted(MISSING), []]
    assert run("validate", *flags, other).exit_code == 0
    assert run("validate", "--package", folder, study).exit_code == 0
    unknown = run("validate", "--profile", TITLED, study)
    assert unknown.exit_code == 1
    assert TITLED in unknown.stderr
    about = "http://hl7.org/fhir/StructureDefinition/Quantity"
    assert "no type of resources" in run("validate", "--profile", about, study).stderr


def test_packages(tmp_path: Path) -> None:
    """--package can be repeated, and its dependencies come from the cache; what is missing is told."""
    cache = tmp_path / "cache"
    package(cache / "test.below#1.0.0" / "package", titled(), name="test.below")
    above = profile("https://example.org/above", "ResearchStudy", {"path": "phase", "min": 1}, base=TITLED)
    folder = package(tmp_path / "above", above, dependencies={"test.below": "1.0.0"})
    study = write(tmp_path / "study.json", {**STUDY, "meta": {"profile": [above["url"]]}})
    flags = ("--package", folder, "--package-cache", cache)
    found = outcomes(run("validate", "--json", *flags, study))[0]
    assert sorted(errors(found)) == sorted([*MISSING, "ResearchStudy.phase"])
    result = run("validate", "--package", folder, "--package-cache", tmp_path, study)
    assert result.exit_code == 1
    assert "needs test.below#1.0.0" in result.stderr


def test_unknown_profiles(tmp_path: Path) -> None:
    """A claimed profile that is not known is a warning, exit code 0, or an error by the flag."""
    study = write(tmp_path / "study.json", {**STUDY, "meta": {"profile": ["https://example.org/unknown"]}})
    assert run("validate", study).exit_code == 0
    assert "1 files, 1 resources, 0 errors, 1 warnings." in run("validate", study).output
    assert run("validate", "--unknown-profile", "error", study).exit_code == 1


def test_colour(tmp_path: Path) -> None:
    """A terminal gets colours, unless NO_COLOR is set; a pipe never does."""
    file = write(tmp_path / "bad.json", BAD)
    for environment, coloured in (
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({}, False),
    ):
        console = Console(
            _environ={"TERM": "xterm", "COLUMNS": "200", **environment}, file=(tmp_path / "out").open("w")
        )
        report = Report(console, console, as_json=False)
        for checked in validating.Inspector(_policy()).file(str(file)):
            report.add(checked)
        console.file.close()
        assert ("\x1b[31merror" in (tmp_path / "out").read_text()) is coloured


def test_the_bar_keeps_out_of_the_output(tmp_path: Path) -> None:
    """With the errors on a terminal there is a bar, and with the output in a pipe that has the output and no more."""
    file = write(tmp_path / "x.ndjson", "\n".join(json.dumps(group(type="nonsense")) for _ in range(5)))
    main, terminal = os.openpty()
    command = [sys.executable, "-m", "service.cli", "validate", "--json", str(file)]
    environment = {**os.environ, **PLAIN, "CI": "", "TERM": "xterm"}
    done = subprocess.run(
        command, cwd=test_cli.ROOT, stdout=subprocess.PIPE, stderr=terminal, env=environment, check=False, timeout=60
    )
    os.close(terminal)
    shown = os.read(main, 1 << 16).decode()
    os.close(main)
    assert done.returncode == 1
    assert [json.loads(line)["resourceType"] for line in done.stdout.splitlines()] == ["OperationOutcome"] * 5
    assert "Validating" in shown
    assert "OperationOutcome" not in shown


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store with two studies and a group, of which one study has no title."""
    url = f"sqlite:///{tmp_path / 'registry.db'}"
    complete = {**STUDY, "title": "A", "description": "B"}
    entries = [{**complete, "id": "a"}, {**STUDY, "id": "b"}, group(id="c")]
    for each in entries:
        assert run("load", "--store", url, write(tmp_path / "x.json", each)).exit_code == 0
    return url


def test_revalidate(store: str, tmp_path: Path) -> None:
    """What is stored against rules that are new: each version with its problems, a summary by rule, exit code 1."""
    assert run("revalidate", "--store", store).exit_code == 0
    result = run("revalidate", "--store", store, "--package", package(tmp_path / "t", titled()), "--profile", TITLED)
    assert result.exit_code == 1
    assert "ResearchStudy/b/_history/1: not valid" in result.output
    assert "ResearchStudy/a/_history/1" not in result.output
    assert "cardinality" in result.output
    assert "3 versions, 3 resources, 2 errors" in result.output


def test_revalidate_types_and_json(store: str, tmp_path: Path) -> None:
    """--type narrows it, --json prints an OperationOutcome for each resource; a type that is none is a usage error."""
    flags = ("--store", store, "--package", package(tmp_path / "t", titled()), "--profile", TITLED, "--json")
    result = run("revalidate", *flags, "--type", "ResearchStudy")
    assert [sorted(errors(each)) for each in outcomes(result)] == [[], sorted(MISSING)]
    assert run("revalidate", *flags, "--type", "Group").exit_code == 0
    assert run("revalidate", *flags, "--type", "Nothing").exit_code == 2


def test_revalidate_by_what_is_stored(store: str, tmp_path: Path) -> None:
    """Definitions in the store count, and what is no longer current does not; nothing is written."""
    claim = {**STUDY, "id": "d", "meta": {"profile": [TITLED]}}
    load: Callable[[object], Result] = lambda each: run("load", "--store", store, write(tmp_path / "y.json", each))  # noqa: E731
    assert load(claim).exit_code == 0
    assert run("revalidate", "--store", store).exit_code == 0
    assert load(titled()).exit_code == 0
    for _ in range(2):
        result = run("revalidate", "--store", store, "--json")
        assert [errors(each) for each in outcomes(result) if errors(each)] == [MISSING]
    assert load({**claim, "title": "A", "description": "B"}).exit_code == 0
    assert run("revalidate", "--store", store).exit_code == 0
