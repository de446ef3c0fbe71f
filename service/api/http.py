"""What the routes share: reading a request, writing a response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from service.api.message import Answer, Request
from service.api.negotiation import FHIR_JSON, output_type
from service.api.representation import represent
from service.errors import Invalid, NotAcceptable
from service.fhir import definitions
from service.fhir.dates import http_date, parse_http_date
from service.fhir.json import dumps
from service.fhir.outcome import operation_outcome
from service.fhir.subset import Summary, unknown_elements
from service.interactions.bundles import etag, names, present
from service.interactions.engine import Written
from service.interactions.entries import Returns
from service.search.parse import Pairs, criteria_text
from service.search.request import parse_elements, parse_summary
from service.settings import Settings
from service.store.base import Version

CREATED, OK, NO_CONTENT, NOT_MODIFIED = 201, 200, 204, 304
_RETURNS = frozenset({"minimal", "representation", "OperationOutcome"})
TYPES = frozenset(definitions.resource_types())
"""The resource types that a path can name."""


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

    @property
    def returns(self) -> Returns:
        """What is to be seen of what each entry of a Bundle writes: as little as there is, if nothing is said."""
        match self.preferences.get("return"):
            case "representation":
                return "representation"
            case "OperationOutcome":
                return "OperationOutcome"
            case _:
                return "minimal"

    def lenient(self, settings: Settings) -> bool:
        """Whether unknown search parameters are left out instead of refused."""
        return self.preferences.get("handling", settings.handling) == "lenient"


def ask(request: Request, *, others: tuple[str, ...] = (), preferred: str | None = None) -> Ask:
    """Read what is common to all requests; raises :class:`Invalid` or :class:`NotAcceptable`.

    The parameters are those of the URL and of the form, as one list. For the rest see :func:`output_type`.
    """
    headers = request.headers
    accept, preferences = headers.get("accept"), _preferences(headers.get("prefer"))
    if not request.query and not request.form:
        return Ask(output_type(accept, None, others=others, preferred=preferred), False, [], preferences)
    own: dict[str, str] = {}
    rest: list[tuple[str, str]] = []
    for name, value in (*parse_pairs(request.query), *parse_pairs(request.form)):
        if name not in ("_format", "_pretty"):
            rest.append((name, value))
        elif name in own:
            raise Invalid(f"{name} is given more than once.", expression=name)
        else:
            own[name] = value
    pretty = own.get("_pretty", "false")
    if pretty not in ("true", "false"):
        raise Invalid(f"_pretty is true or false, not {pretty!r}.", expression="_pretty")
    media = output_type(accept, own.get("_format"), others=others, preferred=preferred)
    return Ask(media, pretty == "true", rest, preferences, tuple(own.items()))


def form_of_error(request: Request) -> tuple[str, bool]:
    """Return the media type of an error and whether it is indented, as far as a wrong request tells what it wants."""
    try:
        pairs = dict((*parse_pairs(request.query), *parse_pairs(request.form)))
    except Invalid:
        pairs = {}
    try:
        media = output_type(request.headers.get("accept"), pairs.get("_format"))
    except NotAcceptable:
        media = FHIR_JSON
    return media, pairs.get("_pretty") == "true"


def parse_pairs(text: bytes | str) -> list[tuple[str, str]]:
    """Return the name-value pairs of a query string or form; raises :class:`Invalid`."""
    try:
        decoded = text.decode("ascii") if isinstance(text, bytes) else text
        return parse_qsl(decoded, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError as problem:
        raise Invalid(f"The query is not percent-encoded UTF-8: {problem}.") from None


def base_url(request: Request, settings: Settings) -> str:
    """Return the FHIR base URL as this client sees it."""
    if settings.base_url:
        return settings.base_url.rstrip("/")
    host = request.headers.get("host") or "{}:{}".format(*request.scope["server"])
    root: str = request.scope.get("root_path", "")
    return f"{request.scope['scheme']}://{host}{root}{settings.base_path}"


def criteria(text: str | None) -> Pairs | None:
    """Return the search parameters of an ``If-None-Exist`` header."""
    pairs = None if text is None else parse_pairs(criteria_text(text))
    if pairs == []:
        raise Invalid("If-None-Exist has no search parameter.", code="required", expression="If-None-Exist")
    return pairs


def resource_answer(ask_: Ask, json: bytes, status: int = OK, headers: dict[str, str] | None = None) -> Answer:
    """Answer with a resource, given as JSON, in the format and the look that the client wants."""
    return Answer(status, represent(json, ask_.media, pretty=ask_.pretty), ask_.media, headers)


def version_answer(request: Request, ask_: Ask, version: Version) -> Answer:
    """Answer a read: the version, the part of it that was asked for, or 304 where the client has it."""
    headers = {"etag": etag(version), "last-modified": http_date(version.instant)}
    if _is_fresh(request.headers, version):
        return Answer(NOT_MODIFIED, headers=headers)
    summary, elements = part(ask_.parameters, version.type)
    return resource_answer(ask_, present(version.json or b"", summary, elements), OK, headers)


def written_answer(ask_: Ask, written: Written, base: str) -> Answer:
    """Answer a create, update or patch as ``Prefer: return=`` says."""
    version = written.version
    assert version is not None  # noqa: S101  # only a deletion can find nothing
    status = CREATED if written.effect == "created" else OK
    headers = {
        "etag": etag(version),
        "last-modified": http_date(version.instant),
        "location": f"{base}/{version.type}/{version.id}/_history/{version.version}",
    }
    match ask_.preferences.get("return", "representation"):
        case "minimal":
            return Answer(status, headers=headers)
        case "OperationOutcome":
            return resource_answer(ask_, dumps(operation_outcome(written.warnings)), status, headers)
        case _:
            return resource_answer(ask_, version.json or b"", status, headers)


def _is_fresh(headers: Mapping[str, str], version: Version) -> bool:
    none_match = headers.get("if-none-match")
    if none_match is not None:  # If-Modified-Since does not count beside it (RFC 9110, 13.1.3)
        return names(none_match, version)
    since = headers.get("if-modified-since")
    seconds = parse_http_date(since) if since else None
    return seconds is not None and version.instant // 1000 <= seconds


def part(parameters: Pairs, type_: str) -> tuple[Summary, tuple[str, ...]]:
    """Return what ``_summary`` and ``_elements`` of a read ask for; raises :class:`Invalid` for any other parameter."""
    summary: Summary = "false"
    elements: tuple[str, ...] = ()
    given: set[str] = set()
    for name, value in parameters:
        if name in given:
            raise Invalid(f"{name} is given more than once.", expression=name)
        given.add(name)
        if name == "_summary":
            summary = parse_summary(value)
        elif name == "_elements":
            elements = parse_elements(value)
            if unknown := unknown_elements((type_,), elements):
                raise Invalid(f"{type_} has no element {', '.join(unknown)}.", expression="_elements")
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
