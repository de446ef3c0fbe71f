"""Files that a client wants imported from somewhere else: only from where the operator of this server allows.

A server that fetches what it is told to reaches into networks that its clients do not. So there is a list of places,
empty unless the operator says otherwise, and a redirection is a new request for a place on the list or off it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import httpx

from service.bulk.packed import write_unpacked
from service.errors import Forbidden, Invalid, Unavailable

SETTING: Final = "import_from"
TIMEOUT: Final = httpx.Timeout(30.0, read=120.0)
"""Seconds to connect, and between two pieces of a file."""
REDIRECTIONS: Final = 5
_PORTS: Final = {"https": 443, "http": 80}
_HEADERS: Final = {"accept": "application/fhir+ndjson", "accept-encoding": "gzip", "user-agent": "trial-registry"}
_CODINGS: Final = frozenset({"", "identity", "gzip", "x-gzip"})


class Fetch:
    """Fetches files of at most ``limit`` bytes, packed or not, from places that are ``allowed`` and from below them.

    ``transport`` is that of tests.
    """

    def __init__(self, allowed: Sequence[str], limit: int, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._allowed = [_parsed(place) for place in allowed]
        self._limit = limit
        self._transport = transport

    def check(self, url: str) -> httpx.URL:
        """Return a URL that may be fetched; raises :class:`Invalid`, or :class:`Forbidden` where it is off the list."""
        parsed = _parsed(url)
        if any(_is_within(parsed, place) for place in self._allowed):
            return parsed
        raise Forbidden(
            f"{_without_query(parsed)} is not among the places that files are imported from; the setting {SETTING} of"
            f" this server lists {'others' if self._allowed else 'none'}.",
            expression="input.url",
        )

    async def fetch(self, url: str, target: Path) -> None:
        """Write what is at a URL into a file, unpacked.

        Raises what :meth:`check` does, :class:`TooLarge`, :class:`Invalid` where the other server refuses, and
        :class:`Unavailable` where it does not answer.
        """
        place = self.check(url)
        async with httpx.AsyncClient(timeout=TIMEOUT, transport=self._transport, headers=_HEADERS) as client:
            for _ in range(REDIRECTIONS + 1):
                try:
                    async with client.stream("GET", place) as response:
                        if response.next_request is None:
                            await self._write(response, target)
                            return
                        place = self.check(str(response.next_request.url))
                except httpx.HTTPError as problem:
                    text = f"{_without_query(place)} does not answer: {type(problem).__name__} {problem}".strip()
                    raise Unavailable(f"{text}.", code="transient", expression="input.url") from None
        raise Invalid(f"{_without_query(place)} redirects too often.", expression="input.url")

    async def _write(self, response: httpx.Response, target: Path) -> None:
        name = _without_query(response.url)
        if response.status_code != httpx.codes.OK:
            raise Invalid(f"{name} answers with status {response.status_code}.", expression="input.url")
        coding = response.headers.get("content-encoding", "").strip().lower()
        if coding not in _CODINGS:
            raise Invalid(f"{name} comes packed in a way that is not understood here.", expression="input.url")
        packed = coding not in ("", "identity")
        await write_unpacked(response.aiter_raw(), self._limit, target, packed=packed)


def without_query(url: str) -> str:
    """Return a URL without its query, in which there may be a secret."""
    return _without_query(_parsed(url))


def _without_query(url: httpx.URL) -> str:
    return str(url.copy_with(query=None, fragment=None))


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as problem:
        raise Invalid(f"{url!r} is no URL: {problem}.", expression="input.url") from None
    if parsed.scheme not in _PORTS or not parsed.host or parsed.userinfo:
        raise Invalid(
            f"{url!r} is not a URL of http or https without a user's name in it.", code="value", expression="input.url"
        )
    return parsed


def _is_within(url: httpx.URL, place: httpx.URL) -> bool:
    """Whether a URL is at a place or below it; one with segments such as ``..``, or hidden ones, never is."""
    if _origin(url) != _origin(place) or "\\" in url.path:
        return False
    if any(segment.startswith((".", "%")) for segment in url.path.split("/")):
        return False
    return url.path == place.path or url.path.startswith(f"{place.path.rstrip('/')}/")


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or _PORTS[url.scheme]
