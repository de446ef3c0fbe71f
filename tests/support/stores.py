"""Where a store of each kind keeps its data in a test, and how it is opened there, also from another process."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final, Literal

from service.store import mongo, sqlite
from service.store.base import MAX_RESOURCE_SIZE, Store

Kind = Literal["sqlite", "sqlite-memory", "mongo", "mongo-single-writer"]

LEASE_SECONDS: Final = 2.0
"""How long a test waits after it has killed a process that had MongoDB in single-writer mode."""


async def open_at(kind: str, location: str, *, max_resource_size: int = MAX_RESOURCE_SIZE) -> Store:
    """Open the store of a kind at a path or URL."""
    match kind:
        case "sqlite" | "sqlite-memory":
            return await sqlite.open_store(location, max_resource_size=max_resource_size)
        case "mongo":
            return await mongo.open_store(location, max_resource_size=max_resource_size)
        case "mongo-single-writer":
            return await mongo.open_store(
                location, transactions="off", lease_seconds=LEASE_SECONDS, max_resource_size=max_resource_size
            )
        case _:
            raise ValueError(f"there is no store {kind}")


@dataclass(frozen=True, slots=True)
class Place:
    """Data of one test; opened any number of times, each of which is closed with the stack."""

    kind: Kind
    location: str
    stack: AsyncExitStack

    async def open(self, *, max_resource_size: int = MAX_RESOURCE_SIZE) -> Store:
        """Open the store here."""
        store = await open_at(self.kind, self.location, max_resource_size=max_resource_size)
        self.stack.push_async_callback(store.close)
        return store
