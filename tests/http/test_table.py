"""Evidence/$table: which rows, in which order and format, of which moment."""

from __future__ import annotations

import base64
import io
import sys
from typing import Any

import pytest

from service.fhir.json import JsonNumber, dumps, loads
from service.operations import table as operation
from service.registry.rows import COLUMNS
from service.registry.table.dictionary import DICTIONARY
from service.search.query import Query
from service.store.base import Store, Version
from tests.support.asking import FHIR_JSON, FHIR_XML, Fhir, refused, resource
from tests.support.tables import load, read, resources_of, table

pytestmark = pytest.mark.anyio

TRIAL, OTHER = "study-20120215", "clesham-infant"
STUDY, OTHER_STUDY = "nct02393859", "clesham-infant"
NAMES = [column.name for column in DICTIONARY]


@pytest.fixture
async def seeded(fhir: Fhir) -> Fhir:
    """A registry with two trials."""
    await load(fhir, TRIAL, OTHER)
    return fhir


async def test_a_row_for_each_statistic(seeded: Fhir) -> None:
    """docs/tables.md: every statistic once, by the id of its Evidence and in its order there; every column."""
    rows = await table(seeded)
    expected = [
        (evidence["id"], statistic["id"])
        for trial in (TRIAL, OTHER)
        for evidence in resources_of(trial, "Evidence").values()
        for statistic in evidence["statistic"]
    ]
    assert [(row["evidence"], row["key"]) for row in rows] == sorted(expected, key=lambda each: each[0])
    assert [*rows[0]] == NAMES
    assert {row["study"] for row in rows} == {STUDY, OTHER_STUDY}


async def test_what_a_row_says(seeded: Fhir) -> None:
    """The result of the README: value, interval, population, sides, source and place, in cells and in words."""
    (row,) = [r for r in await table(seeded, f"_id={STUDY}-efs-blin-vs-chemo-lo23") if r["value"] == "0.35"]
    expected = {
        "outcome": "efs",
        "outcome_code": "EFS",
        "outcome_name": "Event-free survival",
        "population": "all",
        "population_name": "All randomized patients",
        "exposure": "blinatumomab",
        "exposure_name": "Blinatumomab",
        "reference_name": "Chemotherapy",
        "statistic": "hazard-ratio",
        "value_number": "0.35",
        "ci_low": "0.20",
        "ci_high": "0.61",
        "ci_level": "95",
        "nct": "NCT02393859",
        "version": "1",
        "source": "locatelli-2023",
        "value_absent_reason": "",
    }
    assert {name: row[name] for name in expected} == expected
    assert row["estimates"].startswith("95% confidence interval 0.20 to 0.61")
    assert row["locator"]
    assert row["source_name"].startswith("Locatelli")


async def test_why_there_is_no_value(seeded: Fhir) -> None:
    """registry_model.md: no number is invented; the reason is there in our word, our code and HL7's."""
    rows = [row for row in await table(seeded) if row["value"] and not row["value_number"]]
    assert rows
    for row in rows:
        assert row["value"] in ("NE", "NR", "NA", "Not reported")
        assert row["value_status"]
        assert row["value_absent_reason"]


@pytest.mark.parametrize(
    "query",
    [
        "study=nct02393859",
        "study=ResearchStudy/nct02393859",
        "study=http://registry.test/fhir/ResearchStudy/nct02393859",
        "study=NCT02393859",
        "study=http://clinicaltrials.gov|NCT02393859",
        "study.identifier=NCT02393859",
        "study=NCT02393859,nct02393859",
    ],
)
async def test_a_study_by_any_name(seeded: Fhir, query: str) -> None:
    """docs/tables.md: study is an id, a reference or an identifier; a chain means the same."""
    rows = await table(seeded, query)
    assert {row["study"] for row in rows} == {STUDY}
    assert len(rows) == sum(len(each["statistic"]) for each in resources_of(TRIAL, "Evidence").values())


async def test_any_search_parameter_selects(seeded: Fhir) -> None:
    """docs/tables.md: what a search of Evidence finds is what the table has, with modifiers, chains and prefixes."""
    for query in (
        "outcome=EFS",
        "outcome=EFS,OS&statistic-type=hazard-ratio",
        "outcome:not=AE&study.identifier=NCT02393859",
        "value=gt50",
        "population:Group.name=blin",
        "title:contains=survival",
        "_filter=outcome eq EFS",
    ):
        found = await seeded.ids(f"Evidence?{query}&_sort=_id&_count=500")
        rows = await table(seeded, query)
        assert found, query
        assert list(dict.fromkeys(row["evidence"] for row in rows)) == found, query


async def test_by_post_and_of_one(seeded: Fhir) -> None:
    """operations.html: the same parameters in a Parameters resource; an instance is its own table."""
    url = await seeded.get("Evidence/$table?study=NCT02393859&outcome=EFS")
    parameters = [{"name": "study", "valueString": "NCT02393859"}, {"name": "outcome", "valueCode": "EFS"}]
    body = {"resourceType": "Parameters", "parameter": parameters}
    assert (await seeded.post("Evidence/$table", body)).content == url.content
    id_ = f"{STUDY}-efs-blin-vs-chemo-lo23"
    one = await seeded.get(f"Evidence/{id_}/$table")
    assert {row["evidence"] for row in read(one.text)} == {id_}
    refused(await seeded.get("Evidence/missing/$table"), 404, "not-found")


async def test_what_is_refused(seeded: Fhir) -> None:
    """Nothing is dropped silently: what is not understood, what shapes a Bundle, and a study that is not there."""
    for query, name in {"outcom=x": "outcom", "value=x": "value", "_sort=nothing": "_sort"}.items():
        refused(await seeded.get(f"Evidence/$table?{query}"), 400, "invalid", name)
    for name in ("_count=1", "_include=Evidence:study", "_elements=title", "_summary=true", "_total=none"):
        refused(await seeded.get(f"Evidence/$table?{name}"), 400, "not-supported", name.partition("=")[0])
    for study in ("nothing", "NCT99999999", "https://elsewhere.test/fhir/ResearchStudy/nct02393859", "Evidence/x"):
        refused(await seeded.get(f"Evidence/$table?study={study}"), 404, "not-found", "study")
    refused(await seeded.get("Evidence/$table?_format=xlsx"), 406, "not-supported", "_format")


async def test_csv_is_that_of_rfc_4180(seeded: Fhir) -> None:
    """RFC 4180: a header, CRLF after every row, cells with commas and quotes quoted; in UTF-8."""
    response = await seeded.get("Evidence/$table?study=NCT02393859", Accept="text/csv")
    assert response.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    lines = response.content.split(b"\r\n")
    assert lines[0].decode() == ",".join(NAMES)
    assert lines[-1] == b""
    assert b"\n" not in response.content.replace(b"\r\n", b"")
    assert "–".encode() in response.content
    nothing = await seeded.get("Evidence/$table?title=nothing")
    assert nothing.content == lines[0] + b"\r\n"


async def test_what_begins_like_a_formula_is_not_changed(fhir: Fhir) -> None:
    """docs/tables.md: cells are not guarded: what a resource says is what the cell says."""
    text = '=HYPERLINK("http://x.test")'
    evidence = {"resourceType": "Evidence", "id": "e", "status": "active", "title": text}
    variable = {"variableRole": {"text": "x"}}
    statistic = {"quantity": {"value": -43}, "note": [{"text": "@a\nb"}]}
    await fhir.store({**evidence, "variableDefinition": [variable], "statistic": [statistic]})
    (row,) = await table(fhir)
    assert (row["title"], row["value"], row["note"]) == (text, "-43", "@a\nb")


async def test_formats(seeded: Fhir) -> None:
    """docs/tables.md: NDJSON with numbers as they are stored; a Binary for FHIR clients; CSV where any will do."""
    url = "Evidence/$table?study=NCT02393859"
    csv = await seeded.get(url, Accept="text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
    assert csv.headers["content-type"].startswith("text/csv")
    ndjson = await seeded.get(f"{url}&_format=ndjson")
    assert ndjson.headers["content-type"] == "application/x-ndjson"
    objects = [loads(line) for line in ndjson.content.splitlines()]
    kinds: dict[str, tuple[type, ...]] = {"integer": (int,), "decimal": (int, JsonNumber)}
    for row, found in zip(read(csv.text), objects, strict=True):
        assert {name: str(getattr(value, "lexeme", value)) for name, value in found.items()} == {
            name: cell for name, cell in row.items() if cell
        }
        assert all(isinstance(found[c.name], kinds.get(c.type, (str,))) for c in DICTIONARY if c.name in found)
    for media in (FHIR_JSON, FHIR_XML):
        binary = resource(await seeded.get(url, Accept=media))
        assert (binary["resourceType"], binary["contentType"]) == ("Binary", "text/csv")
        assert base64.b64decode(binary["data"]) == csv.content
    head = await seeded.ask("HEAD", url)
    assert (head.headers["content-type"], head.content) == (csv.headers["content-type"], b"")


async def test_in_a_batch(seeded: Fhir) -> None:
    """http.html#transaction: an entry of a batch gets the Binary."""
    entry = {"request": {"method": "GET", "url": "Evidence/$table?study=NCT02393859"}}
    response = await seeded.post("", {"resourceType": "Bundle", "type": "batch", "entry": [entry]})
    (answer,) = response.json()["entry"]
    rows = read(base64.b64decode(answer["resource"]["data"]).decode())
    assert rows == await table(seeded, "study=NCT02393859")


async def test_a_table_too_large_for_a_binary(seeded: Fhir, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/tables.md: what cannot be streamed is bounded, and the error says what to ask for."""
    monkeypatch.setattr("service.operations.table_formats.MAX_BINARY", 5_000)
    text = refused(await seeded.get("Evidence/$table", Accept=FHIR_JSON), 413, "too-long", "_format")
    assert "text/csv" in text


async def test_the_data_dictionary(seeded: Fhir) -> None:
    """https://www.w3.org/TR/tabular-metadata/: the CSV links to its columns, each with a type and a description."""
    csv = await seeded.get("Evidence/$table?study=NCT02393859&outcome=EFS")
    link = csv.headers["link"]
    assert link.endswith('; rel="describedby"; type="application/csvm+json"')
    response = await seeded.client.get(link[1 : link.index(">")])
    assert response.headers["content-type"] == "application/csvm+json"
    found = response.json()
    columns = found["tableSchema"]["columns"]
    assert [each["name"] for each in columns] == [*read(csv.text)[0]]
    assert all(each["dc:description"] for each in columns)
    assert {each["datatype"] for each in columns} == {"string", "integer", "decimal", "dateTimeStamp"}
    assert (await seeded.client.get(found["url"])).content == csv.content


async def test_parquet(seeded: Fhir, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/tables.md: the same rows, in groups, text but for integers."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow: pip install 'trial-registry[parquet]'")
    monkeypatch.setattr(operation, "PAGE", 7)
    monkeypatch.setattr("service.operations.table_formats.GROUP", 50)
    response = await seeded.get("Evidence/$table?study=NCT02393859&_format=parquet")
    assert response.headers["content-type"] == "application/vnd.apache.parquet"
    assert parquet.ParquetFile(io.BytesIO(response.content)).num_row_groups > 1
    found = parquet.read_table(io.BytesIO(response.content))
    assert {str(each) for each in found.schema.types} == {"string", "int64"}
    rows: list[dict[str, Any]] = [
        {name: "" if v is None else str(v) for name, v in r.items()} for r in found.to_pylist()
    ]
    assert rows == await table(seeded, "study=NCT02393859")


async def test_without_the_package_for_parquet(seeded: Fhir, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/tables.md: it is an extra; where it is missing it is said what to install."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    response = await seeded.get("Evidence/$table", Accept="application/vnd.apache.parquet")
    assert "pip install 'trial-registry[parquet]'" in refused(response, 406, "not-supported", "_format")


async def test_a_table_of_many_pages_is_of_one_moment(
    seeded: Fhir, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/tables.md: what is written while a table is made is not in it; nothing is lost or comes twice."""
    before = (await seeded.get("Evidence/$table")).content
    ids = sorted({row["evidence"] for row in read(before.decode())})
    pages: list[int] = []
    search = type(store).search

    async def meanwhile(self: Store, query: Query, at: int | None = None, **rest: Any) -> list[Version]:
        found = await search(self, query, at, **rest)
        if len(found) == operation.PAGE and not pages:
            pages.append(len(found))
            await seeded.delete(f"Evidence/{ids[0]}")
            await seeded.delete(f"Evidence/{ids[-1]}")
            evidence = resources_of(TRIAL, "Evidence")[f"Evidence/{ids[50]}"]
            assert (await seeded.put(f"Evidence/{ids[50]}", dumps({**evidence, "title": "new"}))).status_code == 200
        return found

    monkeypatch.setattr(type(store), "search", meanwhile)
    monkeypatch.setattr(operation, "PAGE", 3)
    assert (await seeded.get("Evidence/$table")).content == before
    assert pages == [3]
    after = await table(seeded)
    assert {row["evidence"] for row in after} == {*ids[1:-1]}
    assert "new" in {row["title"] for row in after}


async def test_as_it_was(seeded: Fhir) -> None:
    """_asOf: the table as the registry stood then, its study too; and the order that is asked for."""
    rows = await table(seeded)
    last = max(row["last_updated"] for row in rows)
    id_ = rows[0]["evidence"]
    await seeded.delete(f"Evidence/{id_}")
    assert len(await table(seeded)) < len(rows)
    assert await table(seeded, f"_asOf={last}") == rows
    assert await table(seeded, "_asOf=2001-01-01") == []
    refused(await seeded.get("Evidence/$table?_asOf=2001-01-01&study=NCT02393859"), 404, "not-found", "study")
    ids = [row["evidence"] for row in await table(seeded, "_sort=-_id")]
    assert ids == sorted(ids, reverse=True)


async def test_it_begins_with_the_columns_of_a_seed_table(seeded: Fhir) -> None:
    """docs/tables.md: cut to these columns, it is a seed table."""
    assert [*(await table(seeded))[0]][: len(COLUMNS)] == [*COLUMNS]
