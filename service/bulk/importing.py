"""The import of a request: fetched, imported file by file, and what became of it.

After every commit the state says up to which line each file is done, so a process that died is followed by one that
goes on there. What it had committed and not yet noted is taken once more, and found to be there already.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from service.bulk.fetch import Fetch, without_query
from service.bulk.folder import Folder, JobState
from service.bulk.ordinary import Import
from service.bulk.report import Report
from service.bulk.source import Line, Problem, lines
from service.errors import RegistryError
from service.fhir.json import dumps
from service.interactions.engine import Engine
from service.store.base import instant_text

UPLOAD: Final = "upload.ndjson"
"""The file of a request that comes with its resources."""
EXTENSION: Final = "https://trial-registry.example.org/fhir/bulk-import"
"""The member of ``extension`` in a manifest that has the counts of what became of the resources."""


class Input(msgspec.Struct):
    """A file of an import: where it comes from (empty: the body of the request), and what becomes of it.

    ``type`` is what all of its resources are, where the request says so; ``line`` is the last one that is done,
    ``counts`` those of :class:`Report`, ``told`` how many OperationOutcomes there are and ``bytes`` their size.
    """

    name: str
    url: str = ""
    type: str = ""
    fetched: bool = False
    line: int = 0
    counts: dict[str, int] = {}
    told: int = 0
    bytes: int = 0
    done: bool = False

    @property
    def outcomes(self) -> str:
        """The name of the file with the OperationOutcomes."""
        return f"outcomes-{self.name}"


class ImportState(JobState):
    """How far an import is: ``source`` is what resources get as ``meta.source`` that have none.

    ``url`` is the request as a client made it, ``base`` the FHIR base URL that it was made to; ``instant`` that of the
    registry once everything was written, in milliseconds since the epoch.
    """

    url: str
    base: str
    inputs: list[Input]
    source: str = ""
    instant: int = 0

    @property
    def progress(self) -> str:
        """How far it is, in a few words for people."""
        done = sum(sum(each.counts.values()) for each in self.inputs)
        files = sum(each.done for each in self.inputs)
        return f"{done} resources, {files} of {len(self.inputs)} files done"

    @property
    def names(self) -> list[str]:
        """The files that a client may fetch."""
        return [each.outcomes for each in self.inputs if each.told] if self.status == "complete" else []


class ImportJob(Folder[ImportState]):
    """An import's folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, ImportState, "import")


async def run(engine: Engine, job: Folder[ImportState], state: ImportState, fetch: Fetch) -> None:
    """Do what is left of an import.

    What cannot be fetched or read is told of in the outcomes. Raises :class:`Unavailable` where the store is gone.
    """
    for each in state.inputs:
        if not each.done:
            with _Outcomes(job, each) as outcomes:
                await _Taking(engine, job, state, each, outcomes).take(fetch)
    for each in state.inputs:
        await asyncio.to_thread((job.folder / each.name).unlink, missing_ok=True)
    state.instant = (await engine.store.head()).instant
    state.status = "complete"
    await asyncio.to_thread(job.save, state)


def manifest(state: ImportState, folder: str) -> bytes:
    """Return what became of an import; the files' URLs begin with ``folder``.

    The members are those of https://github.com/smart-on-fhir/bulk-import: an item for each file of the request.
    """
    output: list[dict[str, Any]] = []
    error: list[dict[str, Any]] = []
    for each in state.inputs:
        url, counts = each.url or state.url, each.counts
        taken = sum(number for name, number in counts.items() if name != "refused")
        output.append({"inputUrl": url, "count": taken, "extension": {EXTENSION: counts}})
        if each.told:
            file = f"{folder}{each.outcomes}"
            error.append({"type": "OperationOutcome", "inputUrl": url, "count": each.told, "url": file})
    content = {"transactionTime": instant_text(state.instant), "request": state.url, "requiresAccessToken": False}
    return dumps({**content, "output": output, "error": error}, pretty=True)


class _Outcomes:
    """The file of OperationOutcomes of an input, cut off where its recorded part ends."""

    def __init__(self, job: Folder[ImportState], input_: Input) -> None:
        self._path = job.folder / input_.outcomes
        self._input = input_
        self._stream: BinaryIO
        self.told, self._bytes = input_.told, input_.bytes

    def __enter__(self) -> _Outcomes:
        self._stream = self._path.open("r+b" if self._path.exists() else "w+b")
        self._stream.truncate(self._bytes)
        self._stream.seek(self._bytes)
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def tell(self, outcome: dict[str, Any]) -> None:
        """Write an OperationOutcome."""
        text = dumps(outcome) + b"\n"
        self._stream.write(text)
        self.told += 1
        self._bytes += len(text)

    def settle(self) -> None:
        """Bring everything to the disk, and note it."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._input.told, self._input.bytes = self.told, self._bytes


class _Taking:
    """One file being imported."""

    def __init__(
        self, engine: Engine, job: Folder[ImportState], state: ImportState, input_: Input, outcomes: _Outcomes
    ) -> None:
        self._engine, self._job, self._state = engine, job, state
        self._input, self._outcomes = input_, outcomes
        self._report = Report(outcomes.tell)
        self._report.resume(input_.counts)
        self._path = job.folder / input_.name
        self._name = without_query(input_.url) if input_.url else UPLOAD

    async def take(self, fetch: Fetch) -> None:
        """Fetch the file if it is elsewhere, and import what is not yet done of it."""
        if self._input.url and not self._input.fetched:
            try:
                await fetch.fetch(self._input.url, self._path)
            except RegistryError as problem:
                self._report.refuse(Problem(self._name, 0, problem.issues), problem.issues)
                await self._end()
                return
            self._input.fetched = True
            await self._settled(0)
        importing = Import(
            self._engine,
            self._report,
            self._state.base,
            type_=self._input.type,
            source=self._state.source,
            settled=self._settled,
        )
        await importing.take(self._left())
        await self._end()

    async def _end(self) -> None:
        self._input.done = True
        await self._settled(self._input.line)

    async def _settled(self, line: int) -> None:
        self._input.line = line
        self._input.counts = self._report.counts
        await asyncio.to_thread(self._outcomes.settle)
        await asyncio.to_thread(self._job.save, self._state)

    def _left(self) -> Iterator[Line | Problem]:
        """Yield what is not yet done of the file, under the name that the client knows."""
        done = self._input.line
        return (replace(line, source=self._name) for line in lines(str(self._path)) if line.number > done)
