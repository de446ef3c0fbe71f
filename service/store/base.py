"""The store protocol: a log with a number.

Every commit takes the next number of one sequence, ``seq``. A version of a resource is kept for ever, with the seq that
wrote it and the seq that superseded it; at a seq S it is visible where ``seq <= S and (until is None or until > S)``.
So every read is a function of S, and paging, history, export, feeds and time travel need no machinery of their own.

Stores know versions and index rows; they never learn FHIR. The contract of this module is ``tests/contract``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, Literal, Protocol

import msgspec

from service.errors import Conflict, PreconditionFailed, Unavailable
from service.fhir.json import Body
from service.search.query import Query
from service.search.rows import Row

Method = Literal["POST", "PUT", "PATCH", "DELETE"]
Effect = Literal["created", "updated", "unchanged", "deleted"]

SEQ_BITS: Final = 20
"""A version's position is its seq and its place in the commit in one integer: ``seq << SEQ_BITS | place``."""
MAX_CHANGES: Final = 1 << SEQ_BITS
"""Changes that one commit can carry."""
MAX_RESOURCE_SIZE: Final = 15 * 1024 * 1024
"""Bytes of one resource at the most, where a setting does not say less: what fits MongoDB's 16 MiB documents."""


@lru_cache(maxsize=64)  # the versions of a commit have the same
def instant_text(milliseconds: int) -> str:
    """Return a FHIR instant in UTC for milliseconds since the epoch."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


class Version(msgspec.Struct, frozen=True, gc=False):
    """One version of one resource; ``json`` is None where the version is a deletion.

    ``position`` orders all versions of the registry as they were committed; ``instant`` is in milliseconds since the
    epoch and never goes back from one commit to the next.
    """

    type: str
    id: str
    version: int
    position: int
    method: Method
    instant: int
    json: bytes | None

    @property
    def seq(self) -> int:
        """The number of the commit that wrote this version."""
        return self.position >> SEQ_BITS

    @property
    def last_updated(self) -> str:
        """The instant as FHIR writes it."""
        return instant_text(self.instant)


@dataclass(frozen=True, slots=True)
class Change:
    """A resource's next content with its index rows, or its deletion (``body`` None).

    The store gives it the next version number. A body whose digest is that of the current version, and the deletion of
    what is not there, change nothing.
    """

    type: str
    id: str
    method: Method
    body: Body | None
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of a change: the version that is now current (None where a deletion found nothing)."""

    version: Version | None
    effect: Effect


def other_schema(name: str, found: object, known: int) -> Unavailable:
    """Return the refusal to open a registry whose tables another version of this software has made."""
    return Unavailable(
        f"{name} has schema {found}; this version of trial-registry reads {known}. Export it with the version that made"
        " it (trial-registry export), and import that into a new one."
    )


@dataclass(frozen=True, slots=True)
class VersionIs:
    """Guard: the current version has this number; None: there is no current version, or it is a deletion."""

    type: str
    id: str
    version: int | None


@dataclass(frozen=True, slots=True)
class Matches:
    """Guard: exactly these resources (``type/id``) match the query; none where empty."""

    query: Query
    expected: frozenset[str] = frozenset()


Guard = VersionIs | Matches


@dataclass(frozen=True, slots=True)
class Restored:
    """A version as another registry has it: its content and rows, its number, and its instant in milliseconds."""

    change: Change
    version: int
    instant: int

    @property
    def name(self) -> str:
        """The version's own URL, relative to the base."""
        return f"{self.change.type}/{self.change.id}/_history/{self.version}"


class GuardFailed(PreconditionFailed):
    """A guard did not hold when the commit came to be written; nothing was."""

    def __init__(self, guard: Guard):
        super().__init__("The registry has changed since this request was prepared.")
        self.guard = guard


class NotRestorable(Conflict):
    """A version of another registry cannot be what it was there, as this registry has other versions already."""

    @classmethod
    def other_content(cls, restored: Restored) -> NotRestorable:
        """Return the error for a version whose number is taken."""
        return cls(f"{restored.name} is here already, with other content or of another instant.")

    @classmethod
    def superseded(cls, restored: Restored, current: int) -> NotRestorable:
        """Return the error for a version that comes too late: the resource is at version ``current``."""
        return cls(f"{restored.name} is not here, but version {current} is, which came after it.")

    @classmethod
    def before_head(cls, restored: Restored, head: int) -> NotRestorable:
        """Return the error for a version that comes too late: the newest commit has the instant ``head``."""
        return cls(
            f"{restored.name} was written on {instant_text(restored.instant)}, before the newest commit of this"
            f" registry ({instant_text(head)})."
        )


@dataclass(frozen=True, slots=True)
class Head:
    """The newest commit: its number and its instant in milliseconds since the epoch; both 0 in an empty registry."""

    seq: int
    instant: int


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Versions of one resource, of one type, or of all, newest first.

    ``since`` and ``before`` bound the version's instant to [since, before); ``current_from`` leaves out versions that
    had been superseded before that instant. All in milliseconds since the epoch.
    """

    type: str | None = None
    id: str | None = None
    since: int | None = None
    before: int | None = None
    current_from: int | None = None


class Store(Protocol):
    """What the registry asks of a database. ``at`` is a seq; None is the head at the time of the call.

    Every method raises :class:`service.errors.Unavailable` where the database does not answer.
    """

    @property
    def secret(self) -> bytes:
        """Thirty-two random bytes, made with the store and the same for every process that opens it."""
        ...

    async def head(self) -> Head:
        """Return the newest commit."""
        ...

    async def commit(self, changes: Sequence[Change], guards: Sequence[Guard] = ()) -> list[Committed]:
        """Write all changes, or none, as one commit; durable when it returns.

        Guards are evaluated in the writer, against everything committed before; no resource may occur twice. Raises
        :class:`GuardFailed`, and :class:`service.errors.TooLarge` for more than :data:`MAX_CHANGES` changes.
        """
        ...

    async def restore(self, versions: Sequence[Restored]) -> int:
        """Write versions with the numbers and instants that they have, or none of them; return how many are new.

        They come in the order of their instants; those of one instant share a seq, so that the log is read as it was
        written elsewhere. What is there already with the same content is left as it is. Numbers of a resource may have
        gaps. Raises :class:`NotRestorable` for an instant before the head's, for a number that is not above those
        which the resource has, and where the version of this number has other content.
        """
        ...

    async def add_rows(self, rows: Sequence[tuple[int, Sequence[Row]]]) -> None:
        """Add index rows to versions already written, which are named by their positions.

        For a search parameter that came after its resources. It is no commit and takes no seq; rows that are there
        already, and positions that no version has, change nothing. It is done in steps, between which others write, so
        what it was to add is complete when it returns; after an error it is to be called again.
        """
        ...

    async def remove_rows(self, keys: Sequence[str]) -> None:
        """Remove all index rows under these keys, in steps as :meth:`add_rows`: the parameter is retired."""
        ...

    async def read(self, type_: str, id_: str, at: int | None = None) -> Version | None:
        """Return the version visible at a seq (it may be a deletion), or None."""
        ...

    async def read_version(self, type_: str, id_: str, version: int) -> Version | None:
        """Return one version, or None."""
        ...

    async def read_many(self, keys: Sequence[tuple[str, str]], at: int | None = None) -> dict[tuple[str, str], Version]:
        """Return the visible versions of these (type, id), without those that are not there; deletions are included."""
        ...

    async def search(
        self, query: Query, at: int | None = None, *, after: int | None = None, limit: int
    ) -> list[Version]:
        """Return up to ``limit`` matches in the order of the query, those after the match at this position.

        ``after`` is the position of a version that the same query, at the same seq, has returned. Ties of the order
        are broken by position, the earlier first.
        """
        ...

    async def count(self, query: Query, at: int | None = None, *, limit: int | None = None) -> int:
        """Return the number of matches; counting ends at ``limit``."""
        ...

    async def history(
        self, query: HistoryQuery, at: int | None = None, *, before: int | None = None, limit: int
    ) -> list[Version]:
        """Return up to ``limit`` versions, newest first, from before a position on."""
        ...

    async def history_count(self, query: HistoryQuery, at: int | None = None) -> int:
        """Return the number of versions."""
        ...

    def scan(self, types: Sequence[str] = (), *, since: int = 0, at: int | None = None) -> AsyncIterator[Version]:
        """Stream the current resources (of these types, or of all) written after the seq ``since``, by position."""
        ...

    def tail(self, after: int) -> AsyncIterator[Version]:
        """Stream every version after a seq, in the order of the log, up to the head at the time of the call."""
        ...

    async def health(self) -> None:
        """Return if the store can be read and written; raise otherwise."""
        ...

    async def close(self) -> None:
        """Let go of everything; commits under way are finished first."""
        ...
