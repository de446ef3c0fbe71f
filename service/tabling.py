"""What the commands ``table`` and ``import-table`` do."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from service.errors import Invalid
from service.files import LOCAL_BASE
from service.interactions.engine import Engine
from service.operations.call import Call
from service.operations.registry import Operation, operations
from service.operations.table import EVIDENCE
from service.operations.table_formats import Streamed
from service.operations.table_import import Imported, import_results

STANDARD: Final = Path("-")
"""The standard output, or the standard input."""
_FORMATS: Final = ("csv", "ndjson", "parquet")


async def write_table(engine: Engine, studies: Sequence[str], path: Path) -> None:
    """Write the results of these studies, or of all, in the format that the ending of the file says.

    Raises :class:`Invalid` for another ending and what the operation raises; then no file is made.
    """
    ending = path.suffix.removeprefix(".").lower() if path != STANDARD else "csv"
    if ending not in _FORMATS:
        raise Invalid(f"{path} ends in none of {', '.join(_FORMATS)}.", expression="--output")
    operation = _operation()
    inputs = operation.inputs(EVIDENCE, None)
    inputs.take_pairs([("study", ",".join(studies))] if studies else [])
    answer = await operation.others[ending](Call(engine, inputs, EVIDENCE, base=LOCAL_BASE))
    assert isinstance(answer, Streamed)  # noqa: S101  # a table always is
    with _output(path) as out:
        async for part in answer.body:
            out.write(part)


def _operation() -> Operation:
    return next(each for each in operations() if each.code == "table")


@contextmanager
def _output(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears when it is whole, or the standard output."""
    if path == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.flush()
        return
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as out:
            yield out
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


async def read_table(engine: Engine, path: Path, study: str | None) -> Imported:
    """Import a table from a file or the standard input; raises what :func:`import_results` does."""
    data = sys.stdin.buffer.read() if path == STANDARD else path.read_bytes()
    with engine.parameters.writing():
        return await import_results(engine, data, study)
