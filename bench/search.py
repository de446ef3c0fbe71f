"""Typical searches of a large registry on one worker: p50, p99 and requests per second.

    python -m bench.search 10000 [--store sqlite:///FILE] [--seconds 3] [--connections 8]

The registry (``bench/generate.py``) is written by the engine's own write path, unless the store holds it already: its
last study tells. The client is Python's; what it costs is in the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.generate import Json, add_size, study
from service.compose import open_engine
from service.interactions.transaction import transaction
from service.settings import Settings

ROOT: Final = Path(__file__).parent.parent
STUDIES_PER_COMMIT: Final = 100
SEARCHES: Final = {
    "by identifier": "ResearchStudy?identifier=NCT9{middle:07}",
    "by id": "ResearchStudy?_id=study-{middle:07}",
    "by condition": "ResearchStudy?condition=277571004",
    "condition and phase": "ResearchStudy?condition=277571004&phase=phase-3",
    "title begins": "ResearchStudy?title=Blinatumomab",
    "newest first": "ResearchStudy?_sort=-date",
    "dates, sorted": "Evidence?date=ge2015-01-01&date=lt2016-01-01&_sort=date",
    "last updated first": "Evidence?_sort=-_lastUpdated",
    "page of a status": "Evidence?status=active&_count=50",
    "several ids": "Evidence?_id={ids}",
    "words": "ResearchStudy?_content=blinatumomab,docetaxel&_content=leukemia",
}


async def load(store: str, studies: int, seed: int, outcomes: int, analyses: int) -> int:
    """Write the registry where it is not there yet; return how many resources were written."""
    written = 0
    async with open_engine(Settings(store=store)) as engine:
        if await engine.store.read("ResearchStudy", f"study-{studies - 1:07}") is not None:
            return 0
        for start in range(0, studies, STUDIES_PER_COMMIT):
            numbers = range(start, min(start + STUDIES_PER_COMMIT, studies))
            batch = [each for number in numbers for each in study(number, seed, outcomes, analyses)]
            await transaction(engine, _bundle(batch), "http://localhost/fhir")
            written += len(batch)
    return written


def _bundle(resources: list[Json]) -> bytes:
    entries = [
        {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
        for each in resources
    ]
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()


def measure(port: int, path: str, seconds: float, connections: int) -> tuple[float, float, float]:
    """Return p50 and p99 in milliseconds, one request after the other, and requests per second with several at once."""
    alone = _ask(port, path, seconds)
    results: list[list[float]] = []
    threads = [threading.Thread(target=lambda: results.append(_ask(port, path, seconds))) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cuts = statistics.quantiles(alone, n=100)
    return cuts[49] * 1000, cuts[98] * 1000, sum(map(len, results)) / seconds


def _ask(port: int, path: str, seconds: float) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 2 or time.perf_counter() < end:
        begin = time.perf_counter()
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        times.append(time.perf_counter() - begin)
        if response.status != http.HTTPStatus.OK:
            sys.exit(f"{path} was refused:\n{body.decode()[:1000]}")
    connection.close()
    return times


@contextmanager
def served(store: str) -> Iterator[int]:
    """Serve the store with one worker and yield the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-m", "service.cli", "serve", "--store", store, "--port", str(port)]
    with subprocess.Popen([*command, "--log-level", "warning"], cwd=ROOT, stdout=subprocess.DEVNULL) as server:
        try:
            for _ in range(200):
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    time.sleep(0.05)
            else:
                sys.exit("The server does not answer.")
            yield port
        finally:
            server.terminate()


def main() -> None:
    """Load, serve, measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_size(parser)
    parser.add_argument("--store", help="a store that is kept, instead of an SQLite file for this run")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--connections", type=int, default=8)
    options = parser.parse_args()
    middle = options.studies // 2
    ids = ",".join(f"study-{middle:07}-os-{arm}-0" for arm in range(2))
    with tempfile.TemporaryDirectory() as folder:
        store = options.store or f"sqlite:///{folder}/bench.db"
        begin = time.perf_counter()
        written = asyncio.run(load(store, options.studies, options.seed, options.outcomes, options.analyses))
        seconds = time.perf_counter() - begin
        print(f"{written:,} resources written in {seconds:,.0f} s ({written / seconds:,.0f} per second)")
        print(f"\n{'search':<24}{'p50 ms':>10}{'p99 ms':>10}{'per second':>12}")
        with served(store) as port:
            for name, form in SEARCHES.items():
                path = f"/fhir/{form.format(middle=middle, ids=ids)}"
                p50, p99, rate = measure(port, path, options.seconds, options.connections)
                print(f"{name:<24}{p50:>10.2f}{p99:>10.2f}{rate:>12,.0f}", flush=True)


if __name__ == "__main__":
    main()
