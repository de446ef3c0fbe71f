"""The driver: how a client is made, what its server can do, and what its errors become."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from bson.errors import BSONError
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError

from service.errors import Unavailable

Document = dict[str, Any]
Client = AsyncMongoClient[Document]
Collection = AsyncCollection[Document]
Database = AsyncDatabase[Document]

DEFAULT_DATABASE: Final = "trial_registry"
SELECTION_MILLISECONDS: Final = 10_000
"""How long a call waits for a server to be there, unless the URL says otherwise."""

_REPLICATED: Final = frozenset({"RSPrimary", "RSSecondary", "Mongos", "LoadBalancer"})


@contextmanager
def mapped() -> Iterator[None]:
    """Turn any error of the driver into :class:`Unavailable`, with the driver's own as its cause."""
    try:
        yield
    except (PyMongoError, BSONError) as problem:
        raise Unavailable(f"MongoDB does not answer as it should: {problem}") from problem


def connect(url: str, *, transactions: bool) -> Client:
    """Make a client; nothing is sent yet.

    What makes an acknowledged write last is set here and not left to the URL. Raises :class:`Unavailable` where the URL
    is none.
    """
    options: dict[str, Any] = {"w": "majority", "journal": True, "appname": "trial-registry"}
    if transactions:
        options["readConcernLevel"] = "majority"
    if "serverselectiontimeoutms" not in url.lower():
        options["serverSelectionTimeoutMS"] = SELECTION_MILLISECONDS
    try:
        return AsyncMongoClient(url, **options)
    except (PyMongoError, ValueError) as problem:
        raise Unavailable(f"The URL of MongoDB cannot be used: {problem}") from problem


def database_of(client: Client) -> Database:
    """Return the database that the URL names."""
    return client.get_default_database(DEFAULT_DATABASE)


async def has_transactions(client: Client) -> bool:
    """Tell whether the server is a replica set or a sharded cluster with sessions."""
    await client.admin.command("ping")
    return any(
        server.server_type_name in _REPLICATED and server.logical_session_timeout_minutes is not None
        for server in client.topology_description.server_descriptions().values()
    )
