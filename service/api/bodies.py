"""The body of a request: never more of it than the limit, packed or not (RFC 9110, 8.4)."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import Final

from service.api.message import Request
from service.errors import Invalid, TooLarge, UnsupportedCoding

_GZIP: Final = 16 + zlib.MAX_WBITS
"""Tells zlib to expect the frame of gzip (RFC 1952)."""


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body, unpacked where it comes as gzip; ``limit`` bounds the bytes of both forms.

    Raises :class:`TooLarge` as soon as there are more, :class:`UnsupportedCoding` for another coding, and
    :class:`Invalid` for what is not gzip although it says so.
    """
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip", "x-gzip"):
        raise UnsupportedCoding(f"A body comes as it is or as gzip, not as {coding!r}.", expression="Content-Encoding")
    declared = request.headers.get("content-length", "0")
    if not (declared.isascii() and declared.isdigit()) or int(declared) > limit:
        raise _too_large(limit)
    packed = coding != "identity"
    unpacked = _Gzip(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in _chunks(request):
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(unpacked.feed(chunk) if packed else chunk)
    if packed:
        unpacked.end()
    return b"".join(chunks)


class _Gzip:
    """Unpacks gzip, which may have several members, up to a limit of bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = self._left = limit
        self._member = zlib.decompressobj(_GZIP)
        self._begun = False

    def feed(self, chunk: bytes) -> bytes:
        """Return what this much more of the packed body unpacks to."""
        found: list[bytes] = []
        while chunk:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP)
            try:
                found.append(self._member.decompress(chunk, self._left + 1))
            except zlib.error as problem:
                raise Invalid(f"The body is not gzip: {problem}.", expression="Content-Encoding") from None
            self._left -= len(found[-1])
            if self._left < 0:
                raise _too_large(self._limit)
            self._begun = True
            chunk = self._member.unused_data
        return b"".join(found)

    def end(self) -> None:
        """Raise :class:`Invalid` where something is missing at the end."""
        if self._begun and not self._member.eof:
            raise Invalid("The gzip of the body is cut off.", expression="Content-Encoding")


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Invalid("The client went away before the body ended.", code="incomplete")
        more = message.get("more_body", False)
        yield message.get("body", b"")


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body has more than {limit} bytes.")
