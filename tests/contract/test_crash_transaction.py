"""Kill -9 in the middle of a transaction of 2,000 entries: all of it is there, or nothing is.

https://hl7.org/fhir/R5/http.html#transaction. ``CRASH_ROUNDS`` says how often; a few times are enough for every day.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import anyio
import pytest

from service.fhir.json import loads
from tests.contract.making import listed
from tests.contract.transaction_process import ENTRIES
from tests.support.stores import Place

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "2"))


def send(place: Place, number: int, kill_after: float | None) -> tuple[bool, float]:
    """Send transaction NUMBER, and kill the sender so many seconds into its commit, unless that is None.

    Returns whether the commit was acknowledged, and how long it was under way.
    """
    command = [sys.executable, "-m", "tests.contract.transaction_process", place.kind, place.location, str(number)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "commit\n"
        begun = time.monotonic()
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(process.pid, signal.SIGKILL)
        acknowledged = process.stdout.readline() == "done\n"
        lasted = time.monotonic() - begun
    return acknowledged, lasted


async def stands(place: Place) -> set[int]:
    """Return which transactions are there, after a look at whether they are there as a whole."""
    store = await place.open()
    current = await listed(store.scan())
    log = await listed(store.tail(0))
    await store.close()
    own = Counter(int(version.id.partition("-")[0]) for version in current if not version.id.startswith("shared-"))
    assert set(own.values()) <= {ENTRIES // 2}
    shared = Counter(int(loads(version.json or b"")["name"]) for version in current if version.id.startswith("shared-"))
    assert shared == {max(own): ENTRIES // 2}
    commits = Counter(version.seq for version in log)
    assert commits == dict.fromkeys(range(1, len(own) + 1), ENTRIES)
    return set(own)


@pytest.mark.timeout(60 + 30 * ROUNDS)
async def test_all_or_nothing(lasting: Place) -> None:
    """Wherever in its commit the process dies, the transaction is there as a whole or not at all, and others go on."""
    acknowledged, duration = await anyio.to_thread.run_sync(send, lasting, 0, None)
    assert acknowledged
    there = {0}
    for number in range(1, ROUNDS + 1):
        after = duration * (number - 0.5) / ROUNDS
        acknowledged, _ = await anyio.to_thread.run_sync(send, lasting, number, after)
        found = await stands(lasting)
        assert found - {number} == there
        assert number in found or not acknowledged
        there = found
