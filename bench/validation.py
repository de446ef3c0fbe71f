"""CPU time of validation as a write does it, and of the parts of a create, in one process without HTTP.

    python -m bench.validation [--seconds 1] [--store sqlite:///FILE] [--profile]

Times are the least CPU milliseconds of many repetitions, so that a busy machine shows as little as it can. "first" is
the first validation of that type in a new process, which compiles all that it needs. ``--profile`` prints where the
time of the study of nine kilobytes goes, or of another resource by its name.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import json
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

from service.compose import open_engine
from service.fhir.json import dumps, open_body, parse
from service.interactions.create import create
from service.interactions.engine import Engine
from service.interactions.prepare import parse_resource
from service.profiles.base import check
from service.settings import Settings
from service.store.base import Change

ROOT: Final = Path(__file__).parent.parent
SEEDS: Final = ROOT / "seed_bundles"
STUDY_BYTES: Final = 9_000
AT_ONCE: Final = 5
"""Repetitions between two looks at the clock of the process."""

Json = dict[str, Any]


def resources() -> dict[str, Json]:
    """Return what is validated, by a name: resources of the seeds, each the largest of its kind."""
    by_type: dict[str, list[Json]] = {}
    for each in _seeds():
        by_type.setdefault(each["resourceType"], []).append(each)
    evidence = by_type["Evidence"]
    return {
        "study": _long_study(by_type["ResearchStudy"]),
        "group": max(by_type["Group"], key=_size),
        "evidence-1": max((each for each in evidence if len(each["statistic"]) == 1), key=_size),
        "evidence-5": max((each for each in evidence if len(each["statistic"]) == 5), key=_size),
        "report": max(by_type["EvidenceReport"], key=_size),
        "article": max((each for each in by_type["Citation"] if "meta" in each), key=_size),
    }


def _seeds() -> Iterator[Json]:
    for path in sorted(SEEDS.glob("*.json")):
        bundle = parse(path.read_bytes()).data
        yield from (entry["resource"] for entry in bundle["entry"])


def _size(resource: Json) -> int:
    return len(dumps(resource))


def _long_study(studies: list[Json]) -> Json:
    """The longest study, with arms and outcome measures of the others until it has nine kilobytes."""
    found, *others = sorted(studies, key=_size, reverse=True)
    names = ("outcomeMeasure", "comparisonGroup")
    more = [(name, each) for name in names for other in others for each in other.get(name, ())]
    for name, each in more:
        if _size(found) >= STUDY_BYTES:
            break
        found = {**found, name: [*found.get(name, ()), each]}
    return found


def least(work: Callable[[], object], seconds: float) -> float:
    """Return the least CPU milliseconds that one repetition took."""
    found = float("inf")
    gc.collect()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        started = time.process_time()
        for _ in range(AT_ONCE):
            work()
        found = min(found, time.process_time() - started)
    return found / AT_ONCE * 1000


async def least_awaited(work: Callable[[], Awaitable[object]], seconds: float) -> float:
    """The same for what is awaited, several at once; the store's own threads count as well."""
    found = float("inf")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        started = time.process_time()
        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        found = min(found, time.process_time() - started)
    return found / AT_ONCE * 1000


def _first(name: str) -> float:
    """The milliseconds of the first validation in a new process."""
    script = (
        "import asyncio, time; from bench.validation import resources, in_memory\n"
        f"resource = resources()[{name!r}]\n"
        "async def main():\n"
        "    async with in_memory() as engine:\n"
        "        started = time.process_time(); engine.policy.check(resource); print(time.process_time() - started)\n"
        "asyncio.run(main())"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=ROOT)
    return float(done.stdout) * 1000


def in_memory() -> Any:  # noqa: ANN401  # an asynchronous context manager of an engine
    """Open an engine over a store in memory."""
    return open_engine(Settings(store="sqlite://"))


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--store", help="another store for the creates than an SQLite file of its own")
    parser.add_argument("--profile", nargs="?", const="study", choices=list(resources()))
    options = parser.parse_args()
    async with in_memory() as engine:
        if options.profile:
            _profile(engine, resources()[options.profile])
            return
        _validations(engine, options.seconds)
    with tempfile.TemporaryDirectory() as folder:
        async with open_engine(Settings(store=options.store or f"sqlite:///{folder}/bench.db")) as engine:
            await _creates(engine, options.seconds)


def _profile(engine: Engine, resource: Json) -> None:
    for _ in range(AT_ONCE):
        engine.policy.check(resource)
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(100):
        engine.policy.check(resource)
    profile.disable()
    pstats.Stats(profile).sort_stats("tottime").print_stats(40)


def _validations(engine: Engine, seconds: float) -> None:
    print(f"{'validation':<14}{'bytes':>8}{'base':>9}{'whole':>9}{'first':>9}  CPU ms")
    for name, resource in resources().items():
        problems = [each for each in engine.policy.check(resource).issues if each.severity == "error"]
        if problems:
            sys.exit(f"{name}: {problems[0]}")
        base = least(lambda each=resource: check(each), seconds)  # type: ignore[misc]
        whole = least(lambda each=resource: engine.policy.check(each), seconds)  # type: ignore[misc]
        print(f"{name:<14}{_size(resource):>8,}{base:>9.3f}{whole:>9.3f}{_first(name):>9.0f}")


async def _creates(engine: Engine, seconds: float) -> None:
    """The study that ``bench.rest`` creates, and the Evidence with five statistics, part by part."""
    bundle = json.loads((SEEDS / "nct02187354.json").read_bytes())
    study = next(entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "ResearchStudy")
    bodies = [dumps(study), dumps(resources()["evidence-5"])]
    parts = ("parse", "check", "body", "rows", "commit", "all")
    print(f"\n{'create':<14}{'bytes':>8}{'rows':>6}" + "".join(f"{part:>9}" for part in parts) + "  CPU ms")
    for body in bodies:
        document = parse(body)
        type_ = document.data["resourceType"]
        rows = engine.rows(document.data)
        number = iter(range(10**9))

        def change() -> Change:
            id_ = f"{type_.lower()}-{next(number)}"  # noqa: B023  # called before the loop goes on
            return Change(type_, id_, "POST", open_body(document, id_), rows)  # noqa: B023

        # A commit needs a body of its own, which is measured before and taken off.
        opened = least(change, seconds)
        times = [
            least(lambda: parse_resource(engine, body, type_), seconds),  # noqa: B023
            least(lambda: engine.policy.check(document.data), seconds),  # noqa: B023
            opened,
            least(lambda: engine.rows(document.data), seconds),  # noqa: B023
            await least_awaited(lambda: engine.commit([change()], ()), seconds) - opened,
            await least_awaited(lambda: create(engine, type_, body), seconds),  # noqa: B023
        ]
        print(f"{type_:<14}{len(body):>8,}{len(rows):>6}" + "".join(f"{each:>9.3f}" for each in times))


if __name__ == "__main__":
    asyncio.run(main())
