"""The entries of a transaction or batch Bundle, and what is answered to each (https://hl7.org/fhir/R5/bundle.html)."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final, Literal
from urllib.parse import parse_qsl
from uuid import uuid4

from service.errors import Invalid, Issue, RegistryError
from service.fhir import definitions
from service.fhir.bundle import Entry
from service.fhir.outcome import operation_outcome
from service.interactions.bundles import etag
from service.interactions.engine import Written
from service.interactions.prepare import Prepared
from service.search.parse import Pairs, criteria_text
from service.store.base import Change, Guard, Version

Verb = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
Returns = Literal["minimal", "representation", "OperationOutcome"]
"""What ``Prefer: return=`` asks for of every entry that writes."""
ORDER: Final[dict[Verb, int]] = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
"""When the entries with a method are processed, wherever in the Bundle they stand."""
READS: Final = frozenset({"GET", "HEAD"})
_SEARCH: Final = "_search"
_WITH_RESOURCE: Final = frozenset({"POST", "PUT", "PATCH"})
_TEXTS: Final = frozenset({"method", "url", "ifNoneMatch", "ifModifiedSince", "ifMatch", "ifNoneExist"})
STATUS: Final = {"created": "201 Created", "updated": "200 OK", "unchanged": "200 OK", "deleted": "204 No Content"}


@dataclass(slots=True)
class Step:
    """One entry: where it stands in the Bundle, what it asks, and what it came to.

    ``rewritten`` is its resource with the links of the Bundle replaced, ``links`` those in it that are searches;
    ``new_id`` is the id of what it creates.
    """

    index: int
    verb: Verb
    type: str | None
    id: str | None
    path: str
    criteria: Pairs
    full_url: str | None
    resource: dict[str, Any] | None
    if_match: str | None
    if_none_exist: Pairs | None
    if_none_match: str | None
    if_modified_since: str | None = None
    found: Version | None = None
    prepared: Prepared | None = None
    change: Change | None = None
    guards: list[Guard] = field(default_factory=list)
    client: list[Guard] = field(default_factory=list)
    rewritten: dict[str, Any] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    new_id: str = field(default_factory=lambda: str(uuid4()))

    @property
    def segments(self) -> list[str]:
        """The parts of the path."""
        return [segment for segment in self.path.split("/") if segment]

    @property
    def operation(self) -> bool:
        """Whether this asks for an operation."""
        return self.path.rpartition("/")[2].startswith("$")

    @property
    def writes(self) -> bool:
        """Whether this is one of the writes that make the commit of a transaction."""
        return self.verb not in READS and not self.operation

    @property
    def where(self) -> str:
        """The FHIRPath location of the entry."""
        return f"Bundle.entry[{self.index}]"


class located:  # noqa: N801  # used as a context manager only
    """Puts the entry's location in front of the issues of an error that passes."""

    def __init__(self, step: Step) -> None:
        self._where = step.where

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RegistryError):
            error.issues = tuple(_relocate(issue, self._where) for issue in error.issues)


def _relocate(issue: Issue, where: str) -> Issue:
    inner = []
    for expression in issue.expression or ("",):
        _, dot, path = expression.partition(".")
        inside = expression[:1].isupper() and expression.partition(".")[0].isalpha()
        inner.append(f"{where}.resource{dot}{path}" if inside else f"{where}")
    return replace(issue, diagnostics=f"{where}: {issue.diagnostics}", expression=tuple(inner))


def parse_entries(entries: Sequence[dict[str, Any]], base: str) -> list[Step]:
    """Parse all entries; raises :class:`Invalid` with the problems of all of them."""
    steps: list[Step] = []
    issues: list[Issue] = []
    for index, entry in enumerate(entries):
        try:
            steps.append(parse_entry(index, entry, base))
        except RegistryError as error:
            issues.extend(error.issues)
    if issues:
        raise Invalid(issues)
    return steps


def parse_entry(index: int, entry: dict[str, Any], base: str) -> Step:
    """Parse one entry; raises :class:`Invalid` or :class:`NotSupported`."""
    where = f"Bundle.entry[{index}].request"
    request = entry.get("request")
    if not isinstance(request, dict):
        raise Invalid("An entry of a transaction or batch has a request.", code="required", expression=where)
    for name in _TEXTS & request.keys():
        if not isinstance(request[name], str) or not request[name]:
            raise Invalid(f"{name} is a text that is not empty.", code="structure", expression=f"{where}.{name}")
    verb: Any = request.get("method")
    url = request.get("url", "")
    if verb not in ORDER:
        raise Invalid(f"{verb!r} is not a method of a Bundle entry.", expression=f"{where}.method")
    if not url:
        raise Invalid("A request has a url.", code="required", expression=f"{where}.url")
    path, _, query = url.partition("?")
    path = "" if path == base else path.removeprefix(base + "/")
    segments = [segment for segment in path.split("/") if segment]
    resource, full_url = entry.get("resource"), entry.get("fullUrl")
    criteria = parse_pairs(query, f"{where}.url")
    if verb == "POST" and segments[-1:] == [_SEARCH]:
        verb, path = "GET", path.rpartition(_SEARCH)[0]
        criteria = [*criteria, *_form(resource, f"Bundle.entry[{index}].resource")]
        resource = None
        segments.pop()
    type_ = segments[0] if segments and segments[0] in definitions.resource_types() else None
    operation = bool(segments) and segments[-1].startswith("$")
    if not _is_place(verb, segments, type_, operation=operation):
        raise Invalid(f"{url!r} is no place for {verb} here.", expression=f"{where}.url")
    wanted = verb in _WITH_RESOURCE
    if wanted != isinstance(resource, dict) and not (operation and verb == "POST" and resource is None):
        raise Invalid(f"{verb} goes {'with' if wanted else 'without'} a resource.", expression=where)
    id_ = segments[1] if len(segments) > 1 and not segments[1].startswith(("$", "_")) else None
    if verb in ("PUT", "PATCH", "DELETE") and (id_ is None) != bool(criteria):
        raise Invalid(f"{verb} names one resource, by an id or by criteria.", expression=f"{where}.url")
    if verb not in READS and request.get("ifNoneMatch", "*") != "*":
        raise Invalid("ifNoneMatch of a write can only be *.", expression=f"{where}.ifNoneMatch")
    exist = request.get("ifNoneExist")
    return Step(
        index=index,
        verb=verb,
        type=type_,
        id=id_,
        path=path,
        criteria=criteria,
        full_url=full_url if isinstance(full_url, str) else None,
        resource=resource,
        if_match=request.get("ifMatch"),
        if_none_exist=None if exist is None else parse_pairs(criteria_text(exist), f"{where}.ifNoneExist"),
        if_none_match=request.get("ifNoneMatch"),
        if_modified_since=request.get("ifModifiedSince"),
    )


def _form(resource: object, where: str) -> Pairs:
    """Return the parameters of a search by POST, which may have a form in a Binary; raises :class:`Invalid`."""
    if resource is None:
        return []
    match resource:
        case {"resourceType": "Binary", "contentType": "application/x-www-form-urlencoded", "data": str(data)}:
            try:
                return parse_pairs(b64decode(data, validate=True).decode(), where)
            except ValueError as problem:
                raise Invalid(f"The form is not text in base64: {problem}.", code="value", expression=where) from None
    raise Invalid("A search goes with its form in a Binary, or without a resource.", expression=where)


def _is_place(verb: str, segments: list[str], type_: str | None, *, operation: bool) -> bool:
    """Whether there can be anything for a method at a path: what is read, and by which operation, is seen later."""
    if operation:
        return verb in ("GET", "POST") and len(segments) <= 3 and (type_ is not None) == (len(segments) > 1)
    if verb in READS:
        return (
            len(segments) <= 4 and segments[-1:] != [_SEARCH] and (type_ is not None or segments in ([], ["_history"]))
        )
    return type_ is not None and len(segments) <= (1 if verb == "POST" else 2)


def parse_pairs(text: str, where: str) -> Pairs:
    """Return the name-value pairs of a query; raises :class:`Invalid`, located at ``where``."""
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError as problem:
        raise Invalid(f"The query is not percent-encoded UTF-8: {problem}.", expression=where) from None


def answer_error(error: RegistryError) -> Entry:
    """Answer an entry that fails alone."""
    status = f"{error.status} {HTTPStatus(error.status).phrase}"
    return Entry(None, None, {"response": {"status": status, "outcome": operation_outcome(error.issues)}})


def answer_write(written: Written, base: str, returns: Returns = "minimal") -> Entry:
    """Answer a create, update, patch or delete; what could not be refused is told whatever the client wants."""
    version = written.version
    if version is None or version.json is None:
        response: dict[str, Any] = {"status": STATUS["deleted"]}
        if returns == "OperationOutcome":
            response["outcome"] = operation_outcome(())
        return Entry(None, None, {"response": response})
    full_url = f"{base}/{version.type}/{version.id}"
    response = version_response(STATUS[written.effect], version, base)
    if written.tolerated or returns == "OperationOutcome":
        response["outcome"] = operation_outcome(written.warnings)
    return Entry(version.json if returns == "representation" else None, full_url, {"response": response})


def version_response(status: str, version: Version, base: str) -> dict[str, Any]:
    """Return the response of an entry that has come to a version."""
    return {
        "status": status,
        "location": f"{base}/{version.type}/{version.id}/_history/{version.version}",
        "etag": etag(version),
        "lastModified": version.last_updated,
    }
