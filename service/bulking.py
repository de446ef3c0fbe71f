"""What the commands ``export`` and ``import`` do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from service.bulk.asking import instant_of
from service.bulk.export import begin, export
from service.bulk.job import ExportRequest, Job, State
from service.bulk.ordinary import Import
from service.bulk.report import Report
from service.bulk.restoration import Export, find_export, restore
from service.bulk.source import STDIN, find_files, lines
from service.errors import Invalid, Issue
from service.files import LOCAL_BASE
from service.interactions.engine import Engine
from service.reporting import Write, json_lines, print_issue


def build_request(types: Sequence[str], since: str | None, *, history: bool, gzip: bool) -> ExportRequest:
    """Return the request of a command; raises :class:`Invalid` where ``since`` is no instant."""
    return ExportRequest(
        types=tuple(types),
        since=instant_of("since", since),
        history=history,
        gzip=gzip,
        base=LOCAL_BASE if history else "",
    )


async def export_to(engine: Engine, folder: Path, request: ExportRequest, progress: Callable[[State], None]) -> State:
    """Export into a folder, or go on with what was begun there; raises what :func:`begin` does."""
    job = Job(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with job.held():
        state = await begin(engine, job, request)
        await export(engine, job, state, progress)
    return state


@contextmanager
def told(outcomes: Path | None, err: Console) -> Iterator[Write]:
    """Where OperationOutcomes go: into a file, one a line, or to the console for people."""
    if outcomes is None:
        yield lambda outcome: _print(err, outcome)
        return
    with json_lines(outcomes) as write:
        yield write


def _print(err: Console, outcome: dict[str, Any]) -> None:
    source = outcome["extension"][0]["valueString"]
    for entry in outcome["issue"]:
        line, column = (each.get("valueInteger") for each in entry["extension"][-2:])
        issue = Issue(entry["severity"], entry["code"], entry["diagnostics"], tuple(entry.get("expression", ())))
        print_issue(err, issue, f"{source}:{line}:{column}")


class Sources:
    """What an import reads: one whole export, or files.

    ``ordinary`` takes an export as files as well: its resources then become new versions. Raises :class:`NotFound`, and
    :class:`Invalid` where an export is among other things.
    """

    def __init__(self, paths: Sequence[str], *, ordinary: bool) -> None:
        exports = [found for path in paths if path != STDIN and (found := find_export(path))]
        self._export: Final[Export | None] = exports[0] if exports and not ordinary else None
        if self._export and len(paths) > 1:
            raise Invalid(f"{self._export.folder} has a whole export, which is imported alone or as files.")
        self._files: Final = [] if self._export else find_files(paths)

    @property
    def size(self) -> int | None:
        """Bytes of all files; None where they cannot be known."""
        if self._export is not None:
            return self._export.size
        packed = any(name == STDIN or name.endswith(".gz") for name in self._files)
        return None if packed else sum(Path(name).stat().st_size for name in self._files)

    async def read_into(self, engine: Engine, report: Report) -> None:
        """Import everything."""
        if self._export is not None:
            await restore(engine, self._export, report)
            return
        await Import(engine, report, LOCAL_BASE).take(line for name in self._files for line in lines(name))
