"""What was written of a resource type since one looked last: how a process keeps up with the log."""

from __future__ import annotations

from typing import Final

from service.store.base import HistoryQuery, Store, Version

PAGE: Final = 100


async def newest_since(store: Store, type_: str, position: int) -> dict[str, Version]:
    """Return the newest version of every resource of a type that was written after a position, by id.

    A negative position is before all.
    """
    newest: dict[str, Version] = {}
    before: int | None = None
    while True:
        limit = PAGE if position < 0 or before is not None else 1  # mostly nothing is new
        page = await store.history(HistoryQuery(type=type_), before=before, limit=limit)
        for version in page:
            if version.position <= position:
                return newest
            newest.setdefault(version.id, version)
            before = version.position
        if not page:
            return newest
