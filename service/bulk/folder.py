"""The folder of a job: what was asked, how far it is, and its files.

The state is one file that is replaced as a whole, after the data that it speaks of has reached the disk. So a process
that is killed leaves a folder that another one continues: what stands in a file beyond its recorded length is cut off.
"""

from __future__ import annotations

import fcntl
import os
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Generic, Literal, TypeVar

import msgspec

from service.errors import Conflict, Invalid, NotFound

Status = Literal["running", "complete", "failed"]

STATE: Final = "job.json"
_LOCK: Final = "lock"


class JobState(msgspec.Struct, kw_only=True):
    """How far a job is; ``problem`` is why it has failed."""

    status: Status = "running"
    problem: str = ""

    @property
    @abstractmethod
    def progress(self) -> str:
        """How far it is, in a few words for people."""

    @property
    @abstractmethod
    def names(self) -> list[str]:
        """The files that a client may fetch."""


S = TypeVar("S", bound=JobState)


class Folder(Generic[S]):
    """The folder of a job whose state is of this kind; ``what`` names such a job to people."""

    def __init__(self, folder: Path, kind: type[S], what: str) -> None:
        self.folder = folder
        self._kind = kind
        self._what = what

    @property
    def exists(self) -> bool:
        """Whether there is a job in the folder."""
        return (self.folder / STATE).is_file()

    def load(self) -> S:
        """Return the state; raises :class:`NotFound`, or :class:`Invalid` where the file is something else."""
        try:
            return msgspec.json.decode((self.folder / STATE).read_bytes(), type=self._kind)
        except FileNotFoundError:
            raise NotFound(f"There is no {self._what} in {self.folder}.") from None
        except msgspec.MsgspecError as problem:
            raise Invalid(f"{self.folder / STATE} is not the state of an {self._what}: {problem}.") from None

    def save(self, state: S) -> None:
        """Replace the state; it is on the disk when this returns."""
        self.replace(STATE, msgspec.json.encode(state))

    def replace(self, name: str, content: bytes) -> None:
        """Write a file of the folder as a whole, or not at all."""
        temporary = self.folder / f".{name}"
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.rename(self.folder / name)
        self.sync()

    def sync(self) -> None:
        """Bring the names in the folder to the disk."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep every other process out; the system lets go of what a dead one held.

        Raises :class:`Conflict` where another process is at work.
        """
        with (self.folder / _LOCK).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(
                    f"Another process writes the {self._what} in {self.folder}.", code="lock-error"
                ) from None
            yield
