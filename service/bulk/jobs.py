"""The jobs of a server: begun by one request, done in the background, and gone after a while.

Everything about a job is in its folder, so any process of the server answers for any job. Whoever is asked about one
that nobody works at any more goes on with it: the lock of a process that died is free.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Generic
from uuid import UUID, uuid4

from service.bulk.folder import STATE, Folder, S
from service.errors import Conflict, NotFound, RegistryError, Unavailable

log = logging.getLogger(__name__)
_GONE: Final = ".gone-"

Work = Callable[[Folder[S], S], Awaitable[None]]
"""Does what is left to do of a job; the state says that it is complete when this returns."""


class Jobs(Generic[S]):
    """The jobs in a folder; ``keep`` is for how many seconds the files of one are there once it has ended.

    ``what`` names such a job to people, and ``open_`` makes one of its folder.
    """

    def __init__(self, what: str, open_: Callable[[Path], Folder[S]], work: Work[S], folder: Path, keep: float) -> None:
        self.what = what
        self._open = open_
        self._do = work
        self._folder = folder
        self._keep = keep
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self, begin: Callable[[Folder[S]], Awaitable[object]]) -> str:
        """Make a folder that ``begin`` writes the first state into, and return the job's name; raises what it does."""
        await asyncio.to_thread(self._expire)
        name = str(uuid4())
        job = self._job(name)
        await asyncio.to_thread(job.folder.mkdir, parents=True)
        try:
            with job.held():  # an expired folder is one that nobody holds
                await begin(job)
        except BaseException:  # cancelled as well: of a job that was not begun nothing stays
            await asyncio.to_thread(shutil.rmtree, job.folder)
            raise
        self._work(name)
        return name

    async def state(self, name: str) -> S:
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
        if file not in (await self.state(name)).names:
            raise NotFound(f"The {self.what} {name} has no file {file}.")
        return self._job(name).folder / file

    async def remove(self, name: str) -> None:
        """End a job and remove its files; raises :class:`NotFound`."""
        job = self._job(name)
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await asyncio.to_thread(_remove, job.folder)

    def _job(self, name: str) -> Folder[S]:
        try:
            known = str(UUID(name)) == name
        except ValueError:
            known = False
        if not known:
            raise NotFound(f"There is no {self.what} {name}.")
        return self._open(self._folder / name)

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
                    await self._finish(job, state)
        except (Conflict, NotFound, FileNotFoundError):
            return  # another process works at it, or has removed it
        except Unavailable as problem:
            log.warning("The %s %s waits until it is asked for again: %s", self.what, name, problem)

    async def _finish(self, job: Folder[S], state: S) -> None:
        try:
            await self._do(job, state)
        except (FileNotFoundError, Unavailable):
            raise
        except (OSError, RegistryError) as problem:
            await self._fail(job, state, str(problem))
        except Exception:
            log.exception("The %s in %s failed", self.what, job.folder)
            await self._fail(job, state, f"The {self.what} failed; the fault has been logged.")

    @staticmethod
    async def _fail(job: Folder[S], state: S, problem: str) -> None:
        state.status, state.problem = "failed", problem
        await asyncio.to_thread(job.save, state)

    def _expire(self) -> None:
        if not self._folder.is_dir():
            return
        for folder in self._folder.iterdir():
            with suppress(OSError, RegistryError):
                if time.time() - _touched(folder) > self._keep:
                    with self._open(folder).held():  # and not where somebody is at work
                        _remove(folder)


def _touched(folder: Path) -> float:
    """Return when a job has last come on, in seconds; one whose process died before it began has no state."""
    try:
        return (folder / STATE).stat().st_mtime
    except FileNotFoundError:
        return folder.stat().st_mtime


def _remove(folder: Path) -> None:
    """Remove a folder: its name first, so that nobody finds half of it, or goes on writing."""
    gone = folder.with_name(f"{_GONE}{folder.name}")
    try:
        folder.rename(gone)
    except FileNotFoundError:
        raise NotFound(f"There is no job {folder.name}.") from None
    shutil.rmtree(gone, ignore_errors=True)
