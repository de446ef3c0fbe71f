"""The embedded store, on SQLite."""

from service.store.sqlite.store import SqliteStore, open_store

__all__ = ["SqliteStore", "open_store"]
