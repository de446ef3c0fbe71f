"""$import: sent or fetched, asked about, told of, cancelled (https://github.com/smart-on-fhir/bulk-import)."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.api import bulk_import
from service.bulk.fetch import Fetch
from service.bulk.importing import EXTENSION, ImportJob
from tests.http.conftest import Configured
from tests.support.asking import BASE, Fhir, refused, study
from tests.support.jobs import ASYNC, complete

pytestmark = pytest.mark.anyio

NDJSON = {**ASYNC, "Content_Type": "application/fhir+ndjson"}
PLACE = "https://files.test/out"


@dataclass(frozen=True)
class Sent:
    """What another server answers."""

    content: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Answers = dict[str, Sent]


@pytest.fixture
def imports(tmp_path: Path) -> Path:
    """Where the files of imports lie."""
    return tmp_path / "imports"


@pytest.fixture
def fhir(configured: Configured, imports: Path) -> Fhir:
    """A client of an application whose files are in a folder of the test."""
    return configured(import_dir=str(imports))


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """Another server, as URL -> what it answers; any other URL must never be asked for."""
    answers: Answers = {}

    def answer(request: httpx.Request) -> httpx.Response:
        sent = answers[str(request.url)]
        return httpx.Response(sent.status, headers=sent.headers, stream=httpx.ByteStream(sent.content))

    transport = httpx.MockTransport(answer)
    monkeypatch.setattr(bulk_import, "Fetch", partial(Fetch, transport=transport))
    return answers


def ndjson(*resources: object) -> bytes:
    """Return lines; what is text is a line as it is."""
    return "".join((each if isinstance(each, str) else json.dumps(each)) + "\n" for each in resources).encode()


def manifest_of(*urls: str, **members: Any) -> dict[str, Any]:
    """Return the JSON of a request for these files."""
    return {
        "inputFormat": "application/fhir+ndjson",
        "inputSource": "https://source.test/fhir",
        "input": [{"type": "ResearchStudy", "url": url} for url in urls],
        **members,
    }


async def begun(fhir: Fhir, body: object, headers: dict[str, str]) -> str:
    """Ask for an import and return where to ask about it."""
    response = await fhir.post("$import", body, **headers)
    assert response.status_code == 202, response.text
    assert response.json()["resourceType"] == "OperationOutcome"
    return response.headers["content-location"].removeprefix(f"{BASE}/")


async def imported(fhir: Fhir, body: object, headers: dict[str, str]) -> dict[str, Any]:
    """Import and return the manifest."""
    response = await complete(fhir, await begun(fhir, body, headers))
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    assert "expires" in response.headers
    found: dict[str, Any] = response.json()
    return found


async def outcomes(fhir: Fhir, item: dict[str, Any]) -> list[dict[str, Any]]:
    """Fetch the OperationOutcomes of an item of a manifest."""
    response = await fhir.get(item["url"].removeprefix(f"{BASE}/"))
    assert response.headers["content-type"] == "application/fhir+ndjson"
    found = [json.loads(line) for line in response.text.splitlines()]
    assert len(found) == item["count"]
    assert {each["resourceType"] for each in found} == {"OperationOutcome"}
    return found


def counts(item: dict[str, Any]) -> dict[str, int]:
    """Return the counts of an item of a manifest that are not 0."""
    return {name: number for name, number in item["extension"][EXTENSION].items() if number}


PACKINGS: dict[str, tuple[Callable[[bytes], bytes], dict[str, str]]] = {
    "plain": (bytes, {"Content_Type": "application/fhir+ndjson"}),
    "coding": (gzip.compress, {"Content_Type": "application/fhir+ndjson", "Content_Encoding": "gzip"}),
    "file": (gzip.compress, {"Content_Type": "application/fhir+ndjson"}),
    "type": (gzip.compress, {"Content_Type": "application/gzip"}),
    "members": (lambda text: gzip.compress(text[:7]) + gzip.compress(text[7:]), {"Content_Type": "application/ndjson"}),
}


@pytest.mark.parametrize(("pack", "headers"), PACKINGS.values(), ids=PACKINGS)
async def test_upload(fhir: Fhir, imports: Path, pack: Callable[[bytes], bytes], headers: dict[str, str]) -> None:
    """What is sent, packed or not, is written under its ids; the manifest counts it, and the file sent is not kept."""
    await fhir.store(study("b", title="old"))
    body = pack(ndjson(study("a"), study("b", title="new"), study()))
    manifest = await imported(fhir, body, {**ASYNC, **headers})
    [item] = manifest["output"]
    assert manifest["error"] == []
    assert manifest["request"] == f"{BASE}/$import"
    assert item["count"] == 3
    assert counts(item) == {"created": 2, "updated": 1}
    read = (await fhir.get("ResearchStudy/b")).json()
    assert (read["title"], read["meta"]["versionId"]) == ("new", "2")
    assert manifest["transactionTime"] >= read["meta"]["lastUpdated"]
    assert not list(imports.rglob("upload*"))
    again = await imported(fhir, body, {**ASYNC, **headers})
    assert counts(again["output"][0]) == {"unchanged": 3}


async def test_refused_lines(fhir: Fhir) -> None:
    """A line that is wrong is told of with its file, its number and the place in the resource; the rest is imported."""
    lines = (study("a"), study("b", status="nonsense"), "{not JSON", study("c", colour="red"), study("d"))
    manifest = await imported(fhir, ndjson(*lines), NDJSON)
    assert counts(manifest["output"][0]) == {"created": 2, "refused": 3}
    [error] = manifest["error"]
    found = await outcomes(fhir, error)
    places = []
    for each in found:
        assert each["extension"][0]["valueString"] == "upload.ndjson"
        [line, _] = each["issue"][0]["extension"][-2:]
        places.append((line["valueInteger"], each["issue"][0].get("expression", [""])[0]))
    assert places == [(2, "ResearchStudy.status"), (3, ""), (4, "ResearchStudy.colour")]
    assert sorted(await fhir.ids("ResearchStudy")) == ["a", "d"]


@pytest.mark.parametrize("form", ["json", "parameters"])
async def test_fetched(configured: Configured, imports: Path, elsewhere: Answers, form: str) -> None:
    """Files of allowed places are fetched, packed ones too; both forms of the request say the same."""
    fhir = configured(import_dir=str(imports), import_from=PLACE)
    elsewhere[f"{PLACE}/1.ndjson?sig=secret"] = Sent(ndjson(study("a"), study("b", status="x")))
    packed = gzip.compress(ndjson(study("c", meta={"source": "urn:own"})))
    elsewhere[f"{PLACE}/2.ndjson.gz"] = Sent(packed)
    urls = list(elsewhere)
    body: dict[str, Any] = manifest_of(*urls, storageDetail={"type": "https", "contentEncoding": ["gzip"]})
    headers = {**ASYNC, "Content_Type": "application/json"}
    if form == "parameters":
        inputs = [
            {
                "name": "input",
                "part": [{"name": "type", "valueCode": "ResearchStudy"}, {"name": "url", "valueUrl": url}],
            }
            for url in urls
        ]
        source = {"name": "inputSource", "valueUri": "https://source.test/fhir"}
        body, headers = {"resourceType": "Parameters", "parameter": [source, *inputs]}, ASYNC
    manifest = await imported(fhir, body, headers)
    assert [(each["inputUrl"], each["count"]) for each in manifest["output"]] == [(urls[0], 1), (urls[1], 1)]
    [error] = manifest["error"]
    assert error["inputUrl"] == urls[0]
    [outcome] = await outcomes(fhir, error)
    assert outcome["extension"][0]["valueString"] == f"{PLACE}/1.ndjson"
    assert (await fhir.get("ResearchStudy/a")).json()["meta"]["source"] == "https://source.test/fhir"
    assert (await fhir.get("ResearchStudy/c")).json()["meta"]["source"] == "urn:own"


async def test_nothing_is_fetched_by_default(fhir: Fhir, imports: Path) -> None:
    """Without a list of places no URL is fetched, and the refusal names the setting."""
    body = manifest_of("https://files.test/a.ndjson", "https://files.test/b.ndjson")
    text = refused(await fhir.post("$import", body, **ASYNC), 403, "forbidden", "input[1].url")
    assert "import_from" in text
    assert not imports.exists() or not list(imports.iterdir())


OFF_THE_LIST = [
    "https://files.test/outside.ndjson",
    "https://files.test/output/x.ndjson",
    "https://files.test/out/../secret",
    "https://files.test/out/%2e%2e/secret",
    "https://files.test/out/%252e%252e/secret",
    "https://files.test/out/..\\secret",
    "https://files.test:444/out/x",
    "http://files.test/out/x",
    "https://files.test.evil.test/out/x",
    "https://evil.test/files.test/out/x",
    "https://127.0.0.1/out/x",
]


@pytest.mark.parametrize("url", OFF_THE_LIST)
async def test_places_that_are_not_allowed(configured: Configured, imports: Path, elsewhere: Answers, url: str) -> None:
    """What is not below a place of the list is refused, however it is written, and so is a redirection to it."""
    fhir = configured(import_dir=str(imports), import_from=PLACE)
    refused(await fhir.post("$import", manifest_of(url), **ASYNC), 403, "forbidden", "input[0].url")
    elsewhere[f"{PLACE}/moved"] = Sent(status=302, headers={"location": url})
    manifest = await imported(fhir, manifest_of(f"{PLACE}/moved"), ASYNC)
    [outcome] = await outcomes(fhir, manifest["error"][0])
    assert [issue["code"] for issue in outcome["issue"]] == ["forbidden"]
    assert counts(manifest["output"][0]) == {"refused": 1}


async def test_redirections(configured: Configured, imports: Path, elsewhere: Answers) -> None:
    """A redirection within the list is followed, but not for ever."""
    fhir = configured(import_dir=str(imports), import_from=PLACE)
    elsewhere[f"{PLACE}/moved"] = Sent(status=307, headers={"location": "/out/there"})
    elsewhere[f"{PLACE}/there"] = Sent(ndjson(study("a")))
    elsewhere[f"{PLACE}/round"] = Sent(status=302, headers={"location": f"{PLACE}/round"})
    manifest = await imported(fhir, manifest_of(f"{PLACE}/round", f"{PLACE}/moved"), ASYNC)
    assert [each["count"] for each in manifest["output"]] == [0, 1]
    [outcome] = await outcomes(fhir, manifest["error"][0])
    assert "too often" in outcome["issue"][0]["diagnostics"]


ANSWERS = {
    "status": (Sent(status=404), "invalid"),
    "coding": (Sent(b"x", headers={"content-encoding": "br"}), "invalid"),
    "large": (Sent(b" " * 5000), "too-long"),
    "bomb": (Sent(gzip.compress(b" " * 5000)), "too-long"),
    "cut": (Sent(gzip.compress(ndjson(study("x")))[:-4]), "invalid"),
}


@pytest.mark.parametrize(("answer", "code"), ANSWERS.values(), ids=ANSWERS)
async def test_what_cannot_be_fetched(
    configured: Configured, imports: Path, elsewhere: Answers, answer: Sent, code: str
) -> None:
    """A file that cannot be fetched, or is too large packed or not, is told of, and the others are imported."""
    fhir = configured(import_dir=str(imports), import_from=PLACE, max_import_size=4096)
    elsewhere.update({f"{PLACE}/bad": answer, f"{PLACE}/good": Sent(ndjson(study("a")))})
    manifest = await imported(fhir, manifest_of(f"{PLACE}/bad", f"{PLACE}/good"), ASYNC)
    assert [counts(each) for each in manifest["output"]] == [{"refused": 1}, {"created": 1}]
    [outcome] = await outcomes(fhir, manifest["error"][0])
    assert [issue["code"] for issue in outcome["issue"]] == [code]


async def test_the_type_of_a_file(configured: Configured, imports: Path, elsewhere: Answers) -> None:
    """A resource of another type than the request gives for its file is refused."""
    fhir = configured(import_dir=str(imports), import_from=PLACE)
    group = {"resourceType": "Group", "id": "g", "type": "person", "membership": "definitional"}
    elsewhere[f"{PLACE}/a"] = Sent(ndjson(group, study("a")))
    manifest = await imported(fhir, manifest_of(f"{PLACE}/a"), ASYNC)
    assert counts(manifest["output"][0]) == {"created": 1, "refused": 1}


REFUSED: dict[str, tuple[object, dict[str, str], int, str, str]] = {
    "synchronous": (ndjson(), {"Content_Type": "application/fhir+ndjson"}, 400, "invalid", "Prefer"),
    "format": (manifest_of(inputFormat="text/csv"), ASYNC, 400, "invalid", "inputFormat"),
    "storage": (manifest_of(storageDetail={"type": "aws-s3"}), ASYNC, 400, "not-supported", "storageDetail.type"),
    "nothing": ({"resourceType": "Parameters"}, ASYNC, 400, "required", "input"),
    "no url": (manifest_of(input=[{"type": "Group"}]), ASYNC, 400, "required", "input[0].url"),
    "type": (manifest_of(input=[{"type": "X", "url": f"{PLACE}/a"}]), ASYNC, 400, "value", "input[0].type"),
    "scheme": (manifest_of("file:///etc/passwd"), ASYNC, 400, "value", "input[0].url"),
    "user": (manifest_of("https://a:b@files.test/out/x"), ASYNC, 400, "value", "input[0].url"),
    "unknown": (manifest_of(colour="red"), ASYNC, 400, "invalid", "colour"),
    "number": (manifest_of(inputSource=1), ASYNC, 400, "structure", "inputSource"),
    "coding": (b"x", {**NDJSON, "Content_Encoding": "gzip"}, 400, "invalid", "Content-Encoding"),
    "large": (b" " * 5000, NDJSON, 413, "too-long", ""),
    "bomb": (gzip.compress(b" " * 5000), NDJSON, 413, "too-long", ""),
    "text": (b"x", {**ASYNC, "Content_Type": "text/plain"}, 415, "not-supported", "Content-Type"),
}


@pytest.mark.parametrize(("body", "headers", "status", "code", "where"), REFUSED.values(), ids=REFUSED)
async def test_refused(
    configured: Configured, imports: Path, body: object, headers: dict[str, str], status: int, code: str, where: str
) -> None:
    """What is not understood is refused at once, and leaves nothing behind."""
    fhir = configured(import_dir=str(imports), import_from=PLACE, max_import_size=4096)
    refused(await fhir.post("$import", body, **headers), status, code, where or None)
    assert not imports.exists() or not list(imports.iterdir())


async def test_cancel(fhir: Fhir, imports: Path) -> None:
    """A cancelled import, be it complete or not, is gone with its files; what it wrote stays."""
    for ended in (False, True):
        where = await begun(fhir, ndjson(study("a")), NDJSON)
        if ended:
            assert (await complete(fhir, where)).status_code == 200
        assert (await fhir.delete(where)).status_code == 202
        refused(await fhir.get(where), 404, "not-found")
        refused(await fhir.delete(where), 404, "not-found")
    assert list(imports.iterdir()) == []
    assert await fhir.ids("ResearchStudy") == ["a"]


async def test_expiry(configured: Configured, imports: Path) -> None:
    """After the hours of the setting an import is gone, also one whose process died before it was begun."""
    fhir = configured(import_dir=str(imports), job_hours=0.01 / 3600)
    (imports / "half").mkdir(parents=True)
    where = await begun(fhir, ndjson(study("a")), NDJSON)
    for _ in range(1000):
        if (await fhir.get(where)).status_code == 404 and not list(imports.iterdir()):
            break
        await asyncio.sleep(0.01)
    refused(await fhir.get(where), 404, "not-found")
    assert list(imports.iterdir()) == []


async def test_process_that_died(configured: Configured, imports: Path) -> None:
    """An import whose process is gone goes on after the last line that was noted, in the one that is asked about it."""
    fhir = configured(import_dir=str(imports))
    where = await begun(fhir, ndjson(study("a"), "{wrong", study("b"), "{wrong", study("c")), NDJSON)
    await complete(fhir, where)
    job = ImportJob(imports / where.rpartition("/")[2])
    state = job.load()
    [file] = state.inputs
    # As a killed process leaves it: the first two lines noted, and more on the disk than the state knows of.
    text = (job.folder / file.outcomes).read_bytes()
    (job.folder / file.name).write_bytes(ndjson("{wrong", "{wrong", study("b"), "{wrong", study("d")))
    (job.folder / file.outcomes).write_bytes(text + b'{"half a li')
    file.line, file.told, file.bytes, file.done = 2, 1, text.index(b"\n") + 1, False
    file.counts = {"created": 1, "refused": 1}
    state.status = "running"
    job.save(state)
    another = configured(import_dir=str(imports))
    manifest = (await complete(another, where)).json()
    assert counts(manifest["output"][0]) == {"created": 2, "unchanged": 1, "refused": 2}
    lines = [
        each["issue"][0]["extension"][-2]["valueInteger"] for each in await outcomes(another, manifest["error"][0])
    ]
    assert lines == [2, 4]
    assert sorted(await another.ids("ResearchStudy")) == ["a", "b", "c", "d"]


async def test_capabilities(fhir: Fhir) -> None:
    """The capability statement names the operation, and a Bundle cannot ask for what is answered later."""
    [rest] = (await fhir.get("metadata")).json()["rest"]
    found = {each["name"]: each["definition"] for each in rest["operation"]}
    assert found["import"] == "https://trial-registry.example.org/fhir/OperationDefinition/import"
    entry = {"request": {"method": "POST", "url": "$import"}}
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [entry]}
    [answer] = (await fhir.post("", batch)).json()["entry"]
    assert answer["response"]["status"].startswith("404")
