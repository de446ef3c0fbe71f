"""The two collections, their indexes, and the documents that there is one of.

``version`` holds the log (:mod:`service.store.mongo.documents`); ``registry`` holds ``identity`` (the schema's number
and the store's secret) and ``head``::

    _id     "head"
    seq     number of the newest commit; what lies beyond it has not happened
    instant of that commit, in milliseconds
    holder  the process that holds the single-writer mode, or null
    lease   seconds without a sign of life after which it is taken for dead
    beat    its signs of life
    claims  how often a writer has begun; a transaction that claims the head excludes every other
"""

from __future__ import annotations

import secrets
from typing import Final

from bson import Int64
from pymongo import ASCENDING, IndexModel
from pymongo.errors import DuplicateKeyError

from service.store.base import other_schema
from service.store.mongo.driver import Collection, Database, Document

SCHEMA_VERSION: Final = 2
HEAD: Final = "head"
IDENTITY: Final = "identity"

# The position comes before ``until``: matches are walked in the order of a page, and an entry whose version is being
# superseded keeps its place in the walk.
_INDEXES: Final = (
    IndexModel([("type", ASCENDING), ("id", ASCENDING), ("version", ASCENDING)], unique=True, name="identity"),
    IndexModel([("type", ASCENDING), ("_id", ASCENDING), ("until", ASCENDING)], name="of_type"),
    IndexModel([("instant", ASCENDING), ("_id", ASCENDING)], name="instant"),
    IndexModel([("terms", ASCENDING), ("_id", ASCENDING), ("until", ASCENDING)], name="terms"),
    IndexModel([("qualified", ASCENDING), ("_id", ASCENDING), ("until", ASCENDING)], name="qualified"),
    IndexModel(
        [("ranges.k", ASCENDING), ("ranges.lo", ASCENDING), ("ranges.hi", ASCENDING), ("_id", ASCENDING)],
        name="ranges",
    ),
    IndexModel(
        [("ranges.k", ASCENDING), ("ranges.hi", ASCENDING), ("ranges.lo", ASCENDING), ("_id", ASCENDING)],
        name="ranges_by_high",
    ),
)


def versions_of(database: Database) -> Collection:
    """Return the collection of the log."""
    return database["version"]


def registry_of(database: Database) -> Collection:
    """Return the collection of single documents."""
    return database["registry"]


async def prepare(database: Database) -> bytes:
    """Make what is not there yet and return the store's secret; any number of processes may do so at once.

    Raises :class:`Unavailable` where another version of this software has made the database.
    """
    registry = registry_of(database)
    await _put(registry, {"_id": IDENTITY, "schema": SCHEMA_VERSION, "secret": secrets.token_bytes(32)})
    zero = Int64(0)
    await _put(
        registry,
        {"_id": HEAD, "seq": zero, "instant": zero, "holder": None, "lease": 0.0, "beat": zero, "claims": zero},
    )
    identity = await registry.find_one({"_id": IDENTITY})
    if identity is None or identity["schema"] != SCHEMA_VERSION:
        found = identity and identity["schema"]
        raise other_schema(f"The database {database.name}", found, SCHEMA_VERSION)
    await versions_of(database).create_indexes(list(_INDEXES))
    return bytes(identity["secret"])


async def _put(registry: Collection, document: Document) -> None:
    fields = {name: value for name, value in document.items() if name != "_id"}
    try:
        await registry.update_one({"_id": document["_id"]}, {"$setOnInsert": fields}, upsert=True)
    except DuplicateKeyError:
        return  # another process was faster by a moment
