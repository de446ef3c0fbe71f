"""Import of resources from elsewhere: each is checked and written as by an update, many in one commit.

A line that is refused is told of, and the others go on. A resource keeps its id; where it has none, it gets one that is
made of its place and content, as does what a transaction creates, so that the same import again changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

from service.bulk.collector import rarely
from service.bulk.report import Report
from service.bulk.source import Line, Problem
from service.errors import Invalid, Issue, NotSupported, RegistryError, Unavailable
from service.fhir import definitions
from service.fhir.json import Document, dumps, parse, with_member
from service.interactions.engine import Engine
from service.interactions.entries import parse_entries
from service.interactions.prepare import Prepared, check_size, prepare
from service.interactions.transaction import bundle_entries, write

CHUNK: Final = 1000
"""Resources of one commit."""
CHUNK_BYTES: Final = 8 * 1024 * 1024
TURN: Final = 20
"""Resources after which others in this process have their turn."""
_NAMESPACE: Final = UUID("5f0d7dd5-8d0c-4d39-9d58-3f8a5d4b7c11")
_HELD: Final = frozenset({"collection", "searchset", "batch-response", "transaction-response"})
"""Bundles that are nothing but a wrapping of resources."""

_NOT_HERE: Final = {
    "batch": "A batch is processed over HTTP; an import takes a transaction, a collection, or resources.",
    "history": "A history can be imported only as a whole export of this software, in its folder.",
}


@dataclass(frozen=True, slots=True)
class _Pending:
    line: Line
    prepared: Prepared


class Import:
    """An import under way; ``base`` is the FHIR base URL that links of its transactions are relative to.

    ``type_`` is the one that all lines must be of, ``source`` what a resource gets as its ``meta.source`` if it has
    none; both may be empty. ``settled`` is told the number of a line when what is before and in it has been written.
    """

    def __init__(
        self,
        engine: Engine,
        report: Report,
        base: str,
        *,
        type_: str = "",
        source: str = "",
        settled: Callable[[int], Awaitable[None]] | None = None,
    ) -> None:
        self._engine, self._report, self._base = engine, report, base
        self._type, self._source, self._settled = type_, source, settled
        self._pending: dict[tuple[str, str], _Pending] = {}
        self._size = self._turn = self._last = 0

    async def take(self, lines: Iterable[Line | Problem]) -> None:
        """Take lines until the end, and write what is left; raises :class:`Unavailable` where the store is gone."""
        with self._engine.parameters.writing(), rarely():
            for line in lines:
                if self._full:
                    await self._flush()
                if isinstance(line, Problem):
                    self._report.refuse(line, line.issues)
                else:
                    await self._take(line)
                    self._report.read(len(line.text))
                self._last = line.number
            await self._flush()

    @property
    def _full(self) -> bool:
        return len(self._pending) >= CHUNK or self._size >= CHUNK_BYTES

    async def _take(self, line: Line) -> None:
        try:
            document = parse(line.text)
            data = document.data
            type_ = data.get("resourceType")
            if self._type not in ("", type_):
                raise Invalid(f"The file is said to have {self._type} only, not {type_!r}.", expression="resourceType")
            if type_ == "Parameters" and _is_header(data):
                return
            if type_ == "Bundle" and data.get("type") == "transaction":
                await self._flush()
                await self._transaction(line, document)
            elif type_ == "Bundle" and data.get("type") in _HELD:
                for number, entry in enumerate(_resources(data)):
                    await self._resource(line, parse(dumps(entry)), f"Bundle.entry[{number}].resource", number)
            elif type_ == "Bundle" and data.get("type") in _NOT_HERE:
                raise NotSupported(_NOT_HERE[data["type"]], expression="Bundle.type")
            else:
                await self._resource(line, document)
        except Unavailable:
            raise
        except RegistryError as error:
            self._report.refuse(line, error.issues)

    async def _transaction(self, line: Line, document: Document) -> None:
        steps = parse_entries(bundle_entries(document.data), self._base)
        for step in steps:
            step.new_id = _made_id(line, document, step.index)
        for written in (await write(self._engine, steps, self._base)).values():
            self._report.written(line, written)
        self._last = line.number
        await self._flush()

    async def _resource(self, line: Line, document: Document, where: str = "", number: int = 0) -> None:
        self._turn = (self._turn + 1) % TURN
        if not self._turn:
            await asyncio.sleep(0)
        size = len(document.text)
        try:
            prepared = await self._prepared(line, document, number)
        except Unavailable:
            raise
        except RegistryError as error:
            self._report.refuse(line, [_within(issue, where) for issue in error.issues])
            return
        change = prepared.change
        if (change.type, change.id) in self._pending or (number and self._full):
            await self._flush(whole=not where)
        self._pending[change.type, change.id] = _Pending(line, prepared)
        self._size += size

    async def _prepared(self, line: Line, document: Document, number: int) -> Prepared:
        check_size(self._engine, len(document.text.encode()))
        type_, id_ = document.data.get("resourceType"), document.data.get("id")
        if type_ not in definitions.resource_types():
            raise Invalid(f"{type_!r} is not a resource type of FHIR R5.", expression="resourceType")
        made = _made_id(line, document, number) if id_ is None else str(id_)
        if self._source:
            document = _with_source(document, self._source)
        return await prepare(self._engine, document, made, "POST" if id_ is None else "PUT")

    async def _flush(self, *, whole: bool = True) -> None:
        """Write what is pending; ``whole``: there is nothing in it of a line of which more is to come."""
        pending, self._pending, self._size = list(self._pending.values()), {}, 0
        if pending:
            await self._write(pending)
        if self._settled is not None and whole and self._last:
            await self._settled(self._last)

    async def _write(self, pending: Sequence[_Pending]) -> None:
        try:
            await self._commit(pending)
        except Unavailable:
            raise
        except RegistryError:  # of one of them; which one shows when each is written alone
            for each in pending:
                try:
                    await self._commit([each])
                except Unavailable:
                    raise
                except RegistryError as error:
                    self._report.refuse(each.line, error.issues)

    async def _commit(self, pending: Sequence[_Pending]) -> None:
        committed = await self._engine.commit([each.prepared.change for each in pending], ())
        for each, done in zip(pending, committed, strict=True):
            self._report.written(each.line, each.prepared.written(done))


def _resources(data: dict[str, Any]) -> list[dict[str, Any]]:
    entries = data.get("entry", [])
    found = [entry.get("resource") if isinstance(entry, dict) else None for entry in entries]
    if not all(isinstance(each, dict) for each in found):
        raise Invalid("Every entry of the Bundle has a resource.", code="structure", expression="Bundle.entry")
    return [each for each in found if each is not None]


def _is_header(data: dict[str, Any]) -> bool:
    """Whether this begins the block of a resource in an export that is organized by such."""
    match data.get("parameter"):
        case [{"name": "header", "valueReference": _}]:
            return True
        case _:
            return False


def _made_id(line: Line, document: Document, number: int) -> str:
    return str(uuid5(_NAMESPACE, f"{Path(line.source).name}\n{line.number}\n{number}\n{document.text}"))


def _with_source(document: Document, source: str) -> Document:
    meta = document.data.get("meta", {})
    if not isinstance(meta, dict) or "source" in meta:  # what is not an object is refused with all else that is wrong
        return document
    return with_member(document, "meta", {**meta, "source": source})


def _within(issue: Issue, where: str) -> Issue:
    if not where:
        return issue
    places = tuple(where + each[len(each.partition(".")[0]) :] for each in issue.expression)
    return Issue(issue.severity, issue.code, issue.diagnostics, places or (where,), issue.rule, issue.profile)
