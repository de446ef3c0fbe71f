"""Export of chosen studies with all that belongs to them, study by study.

Files are of a type each, and have each resource once; or, organized by study, they have a block for each study, with
everything that belongs to it (https://hl7.org/fhir/uv/bulkdata/export.html#bulk-data-output-file-organization).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Final

from service.bulk.asking import query_of, subset
from service.bulk.chosen import chosen
from service.bulk.folder import Folder
from service.bulk.job import Kind, Part, State
from service.bulk.output import Output
from service.errors import Gone, Invalid, NotFound, Unprocessable
from service.fhir.json import dumps
from service.interactions.engine import Engine
from service.interactions.everything import STUDY, Key, everything
from service.interactions.search import seq_before
from service.search.query import And, Ids, Query
from service.store.base import Version

PIECE_BYTES: Final = 1024 * 1024
"""Bytes that are written, and packed, together."""
STEP_BYTES: Final = 64 * 1024 * 1024
"""Bytes after which files and state are brought to the disk."""
_IDS: Final = 500


class StudyExport:
    """The files of an export of chosen studies; ``part`` says how many of these are done."""

    def __init__(self, engine: Engine, job: Folder[State], state: State, part: Part) -> None:
        self._engine, self._job, self._state, self._part = engine, job, state, part
        self._kind: Kind = "organized" if state.request.organized else "output"
        # Every file there is, for each may have more on the disk than the state knows of.
        self._outputs = {
            file.type: Output(job, state, self._kind, file.type) for file in state.files if file.kind == self._kind
        }
        self._waiting: dict[str, list[bytes]] = {}
        self._size = self._unsettled = 0

    async def write(self, progress: Callable[[State], None]) -> None:
        """Write what is missing."""
        part, seq = self._part, self._state.seq
        seen: set[Key] = set()
        try:
            if self._kind == "output":  # what is shared is in the files that a process before this one wrote
                for id_ in self._state.studies[: part.position]:
                    await everything(self._engine, id_, seq, seen)
            for id_ in self._state.studies[part.position :]:
                found = await everything(self._engine, id_, seq, set() if self._kind == "organized" else seen)
                wanted = await self._wanted(found)
                self._take(id_, wanted)
                part.position += 1
                part.count += len(wanted)
                if self._size >= PIECE_BYTES:
                    await asyncio.to_thread(self._flush)
                if self._unsettled >= STEP_BYTES:
                    await asyncio.to_thread(self._settle)
                progress(self._state)
            part.done = True
            await asyncio.to_thread(self._settle)
        finally:
            for output in self._outputs.values():
                output.close()

    def _take(self, id_: str, wanted: Sequence[Version]) -> None:
        elements = self._state.request.elements
        if wanted and self._kind == "organized":
            self._add(STUDY, header(id_))
        for version in wanted:
            json = version.json or b""
            type_ = STUDY if self._kind == "organized" else version.type
            self._add(type_, subset(json, version.type, elements) if elements else json)

    def _add(self, type_: str, line: bytes) -> None:
        self._waiting.setdefault(type_, []).append(line)
        self._size += len(line)

    def _flush(self) -> None:
        for type_, lines in self._waiting.items():
            if type_ not in self._outputs:
                self._outputs[type_] = Output(self._job, self._state, self._kind, type_)
            self._outputs[type_].add(lines, whole=self._kind == "organized")
        self._waiting = {}
        self._unsettled += self._size
        self._size = 0

    def _settle(self) -> None:
        self._flush()
        for output in self._outputs.values():
            output.settle()
        self._job.save(self._state)
        self._unsettled = 0

    async def _wanted(self, found: Sequence[Version]) -> list[Version]:
        """Return what the parameters leave of what belongs to a study."""
        request = self._state.request
        left = [
            each
            for each in found
            if (not request.types or each.type in request.types)
            and (request.since is None or each.instant >= request.since)
            and (request.until is None or each.instant < request.until)
        ]
        for type_ in dict.fromkeys(text.partition("?")[0] for text in request.filters):
            ids = [each.id for each in left if each.type == type_]
            matching = await self._matching(type_, ids)
            left = [each for each in left if each.type != type_ or each.id in matching]
        return left

    async def _matching(self, type_: str, ids: Sequence[str]) -> set[str]:
        query, found = query_of(self._engine, self._state.request, type_), set[str]()
        for start in range(0, len(ids), _IDS):
            some = Query((type_,), And((query.where, Ids(tuple(ids[start : start + _IDS])))))
            found |= {each.id for each in await self._engine.store.search(some, self._state.seq, limit=_IDS)}
        return found


async def deletions(engine: Engine, state: State) -> AsyncIterator[str]:
    """Yield the places of what belonged to the studies before ``_since`` and is deleted at the snapshot.

    The studies are those that are exported, and those that would have been then.
    """
    request, seen = state.request, set[Key]()
    seq = await seq_before(engine, request.since or 0)
    studies = dict.fromkeys(state.studies)
    with suppress(NotFound, Gone, Invalid, Unprocessable):  # there was no such Group then, or nothing in it
        studies |= dict.fromkeys(await chosen(engine, request, seq))
    for id_ in studies:
        with suppress(NotFound, Gone):  # a study that came later
            before = await everything(engine, id_, seq, seen)
            keys = [(each.type, each.id) for each in before if not request.types or each.type in request.types]
            now = await engine.store.read_many(keys, state.seq)
            for type_, key in keys:
                version = now[type_, key]
                if version.json is None and (request.until is None or version.instant < request.until):
                    yield f"{type_}/{key}"


def header(id_: str) -> bytes:
    """Return the line that a study's block begins with."""
    reference = {"name": "header", "valueReference": {"reference": f"{STUDY}/{id_}"}}
    return dumps({"resourceType": "Parameters", "parameter": [reference]})
