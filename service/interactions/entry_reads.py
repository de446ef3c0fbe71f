"""What entries of a Bundle ask without writing: reads, searches, histories and operations.

https://hl7.org/fhir/R5/http.html#trules: in a transaction they see what its writes have done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from service.errors import Gone, Invalid, NotFound, NotSupported
from service.fhir.bundle import Entry
from service.fhir.dates import interval
from service.interactions.bundles import history_bundle, names, present, search_bundle
from service.interactions.engine import Engine
from service.interactions.entries import Step, Verb, version_response
from service.interactions.history import history
from service.interactions.read import read
from service.interactions.search import search
from service.interactions.vread import vread
from service.search.parse import parse
from service.store.base import Version

OK = "200 OK"


class Operations(Protocol):
    """The operations that an entry can ask for."""

    def affects_state(self, step: Step) -> bool:
        """Whether what is asked for may change the registry; raises :class:`NotFound` where there is no such thing."""
        ...

    async def invoke(self, engine: Engine, step: Step, base: str) -> bytes:
        """Do it, and return the resource that it comes to."""
        ...


async def check_read(
    engine: Engine, step: Step, writes: Mapping[tuple[str | None, str | None], Verb], operations: Operations
) -> None:
    """Raise what a read will end in once the writes (by type and id) are done, as far as can be known before.

    An operation that changes the registry is none of the writes that a transaction makes as one.
    """
    if step.operation:
        if operations.affects_state(step):
            raise NotSupported(f"{step.path} changes the registry: it goes alone, or in a batch.", expression="url")
        return
    _since(step)
    match step.segments:
        case [] | [_]:
            if step.segments != ["_history"]:
                asked = [pair for pair in step.criteria if pair[0] != "_page"]
                parse(engine.catalogue, step.type, asked, engine.context)
                return
            await history(engine, None, None, step.criteria)
        case [type_, "_history"]:
            await history(engine, type_, None, step.criteria)
        case [type_, id_, *_] if (type_, id_) not in writes:
            await _answer(engine, step, "")
        case [type_, id_] if writes[type_, id_] == "DELETE":
            raise Gone(f"{type_}/{id_} is deleted by the same transaction.")


async def answer_read(engine: Engine, step: Step, base: str, operations: Operations) -> Entry:
    """Answer a read, vread, search, history or operation."""
    if step.operation:
        return Entry(await operations.invoke(engine, step, base), None, {"response": {"status": OK}})
    entry = await _answer(engine, step, base)
    return Entry(None, entry.full_url, entry.rest) if step.verb == "HEAD" else entry


async def _answer(engine: Engine, step: Step, base: str) -> Entry:
    match step.segments:
        case ["_history"] | [_, "_history"] | [_, _, "_history"]:
            type_, id_ = step.type, step.id
            page = await history(engine, type_, id_, step.criteria)
            return _bundle(history_bundle(page, base, "/".join(step.segments)))
        case [] | [_]:
            found = await search(engine, step.type, step.criteria)
            return _bundle(search_bundle(found, base, step.type or ""))
        case [type_, id_] if not step.criteria:
            return _version(step, await read(engine, type_, id_), base)
        case [type_, id_, "_history", number] if not step.criteria:
            return _version(step, await vread(engine, type_, id_, number), base)
    raise NotSupported(f"{step.path} cannot be read so inside of a Bundle.", expression="request.url")


def _bundle(json: bytes) -> Entry:
    return Entry(json, None, {"response": {"status": OK}})


def _version(step: Step, version: Version, base: str) -> Entry:
    full_url = f"{base}/{version.type}/{version.id}"
    if _is_fresh(step, version):
        return Entry(None, full_url, {"response": version_response("304 Not Modified", version, base)})
    return Entry(present(version.json or b""), full_url, {"response": version_response(OK, version, base)})


def _is_fresh(step: Step, version: Version) -> bool:
    if step.if_none_match is not None:  # ifModifiedSince does not count beside it (RFC 9110, 13.1.3)
        return names(step.if_none_match, version)
    since = _since(step)
    return since is not None and version.instant <= since


def _since(step: Step) -> int | None:
    """Return the instant of ifModifiedSince in milliseconds since the epoch; raises :class:`Invalid`."""
    try:
        return None if step.if_modified_since is None else interval(step.if_modified_since)[0] // 1000
    except ValueError as problem:
        raise Invalid(f"ifModifiedSince: {problem}.", expression="ifModifiedSince") from None


class NoOperations:
    """For whoever processes Bundles in which there is nothing to be asked."""

    def affects_state(self, step: Step) -> bool:
        """Refuse."""
        raise NotFound(f"There is no operation {step.path} here.", code="not-supported")

    async def invoke(self, engine: Engine, step: Step, base: str) -> bytes:
        """Refuse."""
        del engine, base
        raise NotFound(f"There is no operation {step.path} here.", code="not-supported")
