"""Bundles of stored JSON, spliced and never parsed (https://hl7.org/fhir/R5/bundle.html)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from service.fhir.json import dumps

BundleType = Literal["searchset", "history", "transaction-response", "batch-response"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: the exact JSON of its resource (or None), and its other members."""

    resource: bytes | None
    full_url: str | None = None
    rest: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A link of a Bundle: its relation and where it leads."""

    relation: str
    url: str


def bundle(
    type_: BundleType,
    entries: Sequence[Entry],
    *,
    total: int | None = None,
    links: Sequence[Link] = (),
    timestamp: str | None = None,
) -> bytes:
    """Return the JSON of a Bundle; ``timestamp`` is a FHIR instant."""
    head: dict[str, Any] = {"resourceType": "Bundle", "type": type_}
    if timestamp is not None:
        head["timestamp"] = timestamp
    if total is not None:
        head["total"] = total
    if links:
        head["link"] = [{"relation": link.relation, "url": link.url} for link in links]
    opening = dumps(head)[:-1]
    if not entries:  # an empty array is not FHIR
        return opening + b"}"
    return opening + b',"entry":[' + b",".join(map(_entry, entries)) + b"]}"


def _entry(entry: Entry) -> bytes:
    parts = []
    if entry.full_url is not None:
        parts.append(b'"fullUrl":' + dumps(entry.full_url))
    if entry.resource is not None:
        parts.append(b'"resource":' + entry.resource)
    if entry.rest:
        parts.append(dumps(entry.rest)[1:-1])
    return b"{" + b",".join(parts) + b"}"
