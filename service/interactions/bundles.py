"""Searches and histories as Bundles (https://hl7.org/fhir/R5/bundle.html)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from service.errors import Issue
from service.fhir.bundle import Entry, Link, bundle
from service.fhir.json import dumps, loads
from service.fhir.outcome import operation_outcome
from service.fhir.subset import Summary, pick, summarize
from service.interactions.history import HistoryPage
from service.interactions.score import score
from service.interactions.search import SearchPage
from service.search.parse import Pairs
from service.search.request import SearchRequest
from service.store.base import Version


def etag(version: Version) -> str:
    """Return the weak entity tag of a version."""
    return f'W/"{version.version}"'


def names(none_match: str, version: Version) -> bool:
    """Whether an ``If-None-Match`` names this version, or any (RFC 9110, 13.1.2)."""
    tags = [each.strip().removeprefix("W/") for each in none_match.split(",")]
    return etag(version).removeprefix("W/") in tags or "*" in tags


def present(json: bytes, summary: Summary = "false", elements: tuple[str, ...] = ()) -> bytes:
    """Return as much of a resource's JSON as a client wants: the stored bytes where that is all of it."""
    if summary in ("false", "count") and not elements:
        return json
    resource: dict[str, Any] = loads(json)
    if elements:
        resource = pick(resource, elements)
    return dumps(summarize(resource, summary))


def search_bundle(page: SearchPage, base: str, path: str, shown: Pairs = ()) -> bytes:
    """Return the searchset of a page; ``base`` is the FHIR base URL, ``path`` what was searched, below it.

    ``shown`` are the parameters that say how the answer is written; its links carry them on.
    """
    request = page.request
    entries = [
        Entry(
            present(version.json or b"", request.summary, request.elements),
            f"{base}/{version.type}/{version.id}",
            {"search": _search(request, mode, version)},
        )
        for mode, versions in (("match", page.versions), ("include", page.included))
        for version in versions
    ]
    if page.truncated:
        issue = Issue("warning", "incomplete", f"More than {len(page.included)} resources would be included.")
        entries.append(Entry(dumps(operation_outcome((issue,))), None, {"search": {"mode": "outcome"}}))
    links = page_links(f"{base}/{path}" if path else base, [*request.used, *shown], page.next_page)
    return bundle("searchset", entries, total=page.total, links=links)


def _search(request: SearchRequest, mode: str, version: Version) -> dict[str, Any]:
    if mode == "match" and request.words:
        return {"mode": mode, "score": score(version, request.words)}
    return {"mode": mode}


def history_bundle(page: HistoryPage, base: str, path: str, shown: Pairs = ()) -> bytes:
    """Return the history Bundle of a page; see :func:`search_bundle`. A patch is told as the update that it came to."""
    entries = [history_entry(each, base, created=each.position in page.created) for each in page.versions]
    links = page_links(f"{base}/{path}", [*page.used, *shown], page.next_page)
    return bundle("history", entries, total=page.total, links=links)


def history_entry(version: Version, base: str, *, created: bool) -> Entry:
    """Return the entry of a history Bundle; ``created``: the version made the resource, be it anew."""
    return Entry(
        version.json,
        f"{base}/{version.type}/{version.id}",
        {
            "request": {
                "method": "PUT" if version.method == "PATCH" else version.method,
                "url": version.type if version.method == "POST" else f"{version.type}/{version.id}",
            },
            "response": {
                "status": "204 No Content" if version.json is None else "201 Created" if created else "200 OK",
                "etag": etag(version),
                "lastModified": version.last_updated,
            },
        },
    )


def page_links(url: str, used: list[tuple[str, str]], next_page: str | None) -> list[Link]:
    """Return the links of a page: to itself, and to the one after it, if any."""
    links = [Link("self", _with_query(url, used))]
    if next_page is not None:
        links.append(Link("next", _with_query(url, [*used, ("_page", next_page)])))
    return links


def _with_query(url: str, pairs: list[tuple[str, str]]) -> str:
    # Commas, colons, pipes and dollars are what search values are made of: they stay readable.
    query = urlencode(pairs, quote_via=quote, safe=",:|$/")
    return f"{url}?{query}" if query else url
