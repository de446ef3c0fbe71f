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
    terms      ["key␟value", ...]: equality, prefix and range are all bound by one multikey index; words are among them
    qualified  ["key␟value␟qualifier", ...]
    ranges     [{k: key, lo: low, hi: high}, ...]
    parts      [{n: part, t: terms, q: qualified, r: ranges}, ...]: the same once more for the rows of each part but 0,
               so that what has to be together is asked of one element
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import bson
from bson import Int64
from bson.raw_bson import RawBSONDocument

from service.errors import TooLarge
from service.search.rows import RangeRow, Row, TermRow, WordsRow
from service.store.base import Change, Version
from service.store.mongo.native import native

NEVER: Final = Int64((1 << 63) - 1)
"""Stands where a seq or an instant would, so that what is current is found with the same comparison as what was."""
MAX_DOCUMENT: Final = 16 * 1024 * 1024
"""MongoDB's limit for one document, in bytes."""
SEPARATOR: Final = "\x1f"
VERSION_FIELDS: Final = {"type": 1, "id": 1, "version": 1, "method": 1, "instant": 1, "json": 1}
"""What of a document makes a :class:`Version`."""
INDEX_FIELDS: Final = ("terms", "qualified", "ranges", "parts")

_EMPTY: Final[Mapping[str, Any]] = {name: [] for name in INDEX_FIELDS}


def term(key: str, value: str) -> str:
    """Return the entry in ``terms``; as a prefix it begins all entries whose value begins with this one."""
    return f"{key}{SEPARATOR}{value}"


def qualified(key: str, value: str, qualifier: str) -> str:
    """Return the entry in ``qualified``."""
    # Were the separator left alone within a value, two different rows could give the same entry.
    return SEPARATOR.join(map(_escaped, (key, value, qualifier)))


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
        **add_rows(_EMPTY, change.rows),
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


def add_rows(document: Mapping[str, Any], rows: Sequence[Row]) -> dict[str, Any]:
    """Return the index arrays of a document with more rows in them; each row is there once."""
    arrays = {name: list(document[name]) for name in INDEX_FIELDS}
    groups = {group["n"]: {**group, **{name: list(group[name]) for name in "tqr"}} for group in document["parts"]}
    terms = [row for row in rows if isinstance(row, TermRow)]
    ranges = [row for row in rows if isinstance(row, RangeRow)]
    for number in (*(row.part for row in terms), *(row.part for row in ranges)):
        if number and number not in groups:
            groups[number] = {"n": number, "t": [], "q": [], "r": []}
    for several in rows:
        if isinstance(several, WordsRow):
            arrays["terms"] += [term(several.key, word) for word in several.words]
    for row in terms:
        plain, full = term(row.key, row.value), qualified(row.key, row.value, row.qualifier)
        arrays["terms"].append(plain)
        arrays["qualified"].append(full)
        if row.part:
            groups[row.part]["t"].append(plain)
            groups[row.part]["q"].append(full)
    for each in ranges:
        span = {"k": each.key, "lo": each.low, "hi": each.high}
        arrays["ranges"].append(span)
        if each.part:
            groups[each.part]["r"].append(span)
    for group in groups.values():
        group.update(t=_once(group["t"]), q=_once(group["q"]), r=_spans_once(group["r"]))
    return {
        "terms": _once(arrays["terms"]),
        "qualified": _once(arrays["qualified"]),
        "ranges": _spans_once(arrays["ranges"]),
        "parts": [groups[number] for number in sorted(groups)],
    }


def remove_rows(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the index arrays of a document without what is under a key."""

    def without(holder: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
        terms, full, ranges = names
        return {
            terms: [entry for entry in holder[terms] if not entry.startswith(term(key, ""))],
            full: [entry for entry in holder[full] if not entry.startswith(_escaped(key) + SEPARATOR)],
            ranges: [entry for entry in holder[ranges] if entry["k"] != key],
        }

    groups = [{"n": group["n"], **without(group, "tqr")} for group in document["parts"]]
    kept = [group for group in groups if group["t"] or group["q"] or group["r"]]
    return {**without(document, INDEX_FIELDS[:3]), "parts": kept}


def values_under(document: Mapping[str, Any], key: str) -> Iterator[str]:
    """Yield the values of a document's term rows under a key."""
    prefix = term(key, "")
    return (entry[len(prefix) :] for entry in document["terms"] if entry.startswith(prefix))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(SEPARATOR, "\\u")


def _once(entries: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(entries))


def _spans_once(spans: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    return [
        {"k": key, "lo": low, "hi": high}
        for key, low, high in dict.fromkeys((span["k"], span["lo"], span["hi"]) for span in spans)
    ]
