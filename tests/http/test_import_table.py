"""$import-table: a table into the registry, whole or not at all, and out of it again."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from service.fhir.json import canonical, dumps, loads
from service.store.base import Store
from tests.http.conftest import Configured
from tests.support.asking import Fhir, Json, outcome, refused
from tests.support.stores import Place
from tests.support.tables import (
    CSV,
    Rows,
    bundles,
    load,
    own,
    read,
    resources_of,
    slug_of,
    table,
    table_text,
    write,
)

pytestmark = pytest.mark.anyio

TRIAL, STUDY = "study-20120215", "nct02393859"
SAMPLE = (TRIAL, "pawinska-poland", "jung-korea", "e1910")
"""Tables for the stores on which not all of them are tried: a comparison, words, pooled groups, and no result."""
KEY = "efs-blin-vs-chemo-lo23.hr-stratified"


async def give(fhir: Fhir, body: bytes | str, path: str = "$import-table") -> Json:
    """Import a table that must be taken; return what became of each study."""
    response = await fhir.post(path, body if isinstance(body, bytes) else body.encode(), Content_Type=CSV)
    assert response.status_code == 200, response.text
    found: Json = {}
    for parameter in response.json()["parameter"]:
        if parameter["name"] == "study":
            part = {each["name"]: each for each in parameter["part"]}
            name = part.pop("reference")["valueReference"]["reference"].removeprefix("ResearchStudy/")
            found[name] = {count: each["valueInteger"] for count, each in part.items()}
    return found


async def head(store: Store) -> int:
    """The number of the newest commit."""
    return (await store.head()).seq


async def stored(store: Store, types: tuple[str, ...]) -> dict[str, bytes]:
    """What is stored, without what is the server's, in a form that shows every digit."""
    return {
        f"{each.type}/{each.id}": canonical(own(loads(each.json)))
        async for each in store.scan(types)
        if each.json is not None
    }


async def test_there_and_back_again(fhir: Fhir, configured: Configured, store: Store, place: Place) -> None:
    """Issue 6, part 5: the seed tables make the Evidence of the seeds, byte for byte, and come out as they went in.

    With every seed trial in a file of SQLite, with some of them elsewhere. Given back, nothing of it is written.
    """
    stems = [*bundles()] if place.kind == "sqlite" else [*SAMPLE]
    await load(configured(validation="off"), *stems, results=False)
    client = configured(validation="off") if place.kind == "sqlite" else fhir
    for stem in stems:
        await give(client, table_text(stem), f"ResearchStudy/{slug_of(stem)}/$import-table")
    types = ("Evidence", "EvidenceReport", "EvidenceVariable", "Group", "ResearchStudy")
    expected = {name: each for stem in stems for name, each in resources_of(stem, *types).items()}
    made = await stored(store, types)
    assert made.keys() == expected.keys()
    for name, each in expected.items():
        if not name.startswith("ResearchStudy/"):
            assert made[name] == canonical(own(each)), name
        assert loads(made[name]).get("result") == each.get("result"), name
    whole = await table(fhir)
    given = [row for stem in stems for row in read(table_text(stem)) if row["place"] == "statistic"]
    assert by_key({name: row[name] for name in given[0]} for row in whole) == by_key(given)
    assert len(whole) == len(given)
    seq = await head(store)
    effects = await give(fhir, write(whole))
    assert sum(each["rows"] for each in effects.values()) == len(given)
    assert not any(each["created"] + each["updated"] for each in effects.values())
    for stem in stems:
        await give(client, table_text(stem), f"ResearchStudy/{slug_of(stem)}/$import-table")
    assert await head(store) == seq


def by_key(rows: Any) -> Rows:
    """Rows in the order of their keys and places."""
    return sorted(rows, key=lambda row: (row["key"], row["locator"], row["population"], row["quote"]))


@pytest.fixture
async def seeded(fhir: Fhir) -> Fhir:
    """A registry with a trial."""
    await load(fhir, TRIAL)
    return fhir


async def test_the_seeds_as_they_are_loaded_are_what_their_tables_say(seeded: Fhir, store: Store) -> None:
    """seed_bundles/README.md: characteristics and design too; a table that says what is there writes nothing."""
    seq = await head(store)
    (effects,) = (await give(seeded, table_text(TRIAL), f"$import-table?study={STUDY.upper()}")).values()
    assert (effects["created"], effects["updated"], effects["rows"]) == (0, 0, len(read(table_text(TRIAL))))
    assert await head(store) == seq


async def test_what_changes_is_a_new_version(seeded: Fhir, store: Store) -> None:
    """docs/tables.md: one number edited in an exported table is one new version; the same file again is none."""
    rows = await table(seeded)
    (row,) = [each for each in rows if each["key"] == KEY]
    row |= {"value": "0.350", "note": "Printed so in the supplement."}
    edited = write(rows)
    assert (await give(seeded, edited))[STUDY]["updated"] == 1
    evidence = (await seeded.get(f"Evidence/{row['evidence']}")).content
    assert b'"value":0.350' in evidence
    assert loads(evidence)["meta"]["versionId"] == "2"
    seq = await head(store)
    assert (await give(seeded, edited))[STUDY]["updated"] == 0
    assert await head(store) == seq


async def test_a_version_that_is_not_the_current_one(seeded: Fhir, store: Store) -> None:
    """docs/tables.md: what somebody else has written since the export is not written over."""
    rows = await table(seeded, "outcome=EFS")
    (row,) = [each for each in rows if each["key"] == KEY]
    await give(seeded, write([{**each, "n": "107"} if each["key"] == KEY else each for each in rows]))
    seq = await head(store)
    row["value"] = "0.36"
    line = rows.index(row) + 2
    response = await seeded.post("$import-table", write(rows), Content_Type=CSV)
    assert "is at version 2 by now" in refused(response, 409, "conflict", f"row {line}, column version")
    assert await head(store) == seq
    for each in rows:
        each["version"] = ""
    assert (await give(seeded, write(rows)))[STUDY]["updated"] == 1


async def test_a_result_that_was_deleted(seeded: Fhir) -> None:
    """docs/tables.md: an exported row does not bring back what was deleted meanwhile; without a version it does."""
    rows = await table(seeded, f"_id={STUDY}-efs-blin-vs-chemo-lo23")
    await seeded.delete(f"Evidence/{rows[0]['evidence']}")
    response = await seeded.post("$import-table", write(rows), Content_Type=CSV)
    assert "was deleted" in refused(response, 409, "conflict", "row 2, column version")
    assert (await give(seeded, write([{**row, "version": ""} for row in rows])))[STUDY]["created"] == 1


async def test_what_a_table_cannot_hold_is_not_lost(seeded: Fhir, store: Store) -> None:
    """docs/tables.md: an Evidence with more than the columns hold is written as FHIR, not by a table."""
    (evidence,) = [e for e in resources_of(TRIAL, "Evidence").values() if e["id"] == f"{STUDY}-efs-blin-vs-chemo-lo23"]
    more = {**evidence, "certainty": [{"rating": {"text": "high"}}]}
    assert (await seeded.put(f"Evidence/{evidence['id']}", dumps(more))).status_code == 200
    rows = await table(seeded, f"_id={evidence['id']}")
    rows[0]["value"] = "0.36"
    seq = await head(store)
    response = await seeded.post("$import-table", write(rows), Content_Type=CSV)
    assert "Evidence.certainty" in refused(response, 422, "business-rule", "row 2, column key")
    foreign = {
        **evidence,
        "statistic": [{"statisticType": {"text": "x"}, "description": "x", "quantity": {"value": 1}}],
    }
    assert (await seeded.put(f"Evidence/{evidence['id']}", dumps(foreign))).status_code == 200
    text = refused(
        await seeded.post("$import-table", write([{**rows[0], "version": ""}]), Content_Type=CSV), 422, "business-rule"
    )
    assert "was not made of a table" in text
    assert await head(store) == seq + 1


async def test_everything_that_is_wrong_at_once(seeded: Fhir, store: Store) -> None:
    """Issue 6, part 5: an issue for each problem, with row and column; and nothing is stored."""
    rows = await table(seeded, "outcome=EFS")
    wrong = {
        0: {"value": "about 7"},
        1: {"ci_low": "9", "ci_high": "8", "ci_level": "95"},
        2: {"population": "nobody"},
        3: {"source": "no-paper"},
        4: {"study": "no-study"},
        5: {"study": ""},
        6: {"version": "1", "note": "this one is right"},
    }
    for place, cells in wrong.items():
        rows[place] |= cells
    seq = await head(store)
    response = await seeded.post("$import-table", write(rows), Content_Type=CSV)
    assert response.status_code == 422
    places = {place for issue in outcome(response) for place in issue["expression"]}
    columns = ("value", "ci_low", "population", "source", "study", "study")
    assert places >= {f"row {row}, column {column}" for row, column in enumerate(columns, start=2)}
    assert not any(place.startswith("row 8") for place in places)
    assert await head(store) == seq


async def test_what_a_profile_refuses_is_at_its_row(seeded: Fhir, configured: Configured, store: Store) -> None:
    """validation.html: a rule that only the profile has is reported at the row and column of its element."""
    rows = await table(seeded, f"_id={STUDY}-efs-blin-vs-chemo-lo23")
    rows[0]["value"] = "-0.35"
    seq = await head(store)
    response = await seeded.post("$import-table", write(rows), Content_Type=CSV)
    assert response.status_code == 422
    assert any(place.startswith("row 2") for issue in outcome(response) for place in issue["expression"])
    assert all("Bundle.entry" not in issue["diagnostics"] for issue in outcome(response))
    assert await head(store) == seq
    tolerant = configured(validation="warn")
    for updated in (1, 0):
        response = await tolerant.post(
            "$import-table", write([{**row, "version": ""} for row in rows]), Content_Type=CSV
        )
        counts = [each["valueInteger"] for each in response.json()["parameter"][0]["part"] if each["name"] == "updated"]
        assert counts == [updated], response.text
        told = [issue["expression"] for issue in response.json()["parameter"][1]["resource"]["issue"][:-1]]
        assert any(place[0].startswith("row 2") for place in told) == bool(updated)


async def test_all_or_nothing(seeded: Fhir, store: Store) -> None:
    """docs/tables.md: of two studies in a table neither is written where one row of the other is wrong."""
    await load(seeded, "clesham-infant")
    rows = await table(seeded)
    rows[0]["note"] = "x"
    rows[-1]["affected"] = "many"
    seq = await head(store)
    refused(await seeded.post("$import-table", write(rows), Content_Type=CSV), 422, "invalid")
    assert await head(store) == seq
    rows[-1]["affected"] = ""
    effects = await give(seeded, write(rows))
    assert {name: each["updated"] for name, each in effects.items()} in (
        {"clesham-infant": 1, STUDY: 0},
        {"clesham-infant": 1, STUDY: 1},
    )
    assert await head(store) == seq + 1


async def test_a_new_result_is_in_the_report(seeded: Fhir) -> None:
    """docs/tables.md: what is new is in its section of the report, where the old stays; the study leads there."""
    (row,) = [each for each in read(table_text(TRIAL)) if each["key"] == KEY]
    row |= {"key": "efs-again.hr", "source": "kantarjian-2023", "reports": ""}
    before = (await seeded.get(f"EvidenceReport/{STUDY}-results")).json()
    effects = await give(seeded, write([row]), f"ResearchStudy/{STUDY}/$import-table")
    assert effects[STUDY] == {"rows": 1, "created": 1, "updated": 2, "unchanged": 0}
    after = (await seeded.get(f"EvidenceReport/{STUDY}-results")).json()
    sections = {each["title"]: [e["reference"] for e in each["entryReference"]] for each in after["section"]}
    expected = {each["title"]: [e["reference"] for e in each["entryReference"]] for each in before["section"]}
    expected["Efficacy"].append(f"Evidence/{STUDY}-efs-again")
    assert sections == expected
    results = (await seeded.get(f"ResearchStudy/{STUDY}")).json()["result"]
    assert {"reference": "Citation/kantarjian-2023"} in results


async def test_ways_to_say_which_study(seeded: Fhir) -> None:
    """The column, the path or the parameter; two that say different things are refused, and none too."""
    table_ = table_text(TRIAL)
    for path in (
        f"$import-table?study={STUDY}",
        "$import-table?study=NCT02393859",
        f"ResearchStudy/{STUDY}/$import-table",
    ):
        assert [*(await give(seeded, table_, path))] == [STUDY]
    refused(
        await seeded.post("$import-table", table_.encode(), Content_Type=CSV), 422, "required", "row 2, column study"
    )
    refused(await seeded.post("$import-table?study=x", table_.encode(), Content_Type=CSV), 404, "not-found", "study")
    await load(seeded, "clesham-infant")
    rows = write(await table(seeded, f"study={STUDY}"))
    path = "ResearchStudy/clesham-infant/$import-table"
    refused(await seeded.post(path, rows, Content_Type=CSV), 422, "invalid", "row 2, column study")
    parts = [
        {"name": "study", "valueString": STUDY},
        {"name": "table", "valueAttachment": {"contentType": CSV, "data": base64.b64encode(table_.encode()).decode()}},
    ]
    response = await seeded.post("$import-table", {"resourceType": "Parameters", "parameter": parts})
    assert response.status_code == 200, response.text


async def test_what_is_no_table(seeded: Fhir) -> None:
    """Nothing, something else than CSV, another charset, base64 that is none: each is told."""
    refused(await seeded.post("$import-table", b"", Content_Type=CSV), 400, "required", "table")
    refused(await seeded.post("$import-table", b"a,b\n1,2\n", Content_Type=CSV), 422, "invalid", "row 1, column a")
    refused(await seeded.post("$import-table", b"x", Content_Type="text/plain"), 415, "not-supported", "Content-Type")
    latin = "text/csv; charset=latin-1"
    refused(await seeded.post("$import-table", b"x", Content_Type=latin), 415, "not-supported", "Content-Type")
    for attachment in ({"contentType": CSV, "data": "%"}, {"contentType": "text/plain", "data": "eA=="}):
        body = {"resourceType": "Parameters", "parameter": [{"name": "table", "valueAttachment": attachment}]}
        refused(await seeded.post("$import-table", body), 400, "value", "table")


async def test_imports_at_the_same_time(seeded: Fhir) -> None:
    """docs/tables.md: each is whole; the last one holds, or is refused because another was there first."""
    rows = [{**row, "version": ""} for row in await table(seeded, "outcome=EFS")]
    texts = [write([{**row, "note": f"Import {number}."} for row in rows]) for number in range(4)]
    answers = await asyncio.gather(*(seeded.post("$import-table", each, Content_Type=CSV) for each in texts))
    assert {each.status_code for each in answers} <= {200, 412}
    assert 200 in {each.status_code for each in answers}
    assert len({row["note"] for row in await table(seeded, "outcome=EFS")}) == 1


async def test_columns_that_explain_are_named(seeded: Fhir) -> None:
    """docs/tables.md: what is not read is said; an edit of it is not taken for one."""
    rows = await table(seeded, "outcome=EFS")
    rows[0]["title"] = "An edit of what is derived"
    response = await seeded.post("$import-table", write(rows), Content_Type=CSV)
    (told,) = [each["resource"] for each in response.json()["parameter"] if each["name"] == "outcome"]
    assert "title" in told["issue"][0]["diagnostics"]
    assert rows[0]["title"] not in (await seeded.get(f"Evidence/{rows[0]['evidence']}")).text
