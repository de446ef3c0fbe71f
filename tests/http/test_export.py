"""$export: asked for, asked about, fetched, cancelled (https://hl7.org/fhir/uv/bulkdata/export.html)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from service.bulk.job import Job
from service.errors import Conflict
from tests.http.conftest import Configured
from tests.support.asking import BASE, Fhir, refused, study
from tests.support.jobs import ASYNC, begun, below, complete, exported, names, resources

pytestmark = pytest.mark.anyio


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """Where the files of exports lie."""
    return tmp_path / "exports"


@pytest.fixture
def fhir(configured: Configured, exports: Path) -> Fhir:
    """A client of an application whose files are in a folder of the test."""
    return configured(export_dir=str(exports))


async def let_go(job: Job) -> None:
    """Return once nobody holds a job."""
    for _ in range(1000):
        try:
            with job.held():
                return
        except Conflict:
            await asyncio.sleep(0.01)
    raise AssertionError("the job is held for ever")


async def test_everything(fhir: Fhir) -> None:
    """All current resources are in the files, as a read gives them; the manifest says of when and of what."""
    group = {"resourceType": "Group", "id": "g", "type": "person", "membership": "definitional"}
    await fhir.store(study("a"), study("b", title="é"), group, study("gone"))
    await fhir.delete("ResearchStudy/gone")
    manifest = await exported(fhir)
    assert manifest["request"] == f"{BASE}/$export"
    assert manifest["requiresAccessToken"] is False
    assert manifest["error"] == []
    assert "deleted" not in manifest
    newest = (await fhir.get("_history?_count=1")).json()["entry"][0]["response"]["lastModified"]
    assert manifest["transactionTime"] == newest
    found = await resources(fhir, manifest)
    assert names(found) == ["Group/g", "ResearchStudy/a", "ResearchStudy/b"]
    assert found[2] == (await fhir.get("ResearchStudy/b")).json()


async def test_packed(fhir: Fhir) -> None:
    """A file comes packed to a client that takes gzip, and plain to one that does not."""
    await fhir.store(study("a"))
    manifest = await exported(fhir)
    path = below(manifest["output"][0]["url"])
    packed, plain = await fhir.get(path, Accept_Encoding="gzip"), await fhir.get(path, Accept_Encoding="identity")
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert (await fhir.get(path, Accept_Encoding="gzip;q=0")).content == plain.content


async def test_parameters(fhir: Fhir) -> None:
    """_type, _typeFilter (several are alternatives) and _elements say what is exported; POST takes them too."""
    group = {"resourceType": "Group", "id": "g", "type": "person", "membership": "definitional", "name": "x"}
    await fhir.store(
        study("a", title="one"), study("b", title="two", status="draft"), study("c", status="retired"), group
    )
    manifest = await exported(fhir, "$export?_type=ResearchStudy&_typeFilter=ResearchStudy%3Fstatus%3Dactive%2Cdraft")
    assert names(await resources(fhir, manifest)) == ["ResearchStudy/a", "ResearchStudy/b"]
    parameters = [
        {"name": "_typeFilter", "valueString": "ResearchStudy?title=one"},
        {"name": "_typeFilter", "valueString": "ResearchStudy?status=retired"},
        {"name": "_elements", "valueString": "ResearchStudy.status,id"},
    ]
    manifest = await exported(fhir, "$export", {"resourceType": "Parameters", "parameter": parameters})
    found = await resources(fhir, manifest)
    assert names(found) == ["Group/g", "ResearchStudy/a", "ResearchStudy/c"]
    assert "title" not in found[1]
    assert [tag["code"] for tag in found[1]["meta"]["tag"]] == ["SUBSETTED"]


async def test_since(fhir: Fhir) -> None:
    """With _since there is only what has changed, and what was deleted and is still deleted, as transactions."""
    await fhir.store(study("a"), study("gone"), study("back"))
    first = await exported(fhir)
    await asyncio.sleep(0.002)
    await fhir.store(study("b"))
    for id_ in ("gone", "back"):
        await fhir.delete(f"ResearchStudy/{id_}")
    await fhir.store(study("back", title="again"))
    since = (await fhir.get("ResearchStudy/b")).json()["meta"]["lastUpdated"]
    assert since > first["transactionTime"]
    manifest = await exported(fhir, f"$export?_since={since}")
    assert names(await resources(fhir, manifest)) == ["ResearchStudy/b", "ResearchStudy/back"]
    [bundle] = await resources(fhir, manifest, "deleted")
    assert bundle["type"] == "transaction"
    assert bundle["entry"] == [{"request": {"method": "DELETE", "url": "ResearchStudy/gone"}}]
    assert names(await resources(fhir, await exported(fhir, f"$export?_until={since}"))) == ["ResearchStudy/a"]


async def test_snapshot(fhir: Fhir) -> None:
    """What is written after the request is not in the files, though they are written later."""
    await fhir.store(study("a"))
    where = await begun(fhir)
    await fhir.store(study("a", title="later"), study("b"))
    manifest = (await complete(fhir, where)).json()
    [found] = await resources(fhir, manifest)
    assert "title" not in found


REFUSED = {
    "synchronous": ("$export", {}, "invalid", "Prefer"),
    "type": ("$export?_type=Nothing", ASYNC, "value", "_type"),
    "format": ("$export?_outputFormat=text/csv", ASYNC, "invalid", "_outputFormat"),
    "instant": ("$export?_since=yesterday", ASYNC, "invalid", "_since"),
    "filter": ("$export?_typeFilter=Group%3Fcolour=red", ASYNC, "invalid", "colour"),
    "element": ("$export?_elements=colour", ASYNC, "value", "_elements"),
    "unknown": ("$export?colour=red", ASYNC, "invalid", "colour"),
    "patient": ("$export?organizeOutputBy=Patient", ASYNC, "not-supported", "organizeOutputBy"),
}


@pytest.mark.parametrize(("path", "headers", "code", "where"), REFUSED.values(), ids=REFUSED)
async def test_refused(fhir: Fhir, exports: Path, path: str, headers: dict[str, str], code: str, where: str) -> None:
    """What is not understood is refused at once, and leaves nothing behind."""
    refused(await fhir.get(path, **headers), 400, code, where)
    assert not exports.exists() or not list(exports.iterdir())


async def test_cancel(fhir: Fhir, exports: Path) -> None:
    """A cancelled export, be it complete or not, is gone with its files."""
    await fhir.store(study("a"))
    for ended in (False, True):
        where = await begun(fhir)
        files = (await complete(fhir, where)).json()["output"] if ended else []
        assert (await fhir.delete(where)).status_code == 202
        refused(await fhir.get(where), 404, "not-found")
        refused(await fhir.delete(where), 404, "not-found")
        for each in files:
            refused(await fhir.get(below(each["url"])), 404, "not-found")
    assert list(exports.iterdir()) == []


async def test_expiry(configured: Configured, exports: Path) -> None:
    """After the hours of the setting an export is gone."""
    fhir = configured(export_dir=str(exports), job_hours=0.01 / 3600)
    where = await begun(fhir)
    for _ in range(1000):
        if (await fhir.get(where)).status_code == 404:
            break
        await asyncio.sleep(0.01)
    refused(await fhir.get(where), 404, "not-found")
    assert list(exports.iterdir()) == []


async def test_other_names(fhir: Fhir) -> None:
    """There is nothing under any other name: neither files of other kinds nor of other folders."""
    where = await begun(fhir)
    await complete(fhir, where)
    job = where.rpartition("/")[2]
    for path in ("job.json", "..%2Fjob.json", "%252E%252E%252Fjob.json", "lock"):
        assert (await fhir.get(f"$export-file/{job}/{path}")).status_code == 404
    for name in ("nothing", "%252E%252E", job.upper()):
        assert (await fhir.get(f"$export-status/{name}")).status_code == 404


async def test_process_that_died(configured: Configured, exports: Path) -> None:
    """An export whose process is gone is written by the one that is asked about it."""
    fhir = configured(export_dir=str(exports))
    await fhir.store(study("a"))
    where = await begun(fhir)
    job = Job(exports / where.rpartition("/")[2])
    await complete(fhir, where)
    state = job.load()
    [file] = state.files
    # As a killed process leaves it: more on the disk than the state knows of.
    (job.folder / file.name).write_bytes(b"half a line")
    (job.folder / "manifest.json").unlink()
    state.files.clear()
    state.status = "running"
    for part in state.parts:
        part.position, part.count, part.done = 0, 0, False
    job.save(state)
    another = configured(export_dir=str(exports))
    manifest = (await complete(another, where)).json()
    assert names(await resources(another, manifest)) == ["ResearchStudy/a"]


async def test_one_process_at_a_time(fhir: Fhir, exports: Path) -> None:
    """While another process writes an export, this one only tells how far it is."""
    await fhir.store(study("a"))
    where = await begun(fhir)
    job = Job(exports / where.rpartition("/")[2])
    await complete(fhir, where)
    state = job.load()
    state.status = "running"
    await let_go(job)
    with job.held():
        job.save(state)
        for _ in range(3):
            assert (await fhir.get(where)).status_code == 202
            await asyncio.sleep(0.01)
        assert job.load().status == "running"
    assert (await complete(fhir, where)).status_code == 200


async def test_capabilities(fhir: Fhir) -> None:
    """The capability statement names the operation by HL7's definition."""
    [rest] = (await fhir.get("metadata")).json()["rest"]
    found = {each["name"]: each["definition"] for each in rest["operation"]}
    assert found["export"] == "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export"
