"""Bytes that come as gzip (RFC 1952), unpacked as they come, and never more of them than a limit."""

from __future__ import annotations

import asyncio
import os
import zlib
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from typing import Final

from service.errors import Invalid, TooLarge

_FRAME: Final = 16 + zlib.MAX_WBITS
"""Tells zlib to expect the frame of gzip."""
MAGIC: Final = b"\x1f\x8b"
"""What every packed file begins with."""


async def unpacked(chunks: AsyncIterable[bytes], limit: int, *, packed: bool) -> AsyncIterator[bytes]:
    """Yield what the chunks are once they are unpacked; ``limit`` bounds the bytes of both forms.

    Raises :class:`TooLarge` as soon as there are more, and :class:`Invalid` for what is not gzip although it should be.
    """
    unpacking = _Gzip(limit) if packed else None
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        yield unpacking.feed(chunk) if unpacking else chunk
    if unpacking:
        unpacking.end()


async def write_unpacked(chunks: AsyncIterable[bytes], limit: int, target: Path, *, packed: bool) -> None:
    """Write the same into a file, which is on the disk when this returns; a packed file is unpacked once more."""
    with target.open("wb") as stream:
        beginning: bytes | None = b""
        within: _Gzip | None = None
        async for chunk in unpacked(chunks, limit, packed=packed):
            if beginning is not None:
                beginning += chunk
                if len(beginning) < len(MAGIC):
                    continue
                within = _Gzip(limit) if beginning.startswith(MAGIC) else None
                chunk, beginning = beginning, None
            await asyncio.to_thread(stream.write, within.feed(chunk) if within else chunk)
        stream.write(beginning or b"")
        if within:
            within.end()
        stream.flush()
        await asyncio.to_thread(os.fsync, stream.fileno())


def too_large(limit: int) -> TooLarge:
    """Return the error for more bytes than there may be."""
    return TooLarge(f"There are more than {limit} bytes.")


class _Gzip:
    """Unpacks gzip, which may have several members, up to a limit of bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = self._left = limit
        self._member = zlib.decompressobj(_FRAME)
        self._begun = False

    def feed(self, chunk: bytes) -> bytes:
        """Return what this much more of the packed bytes unpacks to."""
        found: list[bytes] = []
        while chunk:
            if self._member.eof:
                self._member = zlib.decompressobj(_FRAME)
            try:
                found.append(self._member.decompress(chunk, self._left + 1))
            except zlib.error as problem:
                raise Invalid(f"This is not gzip: {problem}.", expression="Content-Encoding") from None
            self._left -= len(found[-1])
            if self._left < 0:
                raise too_large(self._limit)
            self._begun = True
            chunk = self._member.unused_data
        return b"".join(found)

    def end(self) -> None:
        """Raise :class:`Invalid` where something is missing at the end."""
        if self._begun and not self._member.eof:
            raise Invalid("The gzip is cut off.", expression="Content-Encoding")
