"""The folder of an export: what was asked, how far it is, and its files.

The state is one file that is replaced as a whole, after the data that it speaks of has reached the disk. So a process
that is killed leaves a folder that another one continues: what stands in a file beyond its recorded length is cut off.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import msgspec

from service.errors import Conflict, Invalid, NotFound

Kind = Literal["output", "deleted", "history"]
Status = Literal["running", "complete", "failed"]

STATE: Final = "job.json"
MANIFEST: Final = "manifest.json"
_LOCK: Final = "lock"


class ExportRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is to be exported; instants are milliseconds since the epoch, [since, until).

    ``filters`` are searches (``Type?criteria``), of which a resource of their type meets at least one; ``elements`` are
    names of top-level elements, with or without their type in front; ``url`` is the request as a client made it,
    ``base`` the FHIR base URL that it was made to.
    """

    types: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    elements: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    history: bool = False
    gzip: bool = False
    url: str = "$export"
    base: str = ""


class File(msgspec.Struct):
    """A file: its resources, its bytes on the disk, and the bytes of its text."""

    kind: Kind
    type: str
    name: str
    count: int = 0
    bytes: int = 0
    text: int = 0


class Part(msgspec.Struct):
    """What is exported in one go: the position up to which it is written (deletions: down to which).

    ``count`` is how many resources, versions or deletions that are.
    """

    kind: Kind
    type: str
    position: int = 0
    count: int = 0
    done: bool = False


class State(msgspec.Struct):
    """How far an export is: of the snapshot at ``seq``, whose instant is in milliseconds since the epoch.

    ``registry`` is a mark of the store, as a seq means nothing elsewhere; ``problem`` is why it has failed.
    """

    request: ExportRequest
    registry: str
    seq: int
    instant: int
    total: int
    parts: list[Part]
    files: list[File] = []
    status: Status = "running"
    problem: str = ""

    @property
    def written(self) -> int:
        """Resources or versions that are in the files."""
        return sum(part.count for part in self.parts if part.kind != "deleted")


class Job:
    """An export's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def exists(self) -> bool:
        """Whether there is an export in the folder."""
        return (self.folder / STATE).is_file()

    def load(self) -> State:
        """Return the state; raises :class:`NotFound`, or :class:`Invalid` where the file is something else."""
        try:
            return msgspec.json.decode((self.folder / STATE).read_bytes(), type=State)
        except FileNotFoundError:
            raise NotFound(f"There is no export in {self.folder}.") from None
        except msgspec.MsgspecError as problem:
            raise Invalid(f"{self.folder / STATE} is not the state of an export: {problem}.") from None

    def save(self, state: State) -> None:
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
                raise Conflict(f"Another process is writing the export in {self.folder}.", code="lock-error") from None
            yield
