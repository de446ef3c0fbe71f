"""Export and import: backup, restore, and a move between stores."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from service.bulk.export import begin, export
from service.bulk.job import ExportRequest, Job
from service.bulk.report import Report
from service.bulk.restoration import find_export, restore
from service.compose import build_engine
from service.errors import Conflict
from service.interactions.delete import delete
from service.interactions.engine import Engine
from service.interactions.patch import patch
from service.interactions.search import search
from service.interactions.update import update
from service.settings import Settings
from service.store import sqlite
from service.store.base import NotRestorable
from tests.contract.making import listed
from tests.support import mongo
from tests.support.stores import open_at

pytestmark = pytest.mark.anyio

WHOLE, HISTORY = ExportRequest(), ExportRequest(history=True, base="https://example.org/fhir")


@pytest.fixture
async def stack(anyio_backend: str) -> AsyncIterator[AsyncExitStack]:  # noqa: ARG001
    """What closes the stores at the end."""
    async with AsyncExitStack() as found:
        yield found


async def embedded(stack: AsyncExitStack) -> Engine:
    """Return an engine over an empty store in memory."""
    store = await sqlite.open_store(None)
    stack.push_async_callback(store.close)
    return build_engine(store, Settings())


@pytest.fixture
async def other(stack: AsyncExitStack, mongo_server: mongo.Server, mongo_database: str) -> Engine:
    """An engine over an empty store of the other kind."""
    store = await open_at("mongo" if mongo_server.mode == "on" else "mongo-single-writer", mongo_database)
    stack.push_async_callback(store.close)
    return build_engine(store, Settings())


def group(id_: str, **members: Any) -> bytes:
    """Return a small valid Group as a person would write it."""
    resource = {"resourceType": "Group", "id": id_, "type": "person", "membership": "definitional", **members}
    return json.dumps(resource, indent=1).encode()


@pytest.fixture
async def engine(stack: AsyncExitStack) -> Engine:
    """A registry with a past: updates, a patch, a deletion, a resource that came back, odd text."""
    found = await embedded(stack)
    for number in range(230):
        await update(found, "Group", f"g{number}", group(f"g{number}", name=f"Group {number}"))
    await update(found, "Group", "g1", group("g1", name="\\u0041 \u2028 é 😀", quantity=1))
    await patch(found, "Group", "g2", b'[{"op":"replace","path":"/name","value":"patched"}]', "json")
    for gone in ("g3", "g4"):
        await delete(found, "Group", gone)
    await update(found, "Group", "g4", group("g4", name="back"))
    text = (
        '{"resourceType":"Location","id":"l","meta":{"tag":[{"code":"x"}]},"position":{"longitude":1.50,"latitude":-0}}'
    )
    await update(found, "Location", "l", text.encode())
    return found


async def exported(engine: Engine, folder: Path, request: ExportRequest) -> dict[str, bytes]:
    """Export and return what all files but the job's own say."""
    job = Job(folder)
    folder.mkdir(exist_ok=True)
    with job.held():
        await export(engine, job, await begin(engine, job, request))
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.name not in ("job.json", "lock")}


async def restored(engine: Engine, folder: Path) -> Report:
    """Restore an export."""
    found, report = find_export(str(folder)), Report()
    assert found is not None
    await restore(engine, found, report)
    return report


@pytest.mark.parametrize(("request_", "versions"), [(WHOLE, 230), (HISTORY, 236)], ids=["current", "history"])
async def test_to_the_other_store_and_back(
    engine: Engine, other: Engine, stack: AsyncExitStack, tmp_path: Path, request_: ExportRequest, versions: int
) -> None:
    """Export, import on the other store, export, import back, export: all files are the same, byte for byte."""
    first = await exported(engine, tmp_path / "first", request_)
    assert (await restored(other, tmp_path / "first")).counts["restored"] == versions
    assert await exported(other, tmp_path / "second", request_) == first
    back = await embedded(stack)
    assert (await restored(back, tmp_path / "second")).counts["restored"] == versions
    assert await exported(back, tmp_path / "third", request_) == first
    if request_.history:
        kept = [(each.type, each.id, each.version, each.instant, each.json) async for each in engine.store.tail(0)]
        there = [(each.type, each.id, each.version, each.instant, each.json) async for each in back.store.tail(0)]
        # An export has one line for a resource, so a text that came in several comes back in one.
        assert [(*each[:4], json.loads(each[4] or b"null")) for each in there] == [
            (*each[:4], json.loads(each[4] or b"null")) for each in kept
        ]


async def test_restored_is_found(engine: Engine, stack: AsyncExitStack, tmp_path: Path) -> None:
    """What is restored is indexed, and what is written later goes on from its number."""
    await exported(engine, tmp_path, WHOLE)
    back = await embedded(stack)
    await restored(back, tmp_path)
    page = await search(back, "Group", [("name", "patched")])
    assert [version.id for version in page.versions] == ["g2"]
    written = await update(back, "Group", "g4", group("g4", name="anew"))
    assert written.version is not None
    assert written.version.version == 4


async def test_again(engine: Engine, stack: AsyncExitStack, tmp_path: Path) -> None:
    """The same export once more writes nothing."""
    await exported(engine, tmp_path, HISTORY)
    back = await embedded(stack)
    await restored(back, tmp_path)
    seq = (await back.store.head()).seq
    assert (await restored(back, tmp_path)).counts["restored"] == 0
    assert (await back.store.head()).seq == seq


async def test_into_a_registry_that_lives(engine: Engine, stack: AsyncExitStack, tmp_path: Path) -> None:
    """The past cannot be put before the present: it is refused, and nothing is written."""
    await exported(engine, tmp_path, WHOLE)
    back = await embedded(stack)
    await update(back, "Group", "own", group("own"))
    with pytest.raises(NotRestorable):
        await restored(back, tmp_path)
    assert len(await listed(back.store.tail(0))) == 1


async def test_lines_that_are_no_versions(engine: Engine, stack: AsyncExitStack, tmp_path: Path) -> None:
    """A line that is damaged, or no R5 at all, is told of with its place, and all others are restored."""
    await exported(engine, tmp_path, WHOLE)
    file = tmp_path / "Group.0001.ndjson"
    lines = file.read_bytes().split(b"\n")
    lines[2], lines[5] = b"{]", lines[5].replace(b'"definitional"', b'"nonsense"')
    lines[7] = lines[7].replace(b'"versionId":"1"', b'"versionId":"x"')
    file.write_bytes(b"\n".join(lines))
    back, told = await embedded(stack), list[dict[str, Any]]()
    found = find_export(str(tmp_path))
    assert found is not None
    report = Report(told.append)
    await restore(back, found, report)
    assert (report.restored, report.refused) == (227, 3)
    places = {(each["extension"][0]["valueString"], each["issue"][0]["extension"][-2]["valueInteger"]) for each in told}
    assert places == {(str(file), 3), (str(file), 6), (str(file), 8)}
    expressions = [each["issue"][0].get("expression") for each in told]
    assert sorted(filter(None, expressions)) == [["Group.membership"], ["meta.versionId"]]


async def test_folder_has_one_export(engine: Engine, stack: AsyncExitStack, tmp_path: Path) -> None:
    """A folder with an export takes no other, be it complete or not, of this registry or of another."""
    request = ExportRequest(types=("Group",))
    state = await begin(engine, Job(tmp_path), request)
    assert state.total == 229
    with pytest.raises(Conflict, match="other parameters"):
        await begin(engine, Job(tmp_path), WHOLE)
    with pytest.raises(Conflict, match="another registry"):
        await begin(await embedded(stack), Job(tmp_path), request)
    await exported(engine, tmp_path, request)
    with pytest.raises(Conflict, match="complete"):
        await begin(engine, Job(tmp_path), request)
