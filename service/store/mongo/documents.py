"""A version and its index rows as one document.

::

    _id        position of the version: seq << 20 | place in the commit
    seq        number of the commit, for those who read the collection with other tools
    type, id, version, method, instant (milliseconds)
    live       false: a deletion
    until      seq that superseded it; NEVER while nothing has
    ended      instant of that seq; NEVER likewise
    digest     of the content, to know a change that changes nothing
    json       the exact bytes; null: a deletion
    resource   the same as a native document, where it fits
    terms      ["key␟value", ...]: equality, prefix and range are all bound by one multikey index
    qualified  ["key␟value␟qualifier", ...]
    ranges     [{k: key, lo: low, hi: high}, ...]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import bson
from bson import Int64
from bson.raw_bson import RawBSONDocument

from service.errors import TooLarge
from service.search.rows import RangeRow, Row, TermRow
from service.store.base import Change, Version
from service.store.mongo.native import native

NEVER: Final = Int64((1 << 63) - 1)
"""Stands where a seq or an instant would, so that what is current is found with the same comparison as what was."""
MAX_DOCUMENT: Final = 16 * 1024 * 1024
"""MongoDB's limit for one document, in bytes."""
SEPARATOR: Final = "\x1f"
VERSION_FIELDS: Final = {"type": 1, "id": 1, "version": 1, "method": 1, "instant": 1, "json": 1}
"""What of a document makes a :class:`Version`."""


def term(key: str, value: str) -> str:
    """Return the entry in ``terms``; as a prefix it begins all entries whose value begins with this one."""
    return f"{key}{SEPARATOR}{value}"


def qualified(key: str, value: str, qualifier: str) -> str:
    """Return the entry in ``qualified``."""
    # Were the separator left alone within a value, two different rows could give the same entry.
    parts = (part.replace("\\", "\\\\").replace(SEPARATOR, "\\u") for part in (key, value, qualifier))
    return SEPARATOR.join(parts)


def encode(version: Version, change: Change) -> RawBSONDocument:
    """Return the document of a version that nothing has superseded, ready to be sent.

    Raises :class:`TooLarge` where it would pass MongoDB's limit.
    """
    document: dict[str, Any] = {
        "_id": Int64(version.position),
        "seq": Int64(version.seq),
        "type": version.type,
        "id": version.id,
        "version": version.version,
        "until": NEVER,
        "ended": NEVER,
        "live": version.json is not None,
        "method": version.method,
        "instant": Int64(version.instant),
        "digest": change.body.digest if change.body else None,
        "json": version.json,
        **_rows(change.rows),
    }
    raw = bson.encode(document)
    if len(raw) > MAX_DOCUMENT:
        raise TooLarge(
            f"{version.type}/{version.id} takes {len(raw)} bytes with its index;"
            f" the database holds {MAX_DOCUMENT} bytes per version."
        )
    resource = native(version.json) if version.json is not None else None
    if resource is not None and len(raw) + len(resource.raw) + len("\3resource\0") <= MAX_DOCUMENT:
        raw = bson.encode({**document, "resource": resource})
    return RawBSONDocument(raw)


def decode(document: Mapping[str, Any]) -> Version:
    """Return the version of a document that has :data:`VERSION_FIELDS`."""
    return Version(
        document["type"],
        document["id"],
        document["version"],
        int(document["_id"]),
        document["method"],
        int(document["instant"]),
        document["json"],
    )


def _rows(rows: Sequence[Row]) -> dict[str, Any]:
    unique = dict.fromkeys(rows)
    terms = [row for row in unique if isinstance(row, TermRow)]
    return {
        "terms": list(dict.fromkeys(term(row.key, row.value) for row in terms)),
        "qualified": [qualified(row.key, row.value, row.qualifier) for row in terms],
        "ranges": [{"k": row.key, "lo": row.low, "hi": row.high} for row in unique if isinstance(row, RangeRow)],
    }
