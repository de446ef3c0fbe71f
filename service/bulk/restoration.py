"""Import of an export of this software: the same ids, version numbers and instants, byte for byte.

The files of the types are merged by instant, as the log of a registry is in that order. What is judged is only what no
policy lets pass: a backup must come back, though rules may have changed; ``trial-registry revalidate`` tells what no
longer meets today's. To begin again after an interruption loses nothing and writes nothing twice.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from service.bulk.collector import rarely
from service.bulk.job import MANIFEST
from service.bulk.manifest import EXTENSION
from service.bulk.report import Report
from service.bulk.source import Line, Problem, lines
from service.errors import Invalid, Issue, RegistryError, Unavailable, Unprocessable
from service.fhir import definitions
from service.fhir.dates import interval
from service.fhir.json import Document, elements, loads, members, open_body, parse
from service.fhir.references import is_id
from service.interactions.engine import Engine
from service.store.base import Change, Method, NotRestorable, Restored

CHUNK: Final = 1000
CHUNK_BYTES: Final = 8 * 1024 * 1024
"""Versions, and bytes, that are restored at once."""
_MICROSECONDS: Final = 1000


@dataclass(frozen=True, slots=True)
class Export:
    """An export in a folder: the files of each type, in their order; ``history``: of Bundles of all versions."""

    folder: Path
    files: dict[str, list[str]]
    history: bool

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(Path(name).stat().st_size for names in self.files.values() for name in names)


@dataclass(frozen=True, slots=True)
class Item:
    """A version in a file; ``document`` is None where it is a deletion."""

    line: Line
    type: str
    id: str
    version: int
    instant: int
    method: Method
    document: Document | None
    size: int


def find_export(path: str) -> Export | None:
    """Return the export in a folder, None where it is none of this software, or has only parts of resources.

    Raises :class:`Invalid` for a manifest that cannot be read.
    """
    try:
        manifest = loads((Path(path) / MANIFEST).read_bytes())
    except OSError:
        return None
    own = manifest.get("extension", {}).get(EXTENSION) if isinstance(manifest, dict) else None
    if own is None or not own.get("whole"):
        return None
    files: dict[str, list[str]] = {}
    for output in manifest["output"]:
        name = Path(output["url"].rpartition("/")[2]).name
        files.setdefault(output["type"], []).append(str(Path(path) / name))
    return Export(Path(path), files, bool(own.get("history")))


async def restore(engine: Engine, export: Export, report: Report) -> None:
    """Restore an export; lines that are no versions are told of and left out.

    Raises :class:`NotRestorable` where the registry has gone on by itself, so that the past cannot be put before it.
    """
    read = history_items if export.history else _current
    streams = [_read(names, read) for names in export.files.values()]
    merged = heapq.merge(*streams, key=lambda item: item[0])
    with engine.parameters.writing(), rarely():
        chunk: list[Item] = []
        size = 0
        for _, item in merged:
            if isinstance(item, _Refused):
                report.refuse(item.line, item.issues)
                continue
            chunk.append(item)
            size += item.size
            if len(chunk) >= CHUNK or size >= CHUNK_BYTES:
                await _write(engine, chunk, report)
                chunk, size = [], 0
        await _write(engine, chunk, report)


@dataclass(frozen=True, slots=True)
class _Refused:
    line: Line | Problem
    issues: Sequence[Issue]


_Ordered = tuple[int, Item | _Refused]


def _read(names: Iterable[str], read: Any) -> Iterator[_Ordered]:  # noqa: ANN401
    """Yield what is in the files of a type, each with its instant; what cannot be read has that of the one before."""
    instant = 0
    for line in (line for name in names for line in lines(name)):
        if isinstance(line, Problem):
            yield instant, _Refused(line, line.issues)
            continue
        try:
            for item in read(line):
                instant = max(instant, item.instant)
                yield item.instant, item
        except RegistryError as error:
            yield instant, _Refused(line, error.issues)


def _current(line: Line) -> Iterator[Item]:
    document = parse(line.text)
    meta = document.data.get("meta")
    if not isinstance(meta, dict):
        raise Invalid("A version has meta.versionId and meta.lastUpdated.", code="required", expression="meta")
    version, instant = _number(meta.get("versionId"), "meta.versionId"), _instant(meta.get("lastUpdated"))
    # The interaction that made it is not in a resource; whoever needs it exports the history.
    method: Method = "PUT"
    yield _item(line, document, version, instant, method, len(line.text))


def _item(line: Line, document: Document, version: int, instant: int, method: Method, size: int) -> Item:
    type_, id_ = document.data.get("resourceType"), document.data.get("id")
    if not isinstance(type_, str) or not isinstance(id_, str) or not is_id(id_):
        raise Invalid("A version has a resourceType and an id.", code="required", expression="id")
    return Item(line, type_, id_, version, instant, method, document, size)


def history_items(line: Line) -> Iterator[Item]:
    """Yield the versions of a history Bundle, the oldest first; the exact text of each is cut out of the line."""
    document = parse(line.text)
    text, data = document.text, document.data
    if data.get("resourceType") != "Bundle" or data.get("type") != "history":
        raise Invalid("A history is a Bundle of type history.", expression="Bundle.type")
    if not isinstance(data.get("entry", []), list):
        raise Invalid("The entries of a Bundle are an array.", code="structure", expression="Bundle.entry")
    starts = elements(text, members(text)["entry"].value) if "entry" in data else []
    for number in range(len(starts) - 1, -1, -1):
        where, entry = f"Bundle.entry[{number}]", data["entry"][number]
        try:
            request, response = entry["request"], entry["response"]
            method = cast(Method, request["method"])
            etag, modified = str(response["etag"]), response["lastModified"]
            type_, _, id_ = str(request["url"]).partition("/")
        except (KeyError, TypeError):
            raise Invalid(
                "An entry of a history has request and response.", code="required", expression=where
            ) from None
        version, instant = _number(etag.removeprefix("W/").strip('"'), f"{where}.response.etag"), _instant(modified)
        if method == "DELETE":
            if type_ not in definitions.resource_types() or not is_id(id_):
                raise Invalid(f"{request['url']!r} is no resource.", code="value", expression=f"{where}.request.url")
            yield Item(line, type_, id_, version, instant, method, None, 100)
            continue
        if method not in ("POST", "PUT") or "resource" not in entry:
            raise Invalid("An entry is a POST, PUT or DELETE of a resource.", expression=f"{where}.request.method")
        _, start, end = members(text, starts[number])["resource"]
        yield _item(line, parse(text[start:end].encode()), version, instant, method, end - start)


def _number(text: object, where: str) -> int:
    if not isinstance(text, str) or not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < 1:
        raise Invalid(f"{text!r} is not the number of a version.", code="value", expression=where)
    return int(text)


def _instant(text: object) -> int:
    try:
        return interval(str(text))[0] // _MICROSECONDS
    except ValueError as problem:
        raise Invalid(f"{problem}.", code="value", expression="meta.lastUpdated") from None


async def _write(engine: Engine, chunk: list[Item], report: Report) -> None:
    if not chunk:
        return
    missing = await _missing(engine, chunk, report)
    prepared: list[tuple[Item, Restored]] = []
    for item in missing:
        try:
            prepared.append((item, restored(engine, item)))
        except RegistryError as error:
            report.refuse(item.line, error.issues)
    try:
        number = await engine.restore([version for _, version in prepared])
    except (NotRestorable, Unavailable):
        raise
    except RegistryError:  # of one of them, which the store says when each is alone
        number = await _one_by_one(engine, prepared, report)
    report.restored += number
    report.read(sum(item.size for item in chunk))


async def _one_by_one(engine: Engine, prepared: list[tuple[Item, Restored]], report: Report) -> int:
    number = 0
    for item, version in prepared:
        try:
            number += await engine.restore([version])
        except (NotRestorable, Unavailable):
            raise
        except RegistryError as error:
            report.refuse(item.line, error.issues)
    return number


async def _missing(engine: Engine, chunk: list[Item], report: Report) -> list[Item]:
    """Return those versions that are not there, as far as that is seen at once."""
    if (await engine.store.head()).instant < chunk[0].instant:
        return chunk
    found = await engine.store.read_many(list(dict.fromkeys((item.type, item.id) for item in chunk)))
    missing: list[Item] = []
    for item in chunk:
        version = found.get((item.type, item.id))
        text = item.document.text.encode() if item.document else None
        if version and (version.version, version.instant, version.json) == (item.version, item.instant, text):
            report.unchanged += 1
        else:
            missing.append(item)
    return missing


def restored(engine: Engine, item: Item) -> Restored:
    """Return a version as a store takes it; raises :class:`Unprocessable` where it is what no policy lets pass."""
    document = item.document
    if document is None:
        return Restored(Change(item.type, item.id, "DELETE", None), item.version, item.instant)
    if problems := engine.policy.intolerable(document.data):
        raise Unprocessable(problems)
    body = open_body(document, item.id)
    change = Change(item.type, item.id, item.method, body, engine.rows(document.data))
    return Restored(change, item.version, item.instant)
