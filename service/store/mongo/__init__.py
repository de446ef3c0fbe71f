"""The store for production, on MongoDB."""

from service.store.mongo.store import MongoStore, open_store

__all__ = ["MongoStore", "open_store"]
