"""The exports of a server: begun by one request, written in the background, and gone after a while.

Everything about a job is in its folder, so any process of the server answers for any job. Whoever is asked about one
that nobody writes any more goes on with it: the lock of a process that died is free.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from service.bulk.export import begin, export
from service.bulk.job import STATE, ExportRequest, Job, State
from service.errors import Conflict, NotFound, RegistryError, Unavailable
from service.interactions.engine import Engine

log = logging.getLogger(__name__)
_GONE: Final = ".gone-"


class Jobs:
    """The jobs in a folder; ``keep`` is for how many seconds the files of one are there once it has ended."""

    def __init__(self, engine: Callable[[], Engine], folder: Path, keep: float) -> None:
        self._engine = engine
        self._folder = folder
        self._keep = keep
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self, engine: Engine, request: ExportRequest) -> str:
        """Begin an export and return its name; raises :class:`Invalid` for a request that is not understood."""
        await asyncio.to_thread(self._expire)
        name = str(uuid4())
        job = self._job(name)
        await asyncio.to_thread(job.folder.mkdir, parents=True)
        try:
            await begin(engine, job, request)
        except BaseException:  # cancelled as well: of an export that was not begun nothing stays
            await asyncio.to_thread(shutil.rmtree, job.folder)
            raise
        self._work(name)
        return name

    async def state(self, name: str) -> State:
        """Return how far a job is, and see to it that somebody works; raises :class:`NotFound`."""
        await asyncio.to_thread(self._expire)
        state = await asyncio.to_thread(self._job(name).load)
        if state.status == "running":
            self._work(name)
        return state

    async def expires(self, name: str) -> int:
        """Return when the files of a job that has ended will be gone, in milliseconds since the epoch."""
        found = await asyncio.to_thread((self._job(name).folder / STATE).stat)
        return int((found.st_mtime + self._keep) * 1000)

    async def file(self, name: str, file: str) -> Path:
        """Return where a file of a job lies; raises :class:`NotFound`."""
        state = await self.state(name)
        if state.status != "complete" or all(each.name != file for each in state.files):
            raise NotFound(f"The export {name} has no file {file}.")
        return self._job(name).folder / file

    async def remove(self, name: str) -> None:
        """End a job and remove its files; raises :class:`NotFound`."""
        job = self._job(name)
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await asyncio.to_thread(_remove, job.folder)

    def _job(self, name: str) -> Job:
        try:
            known = str(UUID(name)) == name
        except ValueError:
            known = False
        if not known:
            raise NotFound(f"There is no export {name}.")
        return Job(self._folder / name)

    def _work(self, name: str) -> None:
        if name not in self._tasks:
            task = self._tasks[name] = asyncio.create_task(self._run(name))
            task.add_done_callback(lambda _: self._tasks.pop(name, None))

    async def _run(self, name: str) -> None:
        job = self._job(name)
        try:
            with job.held():
                state = job.load()
                if state.status == "running":
                    await self._export(job, state)
        except (Conflict, NotFound, FileNotFoundError):
            return  # another process writes it, or has removed it
        except Unavailable as problem:
            log.warning("The export %s waits until it is asked for again: %s", name, problem)

    async def _export(self, job: Job, state: State) -> None:
        try:
            await export(self._engine().at(state.request.base), job, state)
        except (FileNotFoundError, Unavailable):
            raise
        except (OSError, RegistryError) as problem:
            state.status, state.problem = "failed", str(problem)
            await asyncio.to_thread(job.save, state)

    def _expire(self) -> None:
        if not self._folder.is_dir():
            return
        for folder in self._folder.iterdir():
            with suppress(OSError, RegistryError):
                if time.time() - (folder / STATE).stat().st_mtime > self._keep:
                    with Job(folder).held():  # and not where it is still being written
                        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder: its name first, so that nobody finds half of it, or goes on writing."""
    gone = folder.with_name(f"{_GONE}{folder.name}")
    try:
        folder.rename(gone)
    except FileNotFoundError:
        raise NotFound(f"There is no export {folder.name}.") from None
    shutil.rmtree(gone, ignore_errors=True)
