"""batch: https://hl7.org/fhir/R5/http.html#brules."""

from __future__ import annotations

import pytest

from tests.http.test_transaction import FAILURES
from tests.support.asking import Fhir, Json, study
from tests.support.bundles import entry, group, transaction

pytestmark = pytest.mark.anyio


async def batch(fhir: Fhir, *entries: Json) -> list[Json]:
    """Send a batch and return its response entries."""
    response = await fhir.post("", transaction(*entries, type_="batch"))
    assert response.status_code == 200
    bundle = response.json()
    assert bundle["type"] == "batch-response"
    answers: list[Json] = bundle.get("entry", [])
    assert len(answers) == len(entries)
    return answers


async def test_each_entry_for_itself(fhir: Fhir) -> None:
    """http.html#brules: an entry that fails has its own outcome, and the others are done."""
    await fhir.store(study("old"), study("gone"))
    answers = await batch(
        fhir,
        entry("POST", "ResearchStudy", study(status="nonsense")),
        entry("PUT", "ResearchStudy/a", study("a")),
        entry("GET", "ResearchStudy/never"),
        entry("GET", "ResearchStudy/old"),
        entry("DELETE", "ResearchStudy/gone"),
        entry("GET", "ResearchStudy/gone"),
        entry("PUT", "ResearchStudy/old", study("old", title="2"), ifMatch='W/"9"'),
        entry("POST", "ResearchStudy", study(nct="NCT1"), ifNoneExist="identifier=NCT1"),
        entry("POST", "ResearchStudy", study(nct="NCT1"), ifNoneExist="identifier=NCT1"),
        entry("PUT", "ResearchStudy?identifier=NCT1", study(nct="NCT1", title="2")),
        entry("GET", "ResearchStudy?identifier=NCT1"),
        entry("DELETE", "ResearchStudy?identifier=NCT1"),
        entry("HEAD", "ResearchStudy/old"),
    )
    statuses = [answer["response"]["status"][:3] for answer in answers]
    assert statuses == ["422", "201", "404", "200", "204", "410", "412", "201", "200", "200", "200", "204", "200"]
    for answer, status in zip(answers, statuses, strict=True):
        assert ("outcome" in answer["response"]) == (status >= "400")
    issue = answers[0]["response"]["outcome"]["issue"][0]
    assert issue["expression"] == ["Bundle.entry[0].resource.status"]
    assert answers[10]["resource"]["total"] == 1


async def test_every_failure_is_told_in_its_place(fhir: Fhir) -> None:
    """http.html#brules: what fails a transaction fails one entry of a batch, with the status it would have alone."""
    await fhir.store(study("old"), study("b", nct="NCT1"), study("c", nct="NCT1"))
    answers = await batch(fhir, *(bad for bad, _, _ in FAILURES), entry("PUT", "Group/good", group(id="good")))
    for (bad, status, _), answer in zip(FAILURES, answers, strict=False):
        assert answer["response"]["status"].startswith(str(status)), (bad, answer)
        assert answer["response"]["outcome"]["issue"]
    assert answers[-1]["response"]["status"] == "201 Created"
    assert (await fhir.get("_history")).json()["total"] == 4


async def test_an_empty_batch(fhir: Fhir) -> None:
    """bundle.html: an empty array is no FHIR: the response has no entry then."""
    assert await batch(fhir) == []
