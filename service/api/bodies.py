"""The body of a request: never more of it than the limit, packed or not (RFC 9110, 8.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from service.api.message import Request
from service.bulk.packed import too_large, unpacked, write_unpacked
from service.errors import Invalid, UnsupportedCoding


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body, unpacked where it comes as gzip; ``limit`` bounds the bytes of both forms.

    Raises :class:`TooLarge` as soon as there are more, :class:`UnsupportedCoding` for another coding, and
    :class:`Invalid` for what is not gzip although it says so.
    """
    packed = _is_packed(request, limit)
    return b"".join([chunk async for chunk in unpacked(_chunks(request), limit, packed=packed)])


async def write_body(request: Request, limit: int, target: Path) -> None:
    """Write the body into a file, as :func:`read_body` returns it; a packed file in it is unpacked as well."""
    await write_unpacked(_chunks(request), limit, target, packed=_is_packed(request, limit))


def _is_packed(request: Request, limit: int) -> bool:
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip", "x-gzip"):
        raise UnsupportedCoding(f"A body comes as it is or as gzip, not as {coding!r}.", expression="Content-Encoding")
    declared = request.headers.get("content-length", "0")
    if not (declared.isascii() and declared.isdigit()) or int(declared) > limit:
        raise too_large(limit)
    return coding != "identity"


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Invalid("The client went away before the body ended.", code="incomplete")
        more = message.get("more_body", False)
        yield message.get("body", b"")
