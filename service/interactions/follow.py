"""What was written of a resource type since one looked last: how a process keeps up with the log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from service.store.base import HistoryQuery, Store, Version

INTERVAL: Final = 1.0
"""Seconds after which a process looks for what others have written."""
PAGE: Final = 100


class Follower:
    """Lets what follows the store look at it, one look at a time and no more often than is of use."""

    def __init__(self, follow: Callable[[], Awaitable[None]]) -> None:
        self._follow = follow
        self._due = 0.0
        self._looking = asyncio.Lock()

    async def refresh(self, *, now: bool = False) -> bool:
        """Look, at most once in :data:`INTERVAL` seconds unless it is to be ``now``; return whether it was time to."""
        if not now and time.monotonic() < self._due:
            return False
        async with self._looking:
            if now or time.monotonic() >= self._due:
                await self._follow()
                self._due = time.monotonic() + INTERVAL
        return True


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
