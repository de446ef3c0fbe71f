"""A request and a response of the FHIR API, as little as it takes: a read is mostly what surrounds it."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope

_NOT_MODIFIED = 304
_NO_CONTENT = frozenset({204, _NOT_MODIFIED})


class Request:
    """A request for a place below the FHIR base.

    ``path`` is that place, with a slash in front or empty; ``parameters`` are the variables in it, by their names.
    ``query`` and ``form`` are what is sent in the URL and as the form of a ``_search``, not yet decoded.
    """

    __slots__ = ("form", "headers", "method", "parameters", "path", "query", "receive", "scope")

    def __init__(self, scope: Scope, receive: Receive, path: str) -> None:
        self.scope = scope
        self.receive = receive
        self.path = path
        self.method: str = scope["method"]
        self.query: bytes = scope["query_string"]
        self.form = b""
        self.parameters: Mapping[str, str] = {}
        self.headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key, text = name.decode("latin-1"), value.decode("latin-1")
            # What comes in several lines is one list (RFC 9110, 5.3); what is no list is then malformed.
            self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text


class Answer(Response):
    """A response whose headers are written once, from names in lower case."""

    def __init__(
        self, status: int, body: bytes = b"", media: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status_code = status
        self.body = body
        self.background = None
        self.raw_headers = [(name.encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
        if status not in _NO_CONTENT:
            self.raw_headers.append((b"content-length", b"%d" % len(body)))
        if media is not None:
            self.raw_headers.append((b"content-type", media.encode()))
        if media is not None or status == _NOT_MODIFIED:  # the same place has other formats (RFC 9110, 12.5.5)
            self.raw_headers.append((b"vary", b"accept"))
