"""What the routes share: reading a request, writing a response."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from service.api.negotiation import output_type
from service.errors import Invalid, NotFound, TooLarge
from service.fhir import definitions
from service.fhir.dates import http_date, parse_http_date
from service.fhir.json import dumps, loads
from service.fhir.outcome import operation_outcome
from service.fhir.subset import Summary, element_names
from service.interactions.bundles import etag, present
from service.interactions.engine import Written
from service.search.parse import Pairs, criteria_text
from service.search.request import parse_elements, parse_summary
from service.settings import Settings
from service.store.base import Version

CREATED, OK, NO_CONTENT, NOT_MODIFIED = 201, 200, 204, 304
_RETURNS = frozenset({"minimal", "representation", "OperationOutcome"})
_TYPES = frozenset(definitions.resource_types())


@dataclass(frozen=True, slots=True)
class Ask:
    """How a client wants to be answered, and the parameters that remain for the interaction.

    ``shown`` are those that were about the form of the answer, for the links that lead on.
    """

    media: str
    pretty: bool
    parameters: list[tuple[str, str]]
    preferences: dict[str, str]
    shown: tuple[tuple[str, str], ...] = ()

    def lenient(self, settings: Settings) -> bool:
        """Whether unknown search parameters are left out instead of refused."""
        return self.preferences.get("handling", settings.handling) == "lenient"


def ask(request: Request, form: bytes = b"") -> Ask:
    """Read what is common to all requests; raises :class:`Invalid` or :class:`NotAcceptable`.

    The parameters are those of the URL and of the form, as one list.
    """
    text = request.scope["query_string"]
    if not text and not form:
        return Ask(output_type(_listed(request, "accept"), None), False, [], _preferences(_listed(request, "prefer")))
    own: dict[str, str] = {}
    rest: list[tuple[str, str]] = []
    for name, value in (*parse_pairs(text), *parse_pairs(form)):
        if name not in ("_format", "_pretty"):
            rest.append((name, value))
        elif name in own:
            raise Invalid(f"{name} is given more than once.", expression=name)
        else:
            own[name] = value
    pretty = own.get("_pretty", "false")
    if pretty not in ("true", "false"):
        raise Invalid(f"_pretty is true or false, not {pretty!r}.", expression="_pretty")
    media = output_type(_listed(request, "accept"), own.get("_format"))
    return Ask(media, pretty == "true", rest, _preferences(_listed(request, "prefer")), tuple(own.items()))


def _listed(request: Request, name: str) -> str | None:
    """Return a header that is a list; it may come in several lines (RFC 9110, 5.3)."""
    lines = request.headers.getlist(name)
    return ", ".join(lines) if len(lines) > 1 else lines[0] if lines else None


def parse_pairs(text: bytes | str) -> list[tuple[str, str]]:
    """Return the name-value pairs of a query string or form; raises :class:`Invalid`."""
    try:
        decoded = text.decode("ascii") if isinstance(text, bytes) else text
        return parse_qsl(decoded, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError as problem:
        raise Invalid(f"The query is not percent-encoded UTF-8: {problem}.") from None


def is_type(name: str | None) -> bool:
    """Whether a path that names this type (or none) can be one of this server."""
    return name is None or name in _TYPES


def resource_type(request: Request) -> str:
    """Return the resource type that the path names; raises :class:`NotFound`."""
    type_: str = request.path_params["type"]
    if type_ not in _TYPES:
        raise NotFound(f"{type_} is not a resource type of FHIR R5.", code="not-supported")
    return type_


def base_url(request: Request, settings: Settings) -> str:
    """Return the FHIR base URL as this client sees it."""
    if settings.base_url:
        return settings.base_url.rstrip("/")
    host = request.headers.get("host") or "{}:{}".format(*request.scope["server"])
    root: str = request.scope.get("root_path", "")
    return f"{request.scope['scheme']}://{host}{root}{settings.base_path}"


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body; raises :class:`TooLarge` as soon as it is over the limit."""
    too_large = TooLarge(f"The body has more than {limit} bytes.")
    declared = request.headers.get("content-length", "0")
    if not (declared.isascii() and declared.isdigit()) or int(declared) > limit:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large
        chunks.append(chunk)
    return b"".join(chunks)


def criteria(text: str | None) -> Pairs | None:
    """Return the search parameters of an ``If-None-Exist`` header."""
    return None if text is None else parse_pairs(criteria_text(text))


def json_response(ask_: Ask, json: bytes, status: int = OK, headers: dict[str, str] | None = None) -> Response:
    """Return JSON that is ready to send, indented where the client wants it so."""
    return Response(dumps(loads(json), pretty=True) if ask_.pretty else json, status, headers, ask_.media)


def version_response(request: Request, ask_: Ask, version: Version) -> Response:
    """Answer a read: the version, the part of it that was asked for, or 304 where the client has it."""
    tag, modified = etag(version), http_date(version.instant)
    if _is_fresh(request, version, tag):
        return Response(status_code=NOT_MODIFIED, headers={"ETag": tag, "Last-Modified": modified})
    summary, elements = _part(ask_, version.type)
    json = present(version.json or b"", summary, elements, pretty=ask_.pretty)
    return Response(json, OK, {"ETag": tag, "Last-Modified": modified}, ask_.media)


def written_response(ask_: Ask, written: Written, base: str) -> Response:
    """Answer a create, update or patch as ``Prefer: return=`` says."""
    version = written.version
    assert version is not None  # noqa: S101  # only a deletion can find nothing
    status = CREATED if written.effect == "created" else OK
    headers = {
        "ETag": etag(version),
        "Last-Modified": http_date(version.instant),
        "Location": f"{base}/{version.type}/{version.id}/_history/{version.version}",
    }
    match ask_.preferences.get("return", "representation"):
        case "minimal":
            return Response(status_code=status, headers=headers)
        case "OperationOutcome":
            return json_response(ask_, dumps(operation_outcome(written.warnings)), status, headers)
        case _:
            return json_response(ask_, version.json or b"", status, headers)


def _is_fresh(request: Request, version: Version, tag: str) -> bool:
    headers = request.headers
    none_match = headers.get("if-none-match")
    if none_match is not None:  # If-Modified-Since does not count beside it (RFC 9110, 13.1.3)
        tags = [each.strip().removeprefix("W/") for each in none_match.split(",")]
        return tag.removeprefix("W/") in tags or "*" in tags
    since = headers.get("if-modified-since")
    seconds = parse_http_date(since) if since else None
    return seconds is not None and version.instant // 1000 <= seconds


def _part(ask_: Ask, type_: str) -> tuple[Summary, tuple[str, ...]]:
    summary: Summary = "false"
    elements: tuple[str, ...] = ()
    for name, value in ask_.parameters:
        if name == "_summary":
            summary = parse_summary(value)
        elif name == "_elements":
            elements = parse_elements(value)
            unknown = {element.removeprefix(f"{type_}.").partition(".")[0] for element in elements}
            unknown -= element_names(type_)
            if unknown:
                raise Invalid(f"{type_} has no element {', '.join(sorted(unknown))}.", expression="_elements")
        else:
            raise Invalid(f"{name} is not a parameter of read.", expression=name)
    return summary, elements


def _preferences(header: str | None) -> dict[str, str]:
    """Parse ``Prefer``; what is not understood is a wish that is not met (RFC 7240)."""
    if not header:
        return {}
    found: dict[str, str] = {}
    for part in header.replace(";", ",").split(","):
        name, _, value = part.strip().partition("=")
        value = value.strip().strip('"')
        if name == "return" and value not in _RETURNS:
            continue
        if name == "handling" and value not in ("strict", "lenient"):
            continue
        found.setdefault(name.strip().lower(), value)
    return found
