"""Resources per second of export and import, without HTTP.

    python -m bench.bulk 2000 [--outcomes 4 --analyses 3]

A registry (``bench/generate.py``) is written as NDJSON, imported (checked, indexed, committed), exported, restored and
exported with its history. The seeds, which claim the profiles of the registry, are imported as well, so often that they
are half as many. Times are of the processor (of all threads) and of the clock; the last is of a machine that may be
busy with other work. What resources are checked and indexed by is compiled when the first of a type comes, which takes
a fifth of a second and is part of an import's time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.generate import Json, add_size, copies, resources
from service.bulk.job import ExportRequest
from service.bulk.report import Report
from service.bulking import Sources, export_to
from service.compose import open_engine
from service.settings import Settings


def write_lines(path: Path, found: Iterable[Json]) -> int:
    """Write NDJSON and return the number of its lines."""
    written = 0
    with path.open("w") as stream:
        for each in found:
            stream.write(json.dumps(each) + "\n")
            written += 1
    print(f"{path.stem}: {written:,} resources, {path.stat().st_size / written:,.0f} bytes each")
    return written


@contextmanager
def timed(name: str, number: int) -> Iterator[None]:
    """Print how many a second were done."""
    clock, processor = time.perf_counter(), time.process_time()
    yield
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    print(f"{name:<28}{number / processor:>14,.0f}{number / clock:>14,.0f}", flush=True)


async def read(store: str, path: Path, number: int, *names: str) -> None:
    """Import a file or an export, once for each name."""
    async with open_engine(Settings(store=store)) as engine:
        for name in names:
            report = Report()
            with timed(name, number):
                await Sources([str(path)], ordinary=False).read_into(engine, report)
            if report.refused:
                raise SystemExit(f"{report.refused} lines were refused.")


async def write(store: str, folder: Path, number: int) -> None:
    """Export in several ways."""
    async with open_engine(Settings(store=store)) as engine:
        for name, request in (
            ("export", ExportRequest()),
            ("export, packed", ExportRequest(gzip=True)),
            ("export of the history", ExportRequest(history=True)),
        ):
            with timed(name, number):
                await export_to(engine, folder / name, request, lambda _: None)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_size(parser)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, seeds = folder / "generated.ndjson", folder / "seeds.ndjson"
        made = resources(options.studies, options.seed, options.outcomes, options.analyses)
        number = write_lines(source, made)
        seeded = write_lines(seeds, copies(max(1, number // (2 * len(list(copies(1)))))))
        first, second, third = (f"sqlite:///{folder}/{name}.db" for name in ("first", "second", "third"))
        print(f"\n{'per second of':<28}{'processor':>14}{'clock':>14}")
        asyncio.run(read(first, source, number, "import", "import again"))
        asyncio.run(read(third, seeds, seeded, "import of the seeds"))
        asyncio.run(write(first, folder, number))
        asyncio.run(read(second, folder / "export", number, "restore", "restore again"))


if __name__ == "__main__":
    main()
