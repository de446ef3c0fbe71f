"""An export: what was asked, and how far it is."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import msgspec

from service.bulk.folder import Folder, JobState

Kind = Literal["output", "deleted", "history", "organized"]

MANIFEST: Final = "manifest.json"


class ExportRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is to be exported; instants are milliseconds since the epoch, [since, until).

    ``filters`` are searches (``Type?criteria``), of which a resource of their type meets at least one; ``elements`` are
    names of top-level elements, with or without their type in front; ``url`` is the request as a client made it,
    ``base`` the FHIR base URL that it was made to. ``place`` is the type or instance that was asked (empty: the
    system), ``studies`` the ids of those that are wanted of it (empty: all); ``organized``: by study, not by type.
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
    place: str = ""
    studies: tuple[str, ...] = ()
    organized: bool = False

    @property
    def by_study(self) -> bool:
        """Whether it is about studies and what belongs to them."""
        return bool(self.place or self.studies or self.organized)


class File(msgspec.Struct):
    """A file: its resources, its bytes on the disk, and the bytes of its text."""

    kind: Kind
    type: str
    name: str
    count: int = 0
    bytes: int = 0
    text: int = 0


class Part(msgspec.Struct):
    """What is exported in one go: the position up to which it is written (deletions: down to which; or the studies).

    ``count`` is how many resources, versions or deletions that are.
    """

    kind: Kind
    type: str
    position: int = 0
    count: int = 0
    done: bool = False


class State(JobState):
    """How far an export is: of the snapshot at ``seq``, whose instant is in milliseconds since the epoch.

    ``registry`` is a mark of the store, as a seq means nothing elsewhere; ``studies`` are those that it is about, and
    ``total`` is their number, or that of resources.
    """

    request: ExportRequest
    registry: str
    seq: int
    instant: int
    total: int
    parts: list[Part]
    files: list[File] = msgspec.field(default_factory=list)
    studies: list[str] = msgspec.field(default_factory=list)

    @property
    def written(self) -> int:
        """Resources or versions that are in the files."""
        return sum(part.count for part in self.parts if part.kind != "deleted")

    @property
    def progress(self) -> str:
        """How far it is, in a few words for people."""
        if self.request.by_study:
            return f"{self.parts[0].position} of {self.total} studies, {self.written} resources"
        return f"{self.written} of {self.total} resources"

    @property
    def names(self) -> list[str]:
        """The files that a client may fetch."""
        return [file.name for file in self.files] if self.status == "complete" else []


class Job(Folder[State]):
    """An export's folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, State, "export")
