"""$export of chosen studies: of a study, of those of a Group or a List, organized by type or by study."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from service.bulk import output, studies
from service.bulk.job import ExportRequest, Job, State
from service.compose import open_engine
from service.errors import Unavailable
from service.settings import Settings
from tests.http.conftest import Configured
from tests.support.asking import Fhir, Json, outcome, refused, study
from tests.support.jobs import ASYNC, begun, below, complete, exported, names, resources

pytestmark = pytest.mark.anyio

ORGANIZED = "organizeOutputBy=ResearchStudy"


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    """Where the files of exports lie."""
    return tmp_path / "exports"


@pytest.fixture
def fhir(configured: Configured, exports: Path) -> Fhir:
    """A client of an application whose files are in a folder of the test."""
    return configured(export_dir=str(exports))


def group(id_: str, **members: object) -> Json:
    """Return a small valid Group."""
    return {"resourceType": "Group", "id": id_, "type": "person", "membership": "definitional", **members}


def has(reference: str, *, exclude: bool = False) -> Json:
    """Return a characteristic that refers to something."""
    return {"code": {"text": "x"}, "valueReference": {"reference": reference}, "exclude": exclude}


def items(id_: str, *references: str, **members: object) -> Json:
    """Return a List of these."""
    entries = [{"item": {"reference": each}} for each in references]
    members |= {"entry": entries} if entries else {}
    return {"resourceType": "List", "id": id_, "status": "current", "mode": "working", **members}


async def three(fhir: Fhir) -> None:
    """Three studies: ``a`` and ``b`` share a citation; what is about ``c`` is a Group; a Location belongs to none."""
    citation = {"resourceType": "Citation", "id": "shared", "status": "active"}
    await fhir.store(
        citation,
        {"resourceType": "Location", "id": "alone", "name": "nobody's"},
        group("a-arm"),
        group("b-whole"),
        study("a", result=[{"reference": "Citation/shared"}], comparisonGroup=[arm("a-arm")]),
        study(
            "b", result=[{"reference": "Citation/shared"}], recruitment={"eligibility": {"reference": "Group/b-whole"}}
        ),
        study("c", status="draft"),
        group("c-all", characteristic=[has("ResearchStudy/c")]),
    )


def arm(id_: str) -> Json:
    """Return a comparison group."""
    return {"linkId": id_, "name": id_, "observedGroup": {"reference": f"Group/{id_}"}}


A = ["Citation/shared", "Group/a-arm", "ResearchStudy/a"]
B = ["Citation/shared", "Group/b-whole", "ResearchStudy/b"]
C = ["Group/c-all", "ResearchStudy/c"]


async def found(fhir: Fhir, path: str, body: object = None) -> list[str]:
    """Export and return the names of all resources, sorted."""
    return sorted(names(await resources(fhir, await exported(fhir, path, body))))


async def blocks(fhir: Fhir, path: str) -> list[list[str]]:
    """Export by study and return the names in each block, its header first."""
    manifest = await exported(fhir, path)
    assert manifest["outputOrganizedBy"] == "ResearchStudy"
    listed: list[list[str]] = []
    for file in manifest["output"]:
        assert "type" not in file
        lines = [json.loads(line) for line in (await fhir.get(below(file["url"]))).text.splitlines()]
        assert len(lines) == file["count"]
        for line in lines:
            if line["resourceType"] == "Parameters":
                [parameter] = line["parameter"]
                assert parameter["name"] == "header"
                listed.append([parameter["valueReference"]["reference"]])
            else:
                listed[-1] += names([line])
    return listed


async def test_of_studies(fhir: Fhir) -> None:
    """Of an instance that study with all that belongs to it; of the type all, each resource once."""
    await three(fhir)
    assert await found(fhir, "ResearchStudy/a/$export") == A
    assert await found(fhir, "ResearchStudy/c/$export") == C
    assert await found(fhir, "ResearchStudy/$export") == sorted({*A, *B, *C})
    manifest = await exported(fhir, "ResearchStudy/$export")
    assert [each["type"] for each in manifest["output"]] == ["ResearchStudy", "Citation", "Group"]


async def test_chosen_by_a_parameter(fhir: Fhir) -> None:
    """The parameter study, in the body, says which of the studies are wanted; one that is not there is an error."""
    await three(fhir)

    def body(*references: str) -> Json:
        listed = [{"name": "study", "valueReference": {"reference": each}} for each in references]
        return {"resourceType": "Parameters", "parameter": listed}

    both = body("ResearchStudy/c", "http://registry.test/fhir/ResearchStudy/a")
    assert await found(fhir, "ResearchStudy/$export", both) == sorted({*A, *C})
    for wrong, code in (("ResearchStudy/x", "not-found"), ("Group/a-arm", "value"), ("nonsense", "value")):
        response = await fhir.post("ResearchStudy/$export", body("ResearchStudy/c", wrong), **ASYNC)
        refused(response, 400, code, "study")
    await fhir.store(items("l", "ResearchStudy/a", "ResearchStudy/b"))
    assert await found(fhir, "List/l/$export", body("ResearchStudy/b")) == B
    refused(await fhir.post("List/l/$export", body("ResearchStudy/c"), **ASYNC), 400, "not-found", "study")


async def test_of_groups(fhir: Fhir) -> None:
    """A Group names a study by a characteristic, as its arm, as its population, and by Groups that it is made of."""
    await three(fhir)
    assert await found(fhir, "Group/c-all/$export") == C
    assert await found(fhir, "Group/a-arm/$export") == A
    assert await found(fhir, "Group/b-whole/$export") == B
    await fhir.store(
        group("both", characteristic=[has("Group/a-arm"), has("ResearchStudy/b", exclude=True)]),
        group("of-groups", membership="enumerated", member=[{"entity": {"reference": "Group/both"}}]),
        group("round", characteristic=[has("Group/round"), has("ResearchStudy/gone")]),
    )
    assert await found(fhir, "Group/both/$export") == A
    assert await found(fhir, "Group/of-groups/$export") == A
    refused(await fhir.get("Group/round/$export", **ASYNC), 422, "processing")


async def test_of_lists(fhir: Fhir) -> None:
    """A List names its studies and those of its Groups; an entry that is deleted does not count, nor does a twin."""
    await three(fhir)
    listed = items("l", "ResearchStudy/a", "Group/a-arm", "Group/c-all", "ResearchStudy/a")
    listed["entry"].append({"deleted": True, "item": {"reference": "ResearchStudy/b"}})
    await fhir.store({**listed, "mode": "changes"}, items("empty"))
    assert await found(fhir, "List/l/$export") == sorted({*A, *C})
    refused(await fhir.get("List/empty/$export", **ASYNC), 422, "processing")
    await fhir.store(items("wrong", "ResearchStudy/a", "ResearchStudy/x", "Citation/shared"))
    response = await fhir.get("List/wrong/$export", **ASYNC)
    refused(response, 422, "not-found", "List.entry[1].item")
    assert [each["expression"] for each in outcome(response)] == [["List.entry[1].item"], ["List.entry[2].item"]]


@pytest.mark.parametrize("path", ["ResearchStudy/x", "Group/x", "List/x"])
async def test_not_there(fhir: Fhir, exports: Path, path: str) -> None:
    """An instance that is not there, or no more, is refused, and leaves nothing behind."""
    refused(await fhir.get(f"{path}/$export", **ASYNC), 404, "not-found")
    await fhir.store(study("x"), group("x"), items("x"))
    await fhir.delete(path)
    refused(await fhir.get(f"{path}/$export", **ASYNC), 410, "deleted")
    refused(await fhir.get(f"{path}/$export"), 400, "invalid", "Prefer")
    assert not exports.exists() or not list(exports.iterdir())


async def test_organized(fhir: Fhir) -> None:
    """By study: a header, the study, and all that belongs to it; what is shared is in each block, the rest nowhere."""
    await three(fhir)
    listed = {block[0]: block[1:] for block in await blocks(fhir, f"$export?{ORGANIZED}")}
    assert [block[0] for block in listed.values()] == list(listed)
    assert {header: sorted(block) for header, block in listed.items()} == {
        "ResearchStudy/a": A,
        "ResearchStudy/b": B,
        "ResearchStudy/c": C,
    }
    [block] = await blocks(fhir, f"Group/c-all/$export?{ORGANIZED}")
    assert block == ["ResearchStudy/c", "ResearchStudy/c", "Group/c-all"]
    refused(await fhir.get("ResearchStudy/$export?organizeOutputBy=Group", **ASYNC), 400, "not-supported")


async def test_blocks_are_not_split(fhir: Fhir, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block is in one file, though it be larger than a file would be; the next begins another."""
    monkeypatch.setattr(output, "FILE_LINES", 3)
    monkeypatch.setattr(studies, "PIECE_BYTES", 1)
    await three(fhir)
    manifest = await exported(fhir, f"ResearchStudy/$export?{ORGANIZED}")
    assert [each["count"] for each in manifest["output"]] == [4, 4, 3]


async def test_parameters(fhir: Fhir) -> None:
    """_type, _elements, _typeFilter, _since and _until leave parts of what belongs to the studies."""
    await three(fhir)
    assert await found(fhir, "ResearchStudy/$export?_type=Citation,Group") == [
        "Citation/shared",
        "Group/a-arm",
        "Group/b-whole",
        "Group/c-all",
    ]
    filtered = "ResearchStudy/$export?_typeFilter=ResearchStudy%3Fstatus%3Ddraft&_type=ResearchStudy,Group"
    assert await found(fhir, filtered) == ["Group/a-arm", "Group/b-whole", "Group/c-all", "ResearchStudy/c"]
    listed = {block[0]: block[1:] for block in await blocks(fhir, f"{filtered}&{ORGANIZED}")}
    assert listed["ResearchStudy/a"] == ["Group/a-arm"]
    [only] = await resources(fhir, await exported(fhir, "ResearchStudy/c/$export?_elements=id&_type=ResearchStudy"))
    assert [tag["code"] for tag in only["meta"]["tag"]] == ["SUBSETTED"]
    await asyncio.sleep(0.002)
    await fhir.store(study("a", title="later", comparisonGroup=[arm("a-arm")]))
    since = (await fhir.get("ResearchStudy/a")).json()["meta"]["lastUpdated"]
    manifest = await exported(fhir, f"ResearchStudy/$export?_since={since}")
    assert names(await resources(fhir, manifest)) == ["ResearchStudy/a"]
    assert manifest["deleted"] == []
    assert "ResearchStudy/a" not in await found(fhir, f"ResearchStudy/$export?_until={since}")
    refused(await fhir.get("ResearchStudy/$export?_type=Nothing", **ASYNC), 400, "value", "_type")
    refused(await fhir.get("ResearchStudy/$export?patient=x", **ASYNC), 400, "invalid", "patient")


async def deleted(fhir: Fhir, path: str) -> list[str]:
    """Export and return what the manifest says was deleted."""
    bundles = await resources(fhir, await exported(fhir, path), "deleted")
    assert {each["type"] for each in bundles} <= {"transaction"}
    requests = [entry["request"] for each in bundles for entry in each["entry"]]
    assert {each["method"] for each in requests} <= {"DELETE"}
    return sorted(each["url"] for each in requests)


async def test_deletions(fhir: Fhir) -> None:
    """export.html, deleted: what belonged to the studies before _since and is deleted now, and nothing else."""
    await three(fhir)
    await fhir.store(study("later-gone"), group("back"), study("d", comparisonGroup=[arm("back")]))
    await asyncio.sleep(0.002)
    await fhir.store(study("b"))
    since = (await fhir.get("ResearchStudy/b")).json()["meta"]["lastUpdated"]
    await fhir.store(study("new", comparisonGroup=[arm("new-arm")]), group("new-arm"))
    for place in ("Group/a-arm", "Location/alone", "Group/b-whole", "ResearchStudy/later-gone", "Group/new-arm"):
        await fhir.delete(place)
    await fhir.delete("Group/back")
    await fhir.store(group("back"))
    assert await deleted(fhir, f"ResearchStudy/a/$export?_since={since}") == ["Group/a-arm"]
    assert await deleted(fhir, f"ResearchStudy/c/$export?_since={since}") == []
    assert await deleted(fhir, f"ResearchStudy/new/$export?_since={since}") == []
    every = f"ResearchStudy/$export?_since={since}"
    assert await deleted(fhir, every) == ["Group/a-arm", "Group/b-whole", "ResearchStudy/later-gone"]
    assert await deleted(fhir, f"{every}&{ORGANIZED}&_type=Group") == ["Group/a-arm", "Group/b-whole"]
    assert await deleted(fhir, f"{every}&_until={since}") == []
    listed = items("l", "ResearchStudy/a", "ResearchStudy/new")
    await fhir.store(listed)
    assert await deleted(fhir, f"List/l/$export?_since={since}") == ["Group/a-arm"]


async def test_a_store_that_fails_is_no_absent_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """That the studies of an earlier moment cannot be read ends the export: deletions are not left out in silence."""

    async def chosen(*_: object) -> list[str]:
        raise Unavailable("The store is gone.")

    monkeypatch.setattr(studies, "chosen", chosen)
    request = ExportRequest(since=0, place="Group/g")
    async with open_engine(Settings(store="sqlite://")) as engine:
        state = State(request, "registry", 0, 0, 0, [])
        with pytest.raises(Unavailable):
            assert [each async for each in studies.deletions(engine, state)]


@pytest.mark.parametrize("query", ["", f"?{ORGANIZED}"], ids=["by type", "by study"])
async def test_process_that_died(
    configured: Configured, exports: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    """What a killed process left is cut off, and the studies that were not done follow; nothing is lost or twice."""
    monkeypatch.setattr(studies, "PIECE_BYTES", 1)
    monkeypatch.setattr(studies, "STEP_BYTES", 1)
    fhir = configured(export_dir=str(exports))
    await three(fhir)
    where = await begun(fhir, f"ResearchStudy/$export{query}")
    job = Job(exports / where.rpartition("/")[2])
    whole = (await complete(fhir, where)).json()
    before = await texts(fhir, whole)
    state = job.load()
    # As it is after the first study, and some more that the state does not know of.
    part, done = (
        state.parts[0],
        len([line for text in before.values() for line in text if "/a" in line or "Cit" in line]),
    )
    assert done
    part.position, part.count, part.done, state.status = 1, 3, False, "running"
    for file in list(state.files):
        path = job.folder / file.name
        lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
        kept = lines[:4] if query else lines[: {"Citation": 1, "Group": 1, "ResearchStudy": 1}[file.type]]
        packed = gzip.compress(b"".join(kept))
        path.write_bytes(packed + b"half a member")
        file.count, file.bytes, file.text = len(kept), len(packed), sum(map(len, kept))
    job.save(state)
    another = configured(export_dir=str(exports))
    assert await texts(another, (await complete(another, where)).json()) == before


async def texts(fhir: Fhir, manifest: dict[str, Any]) -> dict[str, list[str]]:
    """Return the lines of each file, by its name."""
    return {
        file["url"].rpartition("/")[2]: (await fhir.get(below(file["url"]))).text.splitlines()
        for file in manifest["output"]
    }


async def test_snapshot(fhir: Fhir) -> None:
    """Studies, and what belongs to them, are as they were when the export was begun."""
    await three(fhir)
    where = await begun(fhir, "ResearchStudy/a/$export")
    await fhir.delete("ResearchStudy/a")
    await fhir.delete("Citation/shared")
    assert sorted(names(await resources(fhir, (await complete(fhir, where)).json()))) == A


async def test_import_of_what_is_organized(configured: Configured, exports: Path) -> None:
    """A file that is organized by study can be imported: its headers are no resources."""
    fhir = configured(export_dir=str(exports), import_dir=str(exports / "imports"))
    await three(fhir)
    manifest = await exported(fhir, f"ResearchStudy/a/$export?{ORGANIZED}")
    content = (await fhir.get(below(manifest["output"][0]["url"]))).content
    response = await fhir.post("$import", content, **ASYNC, Content_Type="application/fhir+ndjson")
    imported = (await complete(fhir, below(response.headers["content-location"]))).json()
    assert [each["count"] for each in imported["output"]] == [3]
    assert imported["error"] == []


async def test_capabilities(fhir: Fhir) -> None:
    """The capability statement names the operation at each of the types, and of the system by HL7's definition."""
    [rest] = (await fhir.get("metadata")).json()["rest"]
    found = {each["type"]: each.get("operation", []) for each in rest["resource"]}
    for type_, id_ in (("ResearchStudy", "study-export"), ("Group", "group-export"), ("List", "group-export")):
        [url] = [each["definition"] for each in found[type_] if each["name"] == "export"]
        assert url == f"https://trial-registry.example.org/fhir/OperationDefinition/{id_}"
    [url] = [each["definition"] for each in rest["operation"] if each["name"] == "export"]
    assert url == "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export"
