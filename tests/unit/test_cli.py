"""The command line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from service import cli

ROOT = Path(__file__).parents[2]
PLAIN = {"COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb", "CI": "true"}


def run(*arguments: str | Path) -> Result:
    """Run a command."""
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments], env=PLAIN)


def write(path: Path, resource: object) -> Path:
    """Write a JSON file."""
    path.write_text(resource if isinstance(resource, str) else json.dumps(resource))
    return path


def group(**members: Any) -> dict[str, Any]:
    """Return a small valid Group."""
    return {"resourceType": "Group", "type": "person", "membership": "definitional", **members}


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    """Return a transaction of updates."""
    entries = [
        {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
        for each in resources
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


@pytest.fixture
def database(tmp_path: Path) -> str:
    """The URL of a store in a file."""
    return f"sqlite:///{tmp_path / 'data' / 'registry.db'}"


@contextmanager
def served(*flags: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the server on a free port and yield its process and FHIR base; it must end well when it is told to."""
    command = [sys.executable, "-m", "service.cli", "serve", "--port", "0", *flags]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **PLAIN, **environment},
    ) as process:
        try:
            yield process, address(process)
        finally:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=60)


def address(process: subprocess.Popen[str]) -> str:
    """Read what the server prints until it says where it is."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if "ready at" in line:
            return line.rpartition("ready at")[2].strip() + "fhir"
    raise AssertionError(f"the server did not start: {seen} {process.communicate()[1]}")


def wait_for(base: str) -> None:
    """Return once the server answers; its socket is open before that, so the first request waits."""
    assert httpx.get(f"{base}/metadata", timeout=60).status_code == 200


def test_help_names_every_command() -> None:
    """A stranger sees what there is, and what each is for."""
    for arguments in (["--help"], []):
        output = run(*arguments).output
        for command in ("serve", "load", "validate", "revalidate", "version"):
            assert command in output
    for command in ("serve", "load", "validate", "revalidate", "version"):
        result = run(command, "--help")
        assert result.exit_code == 0
        assert "Usage" in result.output


def test_version() -> None:
    """The version is that of the distribution."""
    result = run("version")
    assert (result.exit_code, result.output.strip()) == (0, version("trial-registry"))


def test_an_unknown_command_or_flag() -> None:
    """What is not there is a usage error."""
    assert run("explode").exit_code == 2
    assert run("serve", "--explode").exit_code == 2


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--port", "70000"),
        ("--port", "x"),
        ("--workers", "0"),
        ("--handling", "other"),
        ("--base-path", "fhir"),
        ("--page-size", "0"),
        ("--max-body-size", "1"),
        ("--log-level", "loud"),
        ("--mongo-transactions", "maybe"),
    ],
)
def test_a_wrong_flag_is_named(flag: str, value: str) -> None:
    """Exit code 2, and the flag in the message."""
    result = run("serve", flag, value)
    assert result.exit_code == 2
    assert flag in result.output


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A setting of the environment that no flag of the command has is checked as well."""
    monkeypatch.setenv("TRIAL_REGISTRY_PAGE_SIZE", "0")
    result = run("load", write(tmp_path / "g.json", group()), "--store", "sqlite://")
    assert result.exit_code == 2
    assert "TRIAL_REGISTRY_PAGE_SIZE" in result.output


@pytest.mark.parametrize("store", ["postgres://x", "registry.db", "sqlite://host/x.db", ""])
def test_a_store_that_is_none(store: str, tmp_path: Path) -> None:
    """Exit code 1 and a message that says what a store is."""
    result = run("load", write(tmp_path / "g.json", group()), "--store", store)
    assert result.exit_code == 1
    assert "sqlite:///FILE" in result.output


def test_load_twice_changes_nothing(tmp_path: Path, database: str) -> None:
    """Bundles and single resources of a folder; the second time nothing is new."""
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder / "a.json", bundle(group(id="a"), group(id="b")))
    write(folder / "b.json", group(id="c"))
    write(folder / "not.txt", "not json")
    first, second = run("load", folder, "--store", database), run("load", folder, "--store", database)
    assert first.output.split("\n")[-2] == "2 files: 3 resources created, 0 updated, 0 unchanged, 0 deleted."
    assert second.output.split("\n")[-2] == "2 files: 0 resources created, 0 updated, 3 unchanged, 0 deleted."
    write(folder / "b.json", group(id="c", name="changed"))
    third = run("load", folder, "--store", database)
    assert "0 resources created, 1 updated, 2 unchanged" in third.output


@pytest.mark.parametrize("folder", ["seed_bundles", "fhir_profiles"])
def test_load_of_what_the_project_brings(database: str, folder: str) -> None:
    """The seeds and the package of the project load, and the second time change nothing."""
    first, second = (run("load", ROOT / folder, "--store", database) for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert ": 0 resources created" not in first.output
    assert "0 resources created, 0 updated" in second.output


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ("", "not JSON"),
        ("[]", "JSON object"),
        ('{"resourceType":"Group"}', "Group.type"),
        ('{"resourceType":"Nothing"}', "Nothing"),
        ('{"resourceType":["Group"]}', "Group"),
        ("{}", "resourceType"),
        ('{"resourceType":"Group","id":5}', "id is 5"),
        ('{"resourceType":"Group","id":null}', "id is None"),
        ('{"resourceType":"Group","id":"a b"}', "resource id"),
        ('{"resourceType":"Bundle","type":"transaction","entry":[{}]}', "Bundle.entry[0]"),
        ('{"resourceType":"Bundle","type":"transaction","entry":5}', "Bundle.entry"),
    ],
)
def test_an_error_names_the_file(content: str, message: str, tmp_path: Path, database: str) -> None:
    """Load fails with exit code 1, the file and what is wrong in it."""
    file = write(tmp_path / "bad.json", content)
    result = run("load", file, "--store", database)
    assert result.exit_code == 1
    assert str(file) in result.output
    assert message in result.output


def test_a_path_that_is_not_there(tmp_path: Path, database: str) -> None:
    """Load and validate say which path it is; a folder without JSON is an error, too."""
    for command in (["load", "--store", database], ["validate"]):
        result = run(*command, tmp_path / "missing")
        assert result.exit_code == 1
        assert "missing" in result.output
        assert run(*command, tmp_path).exit_code == 1
        assert run(*command[:1]).exit_code == 2


def test_validate(tmp_path: Path) -> None:
    """Every problem with its place; exit code 1 where there is an error, else 0."""
    good = write(tmp_path / "good.json", group())
    result = run("validate", good)
    assert (result.exit_code, f"{good}: valid" in result.output) == (0, True)
    bad = write(tmp_path / "bad[1].json", group(type="nonsense", unknown=1))
    result = run("validate", good, bad)
    assert result.exit_code == 1
    assert f"{bad}: not valid" in result.output
    assert "Group.type" in result.output
    assert "Group.unknown" in result.output
    assert "2 files, 2 resources, 2 errors, " in result.output
    broken = write(tmp_path / "broken.json", "{")
    assert run("validate", broken).exit_code == 1
    for content in ("{}", "[]", '{"resourceType":5}', ""):
        assert run("validate", write(tmp_path / "x.json", content)).exit_code == 1


@pytest.mark.parametrize("workers", ["1", "2"])
def test_serve_prints_its_address_answers_and_stops(workers: str, database: str) -> None:
    """On a free port; SIGTERM ends it well, with what was written in the store."""
    with served("--store", database, "--workers", workers) as (process, base):
        wait_for(base)
        assert httpx.put(f"{base}/Group/a", json=group(id="a")).status_code == 201
        assert httpx.get(f"{base}/Group/a").json()["id"] == "a"
        assert httpx.head(f"{base}/Group/a").content == b""
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM)
    file = Path(database.removeprefix("sqlite:///"))
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT count(*) FROM version").fetchone() == (1,)
    connection.close()


def test_serve_says_why_it_cannot(tmp_path: Path, database: str) -> None:
    """A port that is taken and a file that is no store end it, with exit code other than 0 and a reason."""
    command = [sys.executable, "-m", "service.cli", "serve", "--store"]
    with served("--store", database) as (_, base):
        port = base.rpartition(":")[2].partition("/")[0]
        done = subprocess.run(
            [*command, database, "--port", port], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 1
        assert "in use" in done.stderr
    text = write(tmp_path / "text.db", "this is no database " * 100)
    for workers in ("1", "2"):
        flags = ["--port", "0", "--workers", workers]
        done = subprocess.run(
            [*command, f"sqlite:///{text}", *flags], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 1
        assert "text.db cannot be opened" in done.stderr
        assert "Traceback" not in done.stderr
        assert "ready at" not in done.stdout


def test_memory_has_one_worker() -> None:
    """Two processes do not share memory: two workers would be two registries."""
    for store in ("sqlite://", "sqlite:///"):
        result = run("serve", "--store", store, "--workers", "2")
        assert result.exit_code == 2
        assert "--workers" in result.output


def test_settings_reach_the_server(database: str) -> None:
    """Flags and variables of the environment reach every worker."""
    with served("--store", database, "--workers", "2", TRIAL_REGISTRY_HANDLING="lenient") as (_, base):
        assert httpx.get(f"{base}/Group?nonsense=1", timeout=60).status_code == 200


def test_the_command_is_installed() -> None:
    """The distribution has the command under its name."""
    command = shutil.which("trial-registry", path=str(Path(sys.executable).parent))
    assert command is not None
    done = subprocess.run([command, "version"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == version("trial-registry")


def test_kill_9_loses_nothing_that_was_acknowledged(database: str) -> None:
    """An acknowledged write is on the disk: after SIGKILL, without warning, a new server serves all of them."""
    acknowledged: dict[str, str] = {}
    for round_ in range(2):
        with served("--store", database) as (process, base), httpx.Client() as client:
            for number in range(30):
                id_ = f"r{round_}-{number}"
                response = client.put(f"{base}/Group/{id_}", json=group(id=id_, name=str(number)))
                assert response.status_code == 201
                acknowledged[id_] = response.text
            process.kill()
            assert process.wait(60) == -signal.SIGKILL
    with served("--store", database) as (_, base), httpx.Client() as client:
        for id_, text in acknowledged.items():
            assert client.get(f"{base}/Group/{id_}").text == text
        assert client.get(f"{base}/_history?_count=0").json()["total"] == len(acknowledged)


def test_export_and_import(tmp_path: Path, database: str) -> None:
    """A registry comes back from its export with the same versions; a folder takes one export."""
    other = f"sqlite:///{tmp_path / 'other.db'}"
    run("load", write(tmp_path / "g.json", bundle(group(id="a"), group(id="b"))), "--store", database)
    exported = run("export", tmp_path / "out", "--store", database, "--gzip")
    assert exported.exit_code == 0, exported.stderr
    assert exported.stdout.startswith("2 resources in 1 files, as of ")
    assert "complete export" in run("export", tmp_path / "out", "--store", database, "--gzip").stderr
    restored = run("import", tmp_path / "out", "--store", other)
    assert restored.exit_code == 0, restored.stderr
    assert "2 restored" in restored.stdout
    assert "2 unchanged" in run("import", tmp_path / "out", "--store", other, "--as-new").stdout


def test_import_of_refused_lines(tmp_path: Path, database: str) -> None:
    """What is refused is printed with its place, or written as OperationOutcomes, and the exit code is 1."""
    file = tmp_path / "g.ndjson"
    file.write_text("\n".join(map(json.dumps, (group(id="a"), group(id="b", quantity=-1)))))
    printed = run("import", file, "--store", database)
    assert printed.exit_code == 1
    assert "1 created" in printed.stdout
    assert f"{file}:2:" in printed.stderr
    assert "Group.quantity" in printed.stderr
    run("import", file, "--store", database, "--outcomes", tmp_path / "outcomes.ndjson")
    [line] = (tmp_path / "outcomes.ndjson").read_text().splitlines()
    assert json.loads(line)["issue"][0]["expression"] == ["Group.quantity"]
    assert run("import", tmp_path / "nothing", "--store", database).exit_code == 1
    assert run("export", tmp_path / "out", "--store", database, "--type", "Nothing").exit_code == 1
