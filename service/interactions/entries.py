"""The entries of a transaction or batch Bundle, and what is answered to each (https://hl7.org/fhir/R5/bundle.html)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Final, Literal
from urllib.parse import parse_qsl

from service.errors import Gone, Invalid, Issue, NotSupported, RegistryError
from service.fhir import definitions
from service.fhir.bundle import Entry
from service.fhir.outcome import operation_outcome
from service.interactions.bundles import etag, present, search_bundle
from service.interactions.engine import Engine, Written
from service.interactions.prepare import Prepared
from service.interactions.read import read
from service.interactions.search import search
from service.interactions.vread import vread
from service.search.parse import Pairs, criteria_text, parse
from service.store.base import Change, Guard, Version

Verb = Literal["GET", "HEAD", "POST", "PUT", "DELETE"]
ORDER: Final[tuple[Verb, ...]] = ("DELETE", "POST", "PUT", "GET", "HEAD")
READS: Final = frozenset({"GET", "HEAD"})
_TEXTS: Final = frozenset({"method", "url", "ifNoneMatch", "ifModifiedSince", "ifMatch", "ifNoneExist"})
STATUS: Final = {"created": "201 Created", "updated": "200 OK", "unchanged": "200 OK", "deleted": "204 No Content"}


@dataclass(slots=True)
class Step:
    """One entry: where it stands in the Bundle, what it asks, and what it came to.

    ``rewritten`` is its resource with the links of the Bundle replaced, ``links`` those in it that are searches.
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
    found: Version | None = None
    prepared: Prepared | None = None
    change: Change | None = None
    guards: list[Guard] = field(default_factory=list)
    client: list[Guard] = field(default_factory=list)
    rewritten: dict[str, Any] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)

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
    verb, url = request.get("method"), request.get("url", "")
    if verb == "PATCH":
        raise NotSupported("PATCH is not supported inside of a Bundle.", expression=f"{where}.method")
    if verb not in ORDER:
        raise Invalid(f"{verb!r} is not a method of a Bundle entry.", expression=f"{where}.method")
    path, _, query = url.removeprefix(base + "/").partition("?")
    segments = [segment for segment in path.split("/") if segment]
    type_ = segments[0] if segments else None
    if type_ not in definitions.resource_types() or len(segments) > (4 if verb in ("GET", "HEAD") else 2):
        raise Invalid(f"{url!r} is no place for {verb} here.", expression=f"{where}.url")
    resource, full_url = entry.get("resource"), entry.get("fullUrl")
    if (verb in ("POST", "PUT")) != isinstance(resource, dict):
        raise Invalid(f"{verb} goes {'with' if verb in ('POST', 'PUT') else 'without'} a resource.", expression=where)
    criteria = parse_pairs(query, f"{where}.url")
    id_ = segments[1] if len(segments) > 1 else None
    if verb == "POST" and id_ is not None:
        raise Invalid("POST creates below a type; its url has no id.", expression=f"{where}.url")
    if verb in ("PUT", "DELETE") and (id_ is None) != bool(criteria):
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
    )


def parse_pairs(text: str, where: str) -> Pairs:
    """Return the name-value pairs of a query; raises :class:`Invalid`, located at ``where``."""
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError as problem:
        raise Invalid(f"The query is not percent-encoded UTF-8: {problem}.", expression=where) from None


def _read_segments(step: Step) -> list[str]:
    """Return the parts of the path of a read, vread or search of one type; raises :class:`NotSupported`."""
    segments = [segment for segment in step.path.split("/") if segment]
    if len(segments) == 3 or segments[2:3] not in ([], ["_history"]) or (len(segments) > 1 and step.criteria):
        raise NotSupported(f"{step.path} cannot be read so inside of a Bundle.", expression="request.url")
    return segments


async def check_read(engine: Engine, step: Step, writes: Mapping[tuple[str | None, str | None], Verb]) -> None:
    """Raise what a read will end in once the writes (by type and id) are done, as far as can be known before."""
    match _read_segments(step):
        case [type_]:
            parse(engine.catalogue, type_, [pair for pair in step.criteria if pair[0] != "_page"], engine.context)
        case [type_, id_, *rest] if (type_, id_) not in writes:
            await (vread(engine, type_, id_, rest[1]) if rest else read(engine, type_, id_))
        case [type_, id_] if writes[type_, id_] == "DELETE":
            raise Gone(f"{type_}/{id_} is deleted by the same transaction.")


async def answer_read(engine: Engine, step: Step, base: str) -> Entry:
    """Answer a read, vread or search of one type."""
    match _read_segments(step):
        case [type_]:
            page = await search(engine, type_, step.criteria)
            return Entry(search_bundle(page, base, type_), None, {"response": {"status": "200 OK"}})
        case [type_, id_]:
            version = await read(engine, type_, id_)
        case [type_, id_, _, number]:
            version = await vread(engine, type_, id_, number)
    json = None if step.verb == "HEAD" else present(version.json or b"")
    return Entry(json, f"{base}/{version.type}/{version.id}", {"response": _response("200 OK", version, base)})


def answer_error(error: RegistryError) -> Entry:
    """Answer an entry that fails alone."""
    status = f"{error.status} {HTTPStatus(error.status).phrase}"
    return Entry(None, None, {"response": {"status": status, "outcome": operation_outcome(error.issues)}})


def answer_write(written: Written, base: str) -> Entry:
    """Answer a create, update or delete."""
    version = written.version
    if version is None or version.json is None:
        return Entry(None, None, {"response": {"status": STATUS["deleted"]}})
    full_url = f"{base}/{version.type}/{version.id}"
    response = _response(STATUS[written.effect], version, base)
    if written.tolerated:
        response["outcome"] = operation_outcome(written.warnings)
    return Entry(None, full_url, {"response": response})


def _response(status: str, version: Version, base: str) -> dict[str, Any]:
    return {
        "status": status,
        "location": f"{base}/{version.type}/{version.id}/_history/{version.version}",
        "etag": etag(version),
        "lastModified": version.last_updated,
    }
