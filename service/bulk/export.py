"""Export: a consistent snapshot as NDJSON, resumable (https://hl7.org/fhir/uv/bulkdata/export.html).

Everything is read at one seq, so that what others write meanwhile is not in it, however long it takes; what is in
memory is two pages. Stored JSON is copied as it is unless elements of it are asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from hashlib import blake2b
from typing import Final

from service.bulk.asking import check_request, query_of, subset
from service.bulk.chosen import chosen
from service.bulk.folder import Folder
from service.bulk.job import MANIFEST, ExportRequest, Kind, Part, State
from service.bulk.manifest import manifest
from service.bulk.output import Output
from service.bulk.studies import StudyExport, deletions
from service.errors import Conflict
from service.fhir import definitions
from service.fhir.bundle import bundle
from service.fhir.json import dumps
from service.interactions.bundles import history_entry
from service.interactions.engine import Engine
from service.interactions.everything import STUDY
from service.search.query import Query
from service.store.base import SEQ_BITS, HistoryQuery, Store, Version

PAGE: Final = 2000
"""Versions that are read at once."""
STEP_BYTES: Final = 64 * 1024 * 1024
"""Bytes after which files and state are brought to the disk: what may have to be written again after a crash."""
BUNDLE_ENTRIES: Final = 100
"""Versions in one Bundle of a history, and deletions in one Bundle of them."""

Progress = Callable[[State], None]
Piece = tuple[list[bytes], int, int]
"""Lines, the position where one goes on after them, and the number of versions that they have."""


async def begin(engine: Engine, job: Folder[State], request: ExportRequest) -> State:
    """Return the state of the export in a folder; it begins, at today's snapshot, where there is none.

    Raises :class:`Invalid` for a request that is not understood, and :class:`Conflict` where the folder has another
    export, one of another registry, or one that is complete.
    """
    if job.exists:
        state = job.load()
        if state.registry != _mark(engine.store):
            raise Conflict(f"{job.folder} has an export of another registry.")
        if state.request != request:
            raise Conflict(f"{job.folder} has an export that was asked for with other parameters.")
        if state.status == "complete":
            raise Conflict(f"{job.folder} has a complete export; another one needs a folder of its own.")
        return state
    check_request(engine, request)
    head = await engine.store.head()
    if request.by_study:
        studies = await chosen(engine, request, head.seq)
        parts = [Part("organized" if request.organized else "output", STUDY)]
        if request.since is not None:
            parts.append(Part("deleted", "Bundle"))
        state = State(request, _mark(engine.store), head.seq, head.instant, len(studies), parts, studies=studies)
        await asyncio.to_thread(job.save, state)
        return state
    parts = [Part("history", "Bundle")] if request.history else await _parts(engine, request, head.seq)
    total = await _total(engine, request, parts, head.seq)
    state = State(request, _mark(engine.store), head.seq, head.instant, total, parts)
    await asyncio.to_thread(job.save, state)
    return state


async def export(engine: Engine, job: Folder[State], state: State, progress: Progress = lambda _: None) -> None:
    """Write what is missing; the state says when it is complete, and there is a manifest then."""
    state.status, state.problem = "running", ""
    for part in state.parts:
        if part.done:
            continue
        if state.request.by_study and part.kind != "deleted":
            await StudyExport(engine, job, state, part).write(progress)
        else:
            await _write(engine, job, state, part, progress)
    content = manifest(state)
    await asyncio.to_thread(job.replace, MANIFEST, content)
    state.status = "complete"
    await asyncio.to_thread(job.save, state)


async def _write(engine: Engine, job: Folder[State], state: State, part: Part, progress: Progress) -> None:
    kind: Kind = part.kind
    output = Output(job, state, kind, part.type)
    size = 0
    try:
        async with aclosing(_pieces(engine, state, part)) as pieces:
            async for lines, position, number in pieces:
                await asyncio.to_thread(output.add, lines)
                part.position = position
                part.count += number
                size += sum(map(len, lines))
                if size >= STEP_BYTES:
                    await asyncio.to_thread(_settle, job, state, output)
                    size = 0
                progress(state)
        part.done = True
        await asyncio.to_thread(_settle, job, state, output)
    finally:
        output.close()


def _settle(job: Folder[State], state: State, output: Output) -> None:
    output.settle()
    job.save(state)


def _pieces(engine: Engine, state: State, part: Part) -> AsyncGenerator[Piece, None]:
    match part.kind:
        case "output":
            return _resources(engine, state, part)
        case "deleted" if state.request.by_study:
            return _deletions_of_studies(engine, state)
        case "deleted":
            return _deletions(engine.store, state, part)
        case _:
            return _history(engine.store, state, part)


async def _resources(engine: Engine, state: State, part: Part) -> AsyncGenerator[Piece, None]:
    query = query_of(engine, state.request, part.type)
    elements = state.request.elements
    page = await engine.store.search(query, state.seq, after=part.position or None, limit=PAGE)
    while page:
        position = page[-1].position
        # The next page is read while this one is written.
        following = asyncio.ensure_future(engine.store.search(query, state.seq, after=position, limit=PAGE))
        try:
            lines = [version.json or b"" for version in page]
            yield [subset(line, part.type, elements) for line in lines] if elements else lines, position, len(lines)
            page = await following
        finally:
            following.cancel()


async def _deletions(store: Store, state: State, part: Part) -> AsyncGenerator[Piece, None]:
    """Yield Bundles of what was deleted and is still deleted, newest first."""
    request = state.request
    query = HistoryQuery(part.type, since=request.since, before=request.until)
    before = part.position or None
    while page := await store.history(query, state.seq, before=before, limit=PAGE):
        before = page[-1].position
        gone = [version for version in page if version.json is None]
        current = await store.read_many([(version.type, version.id) for version in gone], state.seq)
        urls = [f"{each.type}/{each.id}" for each in gone if current[each.type, each.id].position == each.position]
        yield _transactions(urls), before, len(urls)


async def _deletions_of_studies(engine: Engine, state: State) -> AsyncGenerator[Piece, None]:
    urls = [url async for url in deletions(engine, state)]
    yield _transactions(urls), 0, len(urls)


def _transactions(urls: list[str]) -> list[bytes]:
    """Return Bundles that delete what is at these places."""
    entries = [{"request": {"method": "DELETE", "url": url}} for url in urls]
    parts = [entries[start : start + BUNDLE_ENTRIES] for start in range(0, len(entries), BUNDLE_ENTRIES)]
    return [dumps({"resourceType": "Bundle", "type": "transaction", "entry": part}) for part in parts]


async def _history(store: Store, state: State, part: Part) -> AsyncGenerator[Piece, None]:
    """Yield history Bundles: the oldest first, and in each, as FHIR has it, the newest entry first."""
    request, entries, lines = state.request, list[Version](), list[bytes]()
    async with aclosing(store.tail(max(0, (part.position >> SEQ_BITS) - 1))) as log:  # type: ignore[type-var]
        async for version in log:
            if version.seq > state.seq:
                break
            if version.position <= part.position or not _wanted(version, request):
                continue
            entries.append(version)
            if len(entries) == BUNDLE_ENTRIES:
                lines.append(_bundle(entries, request.base))
                entries.clear()
                if len(lines) * BUNDLE_ENTRIES >= PAGE:
                    yield lines, version.position, len(lines) * BUNDLE_ENTRIES
                    lines = []
    number = len(lines) * BUNDLE_ENTRIES + len(entries)
    if entries:
        lines.append(_bundle(entries, request.base))
    if lines:
        yield lines, (state.seq + 1) << SEQ_BITS, number


def _wanted(version: Version, request: ExportRequest) -> bool:
    return (
        (not request.types or version.type in request.types)
        and (request.since is None or version.instant >= request.since)
        and (request.until is None or version.instant < request.until)
    )


def _bundle(versions: list[Version], base: str) -> bytes:
    entries = [history_entry(each, base, created=each.version == 1) for each in reversed(versions)]
    return bundle("history", entries)


async def _parts(engine: Engine, request: ExportRequest, seq: int) -> list[Part]:
    types = sorted(request.types or definitions.resource_types())
    found = [type_ for type_ in types if await engine.store.count(Query((type_,)), seq, limit=1)]
    parts = [Part("output", type_) for type_ in found]
    if request.since is not None:
        parts += [Part("deleted", type_) for type_ in types]
    return parts


async def _total(engine: Engine, request: ExportRequest, parts: list[Part], seq: int) -> int:
    if request.history:
        wanted = [HistoryQuery(type_, since=request.since, before=request.until) for type_ in request.types or (None,)]
        return sum([await engine.store.history_count(query, seq) for query in wanted])
    types = [part.type for part in parts if part.kind == "output"]
    return sum([await engine.store.count(query_of(engine, request, type_), seq) for type_ in types])


def _mark(store: Store) -> str:
    return blake2b(store.secret, digest_size=16, person=b"bulk export").hexdigest()
