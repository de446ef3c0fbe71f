"""Kill -9 in the middle of writing: nothing acknowledged is lost, and no commit is there by half."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import anyio
import pytest

from service.search.query import Prefix, Query
from service.store.base import Store, Version
from tests.contract.making import listed, put, value_of, write
from tests.support.stores import Place

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
ROUNDS = 3
ACKNOWLEDGED = 40
"""Commits after which, a little later, a process is killed."""


def write_until_killed(place: Place, name: str, delay: float) -> set[int]:
    """Run a writer, kill it without warning, and return what it has said to be committed."""
    command = [sys.executable, "-m", "tests.contract.writer_process", place.kind, place.location, name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(ACKNOWLEDGED)]
        time.sleep(delay)
        os.kill(process.pid, signal.SIGKILL)
        lines += process.stdout.readlines()
    assert process.returncode == -signal.SIGKILL
    # The last line may have been cut off: what is not a line has not been said.
    return {int(line) for line in lines if line.endswith("\n")}


def check_log(log: list[Version], name: str, acknowledged: set[int]) -> None:
    """Fail where the log has a hole, half a commit, or not what was acknowledged."""
    commits: dict[int, list[Version]] = defaultdict(list)
    for version in log:
        commits[version.seq].append(version)
    assert list(commits) == list(range(1, len(commits) + 1))
    own = [versions for versions in commits.values() if versions[0].id.startswith(f"{name}-")]
    for versions in own:
        assert [version.position & 0xFFFFF for version in versions] == [0, 1, 2]
        number = value_of(versions[0])
        assert [value_of(version) for version in versions] == [number] * 3
        assert {version.id for version in versions} == {f"{name}-a", f"{name}-b", f"{name}-{number}"}
    assert acknowledged <= {value_of(versions[0]) for versions in own}
    instants = [version.instant for version in log]
    assert instants == sorted(instants)


async def check_current(store: Store, log: list[Version]) -> None:
    """Fail where what is current is not the newest version of each resource, or its rows are not those found."""
    newest = {(version.type, version.id): version for version in log}
    counted: dict[str, int] = defaultdict(int)
    for version in log:
        counted[version.id] += 1
        assert version.version == counted[version.id]
    current = await listed(store.scan())
    assert current == sorted(newest.values(), key=lambda version: version.position)
    found = await store.search(Query(("Group",), Prefix("name", "any")), limit=100_000)
    assert found == [version for version in current if version.id != "after"]


async def test_kill(lasting: Place) -> None:
    """After kill -9 in the middle of commits, several times over, the log is whole and goes on."""
    for number in range(ROUNDS):
        name = f"n{number}"
        acknowledged = await anyio.to_thread.run_sync(write_until_killed, lasting, name, 0.013 * number)
        assert len(acknowledged) >= ACKNOWLEDGED
        store = await lasting.open()
        log = await listed(store.tail(0))
        check_log(log, name, acknowledged)
        await check_current(store, log)
        [version] = await write(store, put("after", number))
        assert version.seq == log[-1].seq + 1
        await store.close()
