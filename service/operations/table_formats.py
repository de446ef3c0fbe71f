"""A results table as text/csv (RFC 4180), NDJSON or Parquet, streamed; and its data dictionary (CSV on the Web).

No cell is changed on its way out, neither rounded nor guarded: docs/tables.md says why. A decimal is never a float.
"""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from service.errors import NotAcceptable, TooLarge
from service.fhir.json import JsonNumber, dumps
from service.operations.call import Call
from service.operations.table import EVIDENCE, Table, table
from service.registry.table.dictionary import DICTIONARY
from service.search.parse import Pairs

CSV: Final = "text/csv; charset=utf-8; header=present"
CSVM: Final = "application/csvm+json"
NAMES: Final = [column.name for column in DICTIONARY]
_TYPES: Final = [column.type for column in DICTIONARY]
_DATATYPES: Final[Mapping[str, str]] = {"dateTime": "dateTimeStamp"}
MAX_BINARY: Final = 10 * 1024 * 1024
"""Bytes of a table that fit a Binary; it cannot be streamed."""
GROUP: Final = 10_000
"""Rows of a row group of Parquet at the least, but for the last."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """A body that is made while it is sent, and headers that go with it."""

    body: AsyncIterator[bytes]
    headers: Mapping[str, str] = field(default_factory=dict)


async def as_csv(call: Call) -> Streamed:
    """Return the table as CSV, with a link to its data dictionary."""
    found = await table(call)
    link = f'<{_url(call, found.criteria, _format="csvm")}>; rel="describedby"; type="{CSVM}"'
    return Streamed(csv_of(found), {**_file("csv"), "link": link})


async def csv_of(found: Table) -> AsyncIterator[bytes]:
    """Yield the CSV of a table: a header row, then a piece for each page."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(NAMES)
    async for rows in found.pages:
        writer.writerows(rows)
        if text := out.getvalue():  # an empty piece may end the answer
            yield text.encode()
        out.seek(0)
        out.truncate()


async def as_ndjson(call: Call) -> Streamed:
    """Return the table as JSON, one object a line; an empty cell is left out."""
    return Streamed(_ndjson(await table(call)), _file("ndjson"))


async def _ndjson(found: Table) -> AsyncIterator[bytes]:
    async for rows in found.pages:
        lines = (dumps({name: _json(type_, cell) for name, type_, cell in _cells(row) if cell}) for row in rows)
        if rows:
            yield b"".join(line + b"\n" for line in lines)


def _cells(row: list[str]) -> Any:  # noqa: ANN401  # an iterator of three texts
    return zip(NAMES, _TYPES, row, strict=True)


def _json(type_: str, cell: str) -> object:
    return int(cell) if type_ == "integer" else JsonNumber(cell) if type_ == "decimal" else cell


async def as_parquet(call: Call) -> Streamed:
    """Return the table as Parquet; raises :class:`NotAcceptable` where the package for it is not installed.

    Integers are int64, all else is text: no type of Parquet keeps the digits of each decimal.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise NotAcceptable(
            "Parquet needs pyarrow, which is not installed here: pip install 'trial-registry[parquet]'. "
            "CSV and NDJSON need nothing.",
            expression="_format",
        ) from None
    types = {"integer": pyarrow.int64()}
    schema = pyarrow.schema([(name, types.get(type_, pyarrow.string())) for name, type_, _ in _cells(NAMES)])
    found = await table(call)

    async def body() -> AsyncIterator[bytes]:
        sink = _Sink()
        rows: list[list[str]] = []
        with pyarrow.parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
            async for page in found.pages:
                rows += page
                if len(rows) >= GROUP:
                    writer.write_table(pyarrow.table(_by_column(rows), schema))
                    rows = []
                    yield sink.taken()
            writer.write_table(pyarrow.table(_by_column(rows), schema))
        yield sink.taken()

    return Streamed(body(), _file("parquet"))


def _by_column(rows: list[list[str]]) -> dict[str, list[object]]:
    columns = zip(*rows, strict=True) if rows else ([] for _ in NAMES)
    return {
        name: [None if not cell else int(cell) if type_ == "integer" else cell for cell in cells]
        for name, type_, cells in zip(NAMES, _TYPES, columns, strict=True)
    }


class _Sink(io.RawIOBase):
    """A file that only grows, and whose content is taken away as it does."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401  # any buffer
        part = bytes(data)
        self._parts.append(part)
        self._size += len(part)
        return len(part)

    def tell(self) -> int:
        return self._size

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


async def as_binary(call: Call) -> bytes:
    """Return the table as a Binary with the CSV; raises :class:`TooLarge` where only a stream can carry it."""
    parts: list[bytes] = []
    size = 0
    async for part in csv_of(await table(call)):
        parts.append(part)
        size += len(part)
        if size > MAX_BINARY:
            raise TooLarge(f"The table has more than {MAX_BINARY} bytes: ask for text/csv.", expression="_format")
    data = base64.b64encode(b"".join(parts)).decode()
    return dumps({"resourceType": "Binary", "contentType": CSV.partition(";")[0], "data": data})


async def as_dictionary(call: Call) -> Streamed:
    """Return the data dictionary of the table (https://www.w3.org/TR/tabular-metadata/)."""
    body = dumps(dictionary(_url(call, call.inputs.pairs, _format="csv")), pretty=True)

    async def whole() -> AsyncIterator[bytes]:
        yield body

    return Streamed(whole())


def dictionary(url: str) -> dict[str, Any]:
    """The data dictionary of the table at a URL."""
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "url": url,
        "dialect": {"header": True, "lineTerminators": ["\r\n"], "encoding": "utf-8"},
        "tableSchema": {
            "columns": [
                {
                    "name": column.name,
                    "titles": column.name,
                    "datatype": _DATATYPES.get(column.type, column.type),
                    "dc:description": column.words,
                    "rdfs:comment": column.path,
                }
                for column in DICTIONARY
            ],
            "primaryKey": ["evidence", "position"],
        },
    }


def _url(call: Call, criteria: Pairs, **shown: str) -> str:
    place = f"{EVIDENCE}/{call.id}" if call.id is not None else EVIDENCE
    asked = [each for each in criteria if each[0] != "_id" or call.id is None]
    return f"{call.base}/{place}/$table?{urlencode([*asked, *shown.items()])}"


def _file(ending: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="results.{ending}"'}
