"""Resources from elsewhere: what is written, what is refused, and that the others go on."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from service.bulk.ordinary import CHUNK, Import
from service.bulk.report import Report
from service.bulk.source import find_files, lines
from service.compose import build_engine
from service.interactions.engine import Engine
from service.interactions.search import search
from service.settings import Settings
from service.store import sqlite
from tests.contract.making import listed

pytestmark = pytest.mark.anyio

BASE = "https://example.org/fhir"
TEMPORARY = "urn:uuid:0d9a1ed5-3a1f-4d8c-8bd5-0a2a5a0f4c11"


@pytest.fixture
async def engine(anyio_backend: str) -> AsyncIterator[Engine]:  # noqa: ARG001
    """An engine over an empty store."""
    store = await sqlite.open_store(None)
    yield build_engine(store, Settings())
    await store.close()


def group(**members: Any) -> dict[str, Any]:
    """Return a small valid Group."""
    return {"resourceType": "Group", "type": "person", "membership": "definitional", **members}


def ndjson(path: Path, *resources: object) -> Path:
    """Write lines."""
    path.write_text("\n".join(each if isinstance(each, str) else json.dumps(each) for each in resources))
    return path


async def imported(engine: Engine, *paths: Path) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Import files; return the counts that are not 0, and the outcomes."""
    told: list[dict[str, Any]] = []
    report = Report(told.append)
    files = find_files([str(path) for path in paths])
    await Import(engine, report, BASE).take(line for file in files for line in lines(file))
    return {name: number for name, number in report.counts.items() if number}, told


async def test_chunks(engine: Engine, tmp_path: Path) -> None:
    """Many resources are in few commits, and each is found afterwards."""
    file = ndjson(tmp_path / "a.ndjson", *(group(id=f"g{number}", name=f"n{number}") for number in range(CHUNK + 7)))
    assert await imported(engine, file) == ({"created": CHUNK + 7}, [])
    assert (await engine.store.head()).seq == 2
    page = await search(engine, "Group", [("name", f"n{CHUNK + 6}")])
    assert [version.id for version in page.versions] == [f"g{CHUNK + 6}"]


async def test_again(engine: Engine, tmp_path: Path) -> None:
    """The same import again changes nothing, also of what has no id; so one that was interrupted is begun again."""
    file = ndjson(tmp_path / "a.ndjson", group(id="g"), group(name="same"), group(name="same"))
    assert await imported(engine, file) == ({"created": 3}, [])
    assert await imported(engine, file) == ({"unchanged": 3}, [])


async def test_refused_lines(engine: Engine, tmp_path: Path) -> None:
    """Each line with an error is told of: the file, the line and column, the FHIRPath; the others are written."""
    file = ndjson(
        tmp_path / "a.ndjson",
        group(id="a"),
        "{]",
        {"resourceType": "Nothing"},
        group(id="b", quantity=-1),
        group(id="c d"),
        group(id="e"),
    )
    counts, told = await imported(engine, file)
    assert counts == {"created": 2, "refused": 4}
    assert {each["extension"][0]["valueString"] for each in told} == {str(file)}
    places = [tuple(part["valueInteger"] for part in each["issue"][0]["extension"][-2:]) for each in told]
    assert [line for line, _ in places] == [2, 3, 4, 5]
    assert told[2]["issue"][0]["expression"] == ["Group.quantity"]
    assert json.dumps(group(id="b", quantity=-1))[places[2][1] - 1 :] == '"quantity": -1}'


async def test_same_resource_twice(engine: Engine, tmp_path: Path) -> None:
    """Lines take effect in their order: the later one of the same id is the newer version."""
    file = ndjson(tmp_path / "a.ndjson", group(id="g", name="one"), group(id="g", name="two"))
    assert await imported(engine, file) == ({"created": 1, "updated": 1}, [])
    assert [version.version for version in await listed(engine.store.tail(0))] == [1, 2]


async def test_bundles(engine: Engine, tmp_path: Path) -> None:
    """A transaction is processed with its links, of a collection each resource is written; a batch is refused."""
    item = {"item": {"reference": TEMPORARY}}
    list_ = {"resourceType": "List", "id": "l", "status": "current", "mode": "working", "entry": [item]}
    transaction = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": TEMPORARY, "resource": group(), "request": {"method": "POST", "url": "Group"}},
            {"resource": list_, "request": {"method": "PUT", "url": "List/l"}},
        ],
    }
    held = [{"resource": group(id="a")}, {"resource": group(id="b", quantity=-1)}]
    collection = {"resourceType": "Bundle", "type": "collection", "entry": held}
    file = ndjson(tmp_path / "a.ndjson", transaction, collection, {"resourceType": "Bundle", "type": "batch"})
    counts, told = await imported(engine, file)
    assert counts == {"created": 3, "refused": 2}
    assert [each["issue"][0]["expression"] for each in told] == [
        ["Bundle.type"],
        ["Bundle.entry[1].resource.quantity"],
    ] or [each["issue"][0]["expression"] for each in told] == [["Bundle.entry[1].resource.quantity"], ["Bundle.type"]]
    version = await engine.store.read("List", "l")
    assert version is not None
    assert b'"reference":"Group/' in (version.json or b"")


async def test_a_transaction_again(engine: Engine, tmp_path: Path) -> None:
    """An import that is repeated, as after a crash, creates nothing twice, be it in a transaction."""
    one, other = ({"identifier": [{"system": "urn:x", "value": value}]} for value in ("one", "other"))
    entries = [
        {"fullUrl": TEMPORARY, "resource": group(), "request": {"method": "POST", "url": "Group"}},
        {"resource": group(**one), "request": {"method": "PUT", "url": "Group?identifier=one"}},
        {"resource": group(**other), "request": {"method": "POST", "url": "Group", "ifNoneExist": "identifier=other"}},
    ]
    transaction = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    file = ndjson(tmp_path / "a.ndjson", transaction, transaction)
    assert await imported(engine, file) == ({"created": 4, "unchanged": 2}, [])
    before = await engine.store.head()
    assert await imported(engine, file) == ({"unchanged": 6}, [])
    assert await engine.store.head() == before


async def test_forms_of_files(engine: Engine, tmp_path: Path) -> None:
    """NDJSON and JSON over several lines are told apart by what they say, and packed ones are unpacked."""
    (tmp_path / "a.json").write_text(json.dumps(group(id="a"), indent=2))
    (tmp_path / "b.ndjson.gz").write_bytes(gzip.compress(json.dumps(group(id="b")).encode() + b"\n\n"))
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "c.json.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + json.dumps(group(id="c"), indent=2).encode()))
    assert await imported(engine, tmp_path) == ({"created": 3}, [])


async def test_packed_file_that_is_cut_off(engine: Engine, tmp_path: Path) -> None:
    """A packed file that ends too early is told of, after what could be read of it."""
    whole = gzip.compress("\n".join(json.dumps(group(id=f"g{number}")) for number in range(5000)).encode())
    (tmp_path / "a.ndjson.gz").write_bytes(whole[: len(whole) // 2])
    counts, told = await imported(engine, tmp_path)
    assert counts["refused"] >= 1
    assert counts["created"] > 0
    assert "not whole" in told[-1]["issue"][0]["diagnostics"]
