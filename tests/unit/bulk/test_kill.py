"""Kill -9 in the middle of an export or an import, and the same again: nothing lost, nothing twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from service.bulk.importing import UPLOAD, ImportJob, ImportState, Input
from service.bulk.job import Job

ROOT = Path(__file__).parents[3]
RESOURCES = 1500
SMALL_STEPS = """
import service.bulk.export as export, service.bulk.restoration as restoration, service.bulk.ordinary as ordinary
import time
export.PAGE, export.STEP_BYTES, export.BUNDLE_ENTRIES = 50, 1, 7
restoration.CHUNK = ordinary.CHUNK = 50
real = export._settle
def slowly(*arguments):
    real(*arguments)
    time.sleep(0.002)
export._settle = slowly
from service.cli import main
main()
"""
"""The command line, in steps so small that there are many places to be killed at."""

JOB = """
import asyncio, sys
from pathlib import Path
import service.bulk.ordinary as ordinary
from service.bulk.fetch import Fetch
from service.bulk.importing import ImportJob, run
from service.compose import open_engine
from service.settings import Settings
ordinary.CHUNK = 50
async def work():
    job = ImportJob(Path(sys.argv[1]))
    async with open_engine(Settings(store=sys.argv[2], validation="off")) as engine:
        with job.held():
            await run(engine, job, job.load(), Fetch((), 1))
asyncio.run(work())
"""
"""What a process of a server does for an import that somebody asks about."""


def start(*arguments: str | Path, code: str = SMALL_STEPS) -> subprocess.Popen[bytes]:
    """Begin a command."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run(*arguments: str | Path, code: str = SMALL_STEPS) -> str:
    """Run a command to its end."""
    with start(*arguments, code=code) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()
    return out.decode()


def kill(process: subprocess.Popen[bytes], when: Callable[[], bool]) -> None:
    """Kill a command without warning once something has happened; it must not have ended by itself."""
    deadline = time.monotonic() + 60
    with process:
        while not when():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.001)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NDJSON of many resources, some of them without an id."""
    file = tmp_path_factory.mktemp("source") / "groups.ndjson"
    group = {"resourceType": "Group", "type": "person", "membership": "definitional"}
    with file.open("w") as stream:
        for number in range(RESOURCES):
            id_ = {"id": f"g{number}"} if number % 3 else {}
            stream.write(json.dumps({**group, **id_, "name": f"Group {number}"}) + "\n")
    return file


def written(folder: Path) -> int:
    """Return how many resources of an export are settled."""
    return Job(folder).load().written if Job(folder).exists else 0


def texts(folder: Path) -> dict[str, bytes]:
    """Return what the files of an export say."""
    return {each.name: each.read_bytes() for each in folder.glob("*.ndjson")}


def size(database: Path) -> int:
    """Return the bytes of a database and its log."""
    return sum(each.stat().st_size for each in database.parent.glob(f"{database.name}*"))


@pytest.mark.parametrize("flag", [[], ["--history"]], ids=["current", "history"])
def test_export_and_restoration(source: Path, tmp_path: Path, flag: list[str]) -> None:
    """Both are killed several times over; at the end the files and the restored registry are whole."""
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    run("import", source, "--store", f"sqlite:///{first}", "--validation", "off")
    run("export", tmp_path / "whole", "--store", f"sqlite:///{first}", *flag)
    folder = tmp_path / "killed"
    for part in (0.2, 0.5, 0.8):
        command = start("export", folder, "--store", f"sqlite:///{first}", *flag)
        kill(command, lambda part=part: written(folder) > part * RESOURCES)  # type: ignore[misc]
        with next(folder.glob("*.ndjson")).open("ab") as stream:
            stream.write(b'{"half a li')  # what had not reached the disk may be there or not
    assert f"{RESOURCES} " in run("export", folder, "--store", f"sqlite:///{first}", *flag)
    assert texts(folder) == texts(tmp_path / "whole")
    for grown in (200_000, 700_000):
        command = start("import", folder, "--store", f"sqlite:///{second}")
        kill(command, lambda grown=grown: size(second) > grown)  # type: ignore[misc]
    run("import", folder, "--store", f"sqlite:///{second}")
    run("export", tmp_path / "again", "--store", f"sqlite:///{second}", *flag)
    assert texts(tmp_path / "again") == texts(folder)


def test_import(source: Path, tmp_path: Path) -> None:
    """An import that was killed is begun again and makes each resource once, also those without an id."""
    database = tmp_path / "registry.db"
    store = ("--store", f"sqlite:///{database}", "--validation", "off")
    for grown in (200_000, 800_000):
        kill(start("import", source, *store), lambda grown=grown: size(database) > grown)  # type: ignore[misc]
    run("import", source, *store)
    assert f"{RESOURCES} unchanged" in run("import", source, *store)
    assert f"{RESOURCES} versions" in run("export", tmp_path / "all", "--history", *store[:2])


def test_import_of_a_server(source: Path, tmp_path: Path) -> None:
    """An import over HTTP goes on in another process; its counts and OperationOutcomes are those of the whole file."""
    job, store = ImportJob(tmp_path / "job"), f"sqlite:///{tmp_path}/registry.db"
    job.folder.mkdir()
    lines = source.read_bytes().splitlines(keepends=True)
    wrong = [number for number in range(1, RESOURCES) if number % 100 == 0]
    for number in wrong:
        lines[number - 1] = b"{wrong\n"
    (job.folder / UPLOAD).write_bytes(b"".join(lines))
    job.save(ImportState(url="x", base="https://example.org/fhir", inputs=[Input(UPLOAD)]))
    for part in (0.2, 0.6):
        command = start(job.folder, store, code=JOB)
        kill(command, lambda part=part: job.load().inputs[0].line > part * RESOURCES)  # type: ignore[misc]
    run(job.folder, store, code=JOB)
    state = job.load()
    [file] = state.inputs
    assert state.status == "complete"
    # What was committed and not yet noted is unchanged when it is taken once more.
    assert file.counts["created"] + file.counts["unchanged"] == RESOURCES - len(wrong)
    told = [json.loads(line) for line in (job.folder / file.outcomes).read_text().splitlines()]
    assert [each["issue"][0]["extension"][-2]["valueInteger"] for each in told] == wrong
    assert file.told == file.counts["refused"] == len(wrong)
    assert f"{RESOURCES - len(wrong)} versions" in run("export", tmp_path / "all", "--history", "--store", store)
