"""$import-ctgov over HTTP: one study, one transaction."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.http.conftest import Configured
from tests.support.asking import Fhir, outcome
from tests.support.ctgov import large, small

pytestmark = pytest.mark.anyio

Json = dict[str, Any]

RESULTS = {"created": 0, "updated": 0, "unchanged": 0, "retired": 0}


def parts(study: Json) -> Json:
    """The single values of what became of a record."""
    return {
        part["name"]: next(value for name, value in part.items() if name != "name")
        for part in study["part"]
        if "part" not in part
    }


async def imported(fhir: Fhir, body: object) -> list[Json]:
    """Import, and return what became of each record."""
    response = await fhir.post("/$import-ctgov", body, Content_Type="application/json")
    assert response.status_code == 200
    found: Json = response.json()
    assert found["resourceType"] == "Parameters"
    return [parts(each) for each in found["parameter"]]


async def ids(fhir: Fhir, query: str) -> set[str]:
    """The ids that a search finds."""
    bundle = (await fhir.get(f"/{query}")).json()
    return {each["resource"]["id"] for each in bundle.get("entry", ())}


async def test_a_record_is_stored_and_found(fhir: Fhir) -> None:
    """What is imported is valid by every profile that it claims, and is found by its study, outcome and statistic."""
    [study] = await imported(fhir, large())
    assert (study["nct"], study["reference"]) == ("NCT00000002", {"reference": "ResearchStudy/ctgov-nct00000002"})
    assert "outcome" not in study
    assert study["values"] == study["mapped"] + study["leftOut"] + study["notMapped"]
    found = await ids(fhir, "Evidence?study.identifier=NCT00000002&outcome=OS&statistic-type=hazard-ratio")
    assert len(found) == 1
    assert await ids(fhir, "ResearchStudy?identifier=2099-123456-78") == {"ctgov-nct00000002"}


async def test_to_import_again_changes_nothing(fhir: Fhir) -> None:
    """The same record, its members in another order, makes no version of anything."""
    [first] = await imported(fhir, large())
    record = large()
    turned = {name: record[name] for name in reversed(record)}
    [again] = await imported(fhir, turned)
    assert {name: again[name] for name in RESULTS} == {**RESULTS, "unchanged": first["created"]}


async def test_a_newer_record_changes_what_changed(fhir: Fhir) -> None:
    """Another number in one result is a version of this Evidence, and of the copy of the record with its digest."""
    [first] = await imported(fhir, large())
    record = large()
    measures = record["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"]
    measures[0]["analyses"][1]["pValue"] = "0.248"
    [again] = await imported(fhir, record)
    changes = {**RESULTS, "updated": 3, "unchanged": first["created"] - 3}
    assert {name: again[name] for name in RESULTS} == changes


async def test_what_vanishes_is_retired_and_may_come_back(fhir: Fhir) -> None:
    """ADR 11: nothing is deleted; what the record no longer has is retired, once, and is active when it is back."""
    await imported(fhir, large())
    record = large()
    analysis = record["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]["analyses"].pop()
    record["protocolSection"]["contactsLocationsModule"]["locations"] = []
    [again] = await imported(fhir, record)
    assert again["retired"] == 2
    retired = await ids(fhir, "Evidence?status=retired")
    assert len(retired) == 1
    assert len(await ids(fhir, "Location?status=inactive")) == 1
    [third] = await imported(fhir, record)
    assert (third["retired"], third["updated"]) == (0, 0)
    record["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]["analyses"].append(analysis)
    await imported(fhir, record)
    assert await ids(fhir, "Evidence?status=retired") == set()


async def test_a_study_that_is_there_is_no_second_time(fhir: Fhir) -> None:
    """ADR 11: a study with the number is the study; it is not touched, and the results refer to it."""
    seed = {
        "resourceType": "ResearchStudy",
        "id": "invent",
        "status": "active",
        "title": "As we know it",
        "identifier": [{"system": "http://clinicaltrials.gov", "value": "NCT00000002"}],
    }
    await fhir.store(seed)
    [study] = await imported(fhir, large())
    assert study["reference"] == {"reference": "ResearchStudy/invent"}
    assert await ids(fhir, "ResearchStudy?identifier=NCT00000002") == {"invent"}
    kept = (await fhir.get("/ResearchStudy/invent")).json()
    assert (kept["title"], kept["meta"]["versionId"]) == ("As we know it", "1")
    found = await ids(fhir, "Evidence?study=ResearchStudy/invent&outcome=OS&statistic-type=hazard-ratio")
    assert len(found) == 1
    assert study["notMapped"] > 50


async def test_a_study_that_comes_later_takes_over(fhir: Fhir) -> None:
    """Where a seed of the same number is loaded after the record, the next import retires its own study."""
    await imported(fhir, small())
    seed = {
        "resourceType": "ResearchStudy",
        "id": "later",
        "status": "active",
        "identifier": [{"system": "http://clinicaltrials.gov", "value": "NCT00000001"}],
    }
    await fhir.store(seed)
    [study] = await imported(fhir, small())
    assert study["reference"] == {"reference": "ResearchStudy/later"}
    assert await ids(fhir, "ResearchStudy?status=retired") == {"ctgov-nct00000001"}


async def test_two_studies_of_a_number_are_a_conflict(fhir: Fhir) -> None:
    """The importer does not choose between two studies that have the number."""
    for name in ("one", "two"):
        number = {"system": "http://clinicaltrials.gov", "value": "NCT00000001"}
        await fhir.store({"resourceType": "ResearchStudy", "id": name, "status": "active", "identifier": [number]})
    response = await fhir.post("/$import-ctgov", small())
    assert (response.status_code, outcome(response)[0]["code"]) == (409, "multiple-matches")


async def test_what_is_no_record_is_refused(fhir: Fhir) -> None:
    """422 with the place in the record; nothing is stored."""
    response = await fhir.post("/$import-ctgov", small(designModule={"phases": "PHASE1"}))
    assert response.status_code == 422
    assert outcome(response)[0]["expression"] == ["protocolSection.designModule.phases"]
    assert await ids(fhir, "ResearchStudy") == set()


async def test_a_page_and_one_that_fails(fhir: Fhir) -> None:
    """Of a page each study is a transaction: one that is refused keeps no other out, and says why."""
    page = {"studies": [small("NCT00000001"), {"protocolSection": {}}, small("NCT00000005")]}
    first, second, third = await imported(fhir, page)
    assert (first["nct"], third["nct"]) == ("NCT00000001", "NCT00000005")
    assert second["record"] == "record studies[1]"
    assert second["outcome"]["issue"][0]["expression"] == ["protocolSection.identificationModule.nctId"]
    assert await ids(fhir, "ResearchStudy") == {"ctgov-nct00000001", "ctgov-nct00000005"}


async def test_parameters_with_a_binary(fhir: Fhir) -> None:
    """In Parameters a record is the data of a Binary."""
    data = base64.b64encode(json.dumps(small()).encode()).decode()
    binary = {"resourceType": "Binary", "contentType": "application/json", "data": data}
    body = {"resourceType": "Parameters", "parameter": [{"name": "record", "resource": binary}]}
    [study] = await imported(fhir, body)
    assert study["nct"] == "NCT00000001"


async def test_calls_that_are_wrong(fhir: Fhir) -> None:
    """No record, an empty page, data that is no base64, a resource, or GET: each is said."""
    binary = {"resourceType": "Binary", "contentType": "application/json", "data": "%"}
    bodies: tuple[object, ...] = (b"", {"studies": []}, {"studies": [1]}, binary, {"resourceType": "Patient"})
    for body in bodies:
        response = await fhir.post("/$import-ctgov", body, Content_Type="application/json")
        assert response.status_code == 400, body
    assert (await fhir.get("/$import-ctgov")).status_code == 405


async def test_what_breaks_a_profile_is_stored_without_the_claim(configured: Configured) -> None:
    """What a source has wrong is kept, claims no profile that it breaks, and is told of; R5 itself must hold."""
    fhir = configured(validation="strict")
    record = large()
    measure = record["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]
    measure["analyses"][0].update(ciLowerLimit="-0.5")  # of a hazard ratio
    [study] = await imported(fhir, record)
    text = study["outcome"]["issue"][0]["diagnostics"]
    assert "does not claim its profile" in text
    [found] = await ids(fhir, "Evidence?study.identifier=NCT00000002&outcome=OS&statistic-type=hazard-ratio")
    assert found in text
    assert "profile" not in (await fhir.get(f"/Evidence/{found}")).json()["meta"]


async def test_nothing_of_a_seed_is_written_over(fhir: Fhir) -> None:
    """ADR 11: seeds are named by the number as well; no id of an import is one of theirs, or could be."""
    seed = {
        "resourceType": "ResearchStudy",
        "id": "nct00000002",
        "status": "active",
        "identifier": [{"system": "http://clinicaltrials.gov", "value": "NCT00000002"}],
    }
    await fhir.store(seed)
    [study] = await imported(fhir, large())
    assert (study["reference"], study["updated"]) == ({"reference": "ResearchStudy/nct00000002"}, 0)
    assert (await fhir.get("/ResearchStudy/nct00000002")).json()["meta"]["versionId"] == "1"
    for type_ in ("Group", "Evidence", "EvidenceVariable", "EvidenceReport", "Citation"):
        assert {id_ for id_ in await ids(fhir, f"{type_}?_count=200") if not id_.startswith("ctgov-")} == set()
