"""transaction: https://hl7.org/fhir/R5/http.html#transaction; the rules of https://hl7.org/fhir/R5/http.html#trules."""

from __future__ import annotations

import itertools

import pytest

from tests.support.asking import BASE, Fhir, Json, refused, study
from tests.support.bundles import ONE, ORGANIZATION, TWO, done, entry, group, identity, state, transaction

pytestmark = pytest.mark.anyio


async def test_every_interaction_and_its_answer(fhir: Fhir) -> None:
    """http.html#transaction-response: an answer to each entry at its place: status, location, etag, lastModified."""
    await fhir.store(study("old", title="1"), study("gone"), study("same"))
    answers = await done(
        fhir,
        entry("GET", "ResearchStudy/old"),
        entry("PUT", "ResearchStudy/old", study("old", title="2")),
        entry("POST", "ResearchStudy", study()),
        entry("DELETE", "ResearchStudy/gone"),
        entry("PUT", "ResearchStudy/new", study("new")),
        entry("PUT", "ResearchStudy/same", study("same")),
        entry("DELETE", "ResearchStudy/never"),
        entry("GET", "ResearchStudy?_id=old,gone"),
        entry("GET", "ResearchStudy/old/_history/1"),
        entry("HEAD", "ResearchStudy/old"),
    )
    statuses = [answer["response"]["status"][:3] for answer in answers]
    assert statuses == ["200", "200", "201", "204", "201", "200", "204", "200", "200", "200"]
    etags = [answer["response"].get("etag") for answer in answers]
    assert etags == ['W/"2"', 'W/"2"', 'W/"1"', None, 'W/"1"', 'W/"1"', None, None, 'W/"1"', 'W/"2"']
    assert identity(answers[1]) == "ResearchStudy/old"
    # Reads come last: they see what the transaction has written.
    assert answers[0]["resource"]["title"] == "2"
    assert [each["resource"]["id"] for each in answers[7]["resource"]["entry"]] == ["old"]
    assert answers[8]["resource"]["title"] == "1"
    assert "resource" not in answers[9]


async def test_it_is_one_commit(fhir: Fhir) -> None:
    """http.html#transaction: all of a transaction happens at one instant."""
    await done(fhir, *(entry("PUT", f"ResearchStudy/{id_}", study(id_)) for id_ in "abc"))
    history = (await fhir.get("_history")).json()["entry"]
    assert len({each["response"]["lastModified"] for each in history}) == 1


async def test_the_order_of_entries_does_not_matter(fhir: Fhir) -> None:
    """http.html#trules: DELETE, POST, PUT, GET whatever their order: every permutation ends in the same state."""
    entries = [
        entry("DELETE", "Group/gone"),
        entry(
            "POST", "Organization", {"resourceType": "Organization", "name": "New"}, ONE, ifNoneExist="identifier=new"
        ),
        entry("PUT", "Group/put", group(id="put", managingEntity={"reference": ONE})),
        entry("PUT", "Group?identifier=cond", group(identifier=[{"value": "cond"}], name="changed"), TWO),
        entry("GET", "Group?_id=put,gone"),
    ]
    outcomes = set()
    for number, order in enumerate(itertools.permutations(range(len(entries)))):
        if number % 5:  # every fifth is enough, and every entry comes first and last in some
            continue
        await fhir.store(
            group(id="gone", name=str(number)), group(id="cond", identifier=[{"value": "cond"}], name=str(number))
        )
        answers = await done(fhir, *(entries[index] for index in order))
        by_entry = dict(zip(order, answers, strict=True))
        organization = identity(by_entry[1])
        stored = await state(fhir)
        assert [each["resource"]["id"] for each in by_entry[4]["resource"]["entry"]] == ["put"]
        outcomes.add(
            str({key: stored[key] for key in sorted(stored)})
            .replace(organization, "ORGANIZATION")
            .replace(organization[13:], "ID")
        )
        for key in ("Group/put", "Group/cond", organization):
            await fhir.delete(key)
    assert len(outcomes) == 1


async def test_overlapping_identities_are_refused(fhir: Fhir) -> None:
    """http.html#trules: two entries that write the same resource fail the transaction, however they name it."""
    await fhir.store(study("a", nct="NCT1"))
    body = study("a", nct="NCT1", title="2")
    for first, second in (
        (entry("PUT", "ResearchStudy/a", body), entry("PUT", "ResearchStudy/a", body)),
        (entry("PUT", "ResearchStudy/a", body), entry("DELETE", "ResearchStudy/a")),
        (entry("PUT", "ResearchStudy?identifier=NCT1", body), entry("PUT", "ResearchStudy/a", body)),
        (entry("DELETE", "ResearchStudy?identifier=NCT1"), entry("PUT", "ResearchStudy/a", body)),
        (entry("POST", "ResearchStudy", study(), ifNoneExist="identifier=NCT1"), entry("DELETE", "ResearchStudy/a")),
        (entry("PUT", f"{BASE}/ResearchStudy/a", body), entry("PUT", "ResearchStudy/a", body)),
    ):
        for pair in ((first, second), (second, first)):
            refused(await fhir.post("", transaction(*pair)), 400, "duplicate")
    same_name = transaction(entry("POST", "Group", group(), ONE), entry("POST", "Group", group(), ONE))
    refused(await fhir.post("", same_name), 400, "duplicate", "Bundle.entry[1].fullUrl")
    assert (await fhir.get("_history")).json()["total"] == 1


FAILURES: list[tuple[Json, int, str]] = [
    # an entry that fails, with which status, and where the outcome says it is
    (entry("POST", "ResearchStudy", study(status="nonsense")), 422, "Bundle.entry[1].resource.status"),
    (entry("POST", "Group", study()), 400, "Bundle.entry[1]"),
    (entry("PUT", "ResearchStudy/x", study("y")), 400, "Bundle.entry[1].resource.id"),
    (entry("PUT", "ResearchStudy/x", study()), 400, "Bundle.entry[1].resource.id"),
    (entry("PUT", "ResearchStudy/_x", study("_x")), 400, "Bundle.entry[1]"),
    (entry("PUT", "ResearchStudy/old", study("old", title="2"), ifMatch='W/"7"'), 412, "Bundle.entry[1]"),
    (entry("PUT", "ResearchStudy/old", study("old", title="2"), ifMatch="7"), 400, "Bundle.entry[1]"),
    (entry("PUT", "ResearchStudy/old", study("old", title="2"), ifNoneMatch="*"), 412, "Bundle.entry[1]"),
    (
        entry("PUT", "ResearchStudy/old", study("old"), ifNoneMatch='W/"7"'),
        400,
        "Bundle.entry[1].request.ifNoneMatch",
    ),
    (entry("PUT", "ResearchStudy/never", study("never"), ifMatch="*"), 412, "Bundle.entry[1]"),
    (entry("DELETE", "ResearchStudy/never", ifMatch="*"), 412, "Bundle.entry[1]"),
    (entry("DELETE", "ResearchStudy/old", ifNoneMatch="*"), 412, "Bundle.entry[1]"),
    (entry("DELETE", "ResearchStudy/old", ifMatch='W/"7"'), 412, "Bundle.entry[1]"),
    (entry("POST", "ResearchStudy", study(), ifNoneExist="identifier=NCT1"), 412, "Bundle.entry[1]"),
    (entry("POST", "ResearchStudy", study(), ifNoneExist="nonsense=1"), 400, "Bundle.entry[1]"),
    (entry("POST", "ResearchStudy", study(), ifNoneExist="&"), 400, "Bundle.entry[1]"),
    (entry("POST", "ResearchStudy", study(), ifNoneExist=""), 400, "Bundle.entry[1].request.ifNoneExist"),
    (entry("POST", "ResearchStudy", study(), ifNoneExist="%FF=1"), 400, "Bundle.entry[1].request.ifNoneExist"),
    (entry("PUT", "ResearchStudy?identifier=NCT1", study()), 412, "Bundle.entry[1]"),
    (entry("PUT", "ResearchStudy?identifier=none", study("old")), 409, "Bundle.entry[1]"),
    (entry("DELETE", "ResearchStudy?identifier=NCT1"), 412, "Bundle.entry[1]"),
    (entry("DELETE", "ResearchStudy?nonsense=1"), 400, "Bundle.entry[1]"),
    (entry("DELETE", "ResearchStudy"), 400, "Bundle.entry[1].request"),
    (entry("DELETE", "ResearchStudy?"), 400, "Bundle.entry[1].request"),
    (entry("PUT", "ResearchStudy", study()), 400, "Bundle.entry[1].request"),
    (entry("POST", "ResearchStudy"), 400, "Bundle.entry[1].request"),
    (entry("DELETE", "ResearchStudy/old", study()), 400, "Bundle.entry[1].request"),
    (entry("POST", "ResearchStudy/a", study()), 400, "Bundle.entry[1].request.url"),
    (entry("POST", "Nothing", study()), 400, "Bundle.entry[1].request.url"),
    (entry("POST", "", study()), 400, "Bundle.entry[1].request.url"),
    (entry("POST", "http://[", study()), 400, "Bundle.entry[1].request.url"),
    (entry("POST", "http://elsewhere.test/fhir/ResearchStudy", study()), 400, "Bundle.entry[1].request.url"),
    (entry("BREW", "ResearchStudy", study()), 400, "Bundle.entry[1].request.method"),
    (entry("PATCH", "ResearchStudy/old"), 400, "Bundle.entry[1].request"),
    (entry("GET", "ResearchStudy/never"), 404, "Bundle.entry[1]"),
    (entry("GET", "ResearchStudy?nonsense=1"), 400, "Bundle.entry[1]"),
    (entry("GET", "ResearchStudy/never/_history"), 404, "Bundle.entry[1]"),
    (entry("GET", "_history?_sort=x"), 400, "Bundle.entry[1]"),
    (entry("GET", "_search"), 400, "Bundle.entry[1].request.url"),
    (entry("GET", "ResearchStudy/old/_history/7"), 404, "Bundle.entry[1]"),
    (entry("GET", "ResearchStudy/old/x/1"), 400, "Bundle.entry[1]"),
    (entry("GET", "ResearchStudy/old?_summary=true"), 400, "Bundle.entry[1]"),
    ({}, 400, "Bundle.entry[1].request"),
    ({"request": 5}, 400, "Bundle.entry[1].request"),
    ({"request": {"method": 5, "url": "Group"}}, 400, "Bundle.entry[1].request.method"),
    ({"request": {"method": "GET", "url": []}}, 400, "Bundle.entry[1].request.url"),
    ({"request": {"url": "Group"}}, 400, "Bundle.entry[1].request.method"),
    ({"request": {"method": "GET"}}, 400, "Bundle.entry[1].request.url"),
    ({"request": {"method": "POST", "url": "Group"}, "resource": 5}, 400, "Bundle.entry[1].request"),
    ({"request": {"method": "POST", "url": "Group"}, "resource": {}}, 400, "Bundle.entry[1]"),
    ({"request": {"method": "POST", "url": "Group"}, "resource": {"resourceType": []}}, 400, "Bundle.entry[1]"),
    ({"request": {"method": "POST", "url": "Group"}, "resource": group(contained=[{"resourceType": "X"}])}, 422, ""),
    ({"request": {"method": "POST", "url": "Group"}, "resource": group(contained=[{"resourceType": []}])}, 422, ""),
    ({"request": {"method": "POST", "url": "Group"}, "resource": group(contained=5, extension="x")}, 422, ""),
]


async def test_a_failure_stores_nothing_and_names_the_entry(fhir: Fhir) -> None:
    """http.html#trules: all or nothing, and one OperationOutcome that says which entry it was."""
    await fhir.store(study("old"), study("b", nct="NCT1"), study("c", nct="NCT1"))
    before = await state(fhir)
    for bad, status, place in FAILURES:
        response = await fhir.post("", transaction(entry("PUT", "Group/good", group(id="good")), bad))
        assert response.status_code == status, (bad, response.text)
        places = [each for issue in response.json()["issue"] for each in issue.get("expression", ())]
        assert any(each.startswith(place or "Bundle.entry[1].resource") for each in places), (bad, places)
        assert await state(fhir) == before, bad


async def test_every_problem_of_every_entry_at_once(fhir: Fhir) -> None:
    """operationoutcome.html: what is wrong with several resources is told in one outcome."""
    bad = [entry("POST", "ResearchStudy", study(status="no")), entry("POST", "Group", {"resourceType": "Group"})]
    response = await fhir.post("", transaction(*bad))
    assert response.status_code == 422
    places = [issue["expression"][0] for issue in response.json()["issue"]]
    assert places[0] == "Bundle.entry[0].resource.status"
    assert {"Bundle.entry[1].resource.type", "Bundle.entry[1].resource.membership"} <= set(places)


async def test_conditions_that_hold(fhir: Fhir) -> None:
    """http.html#trules: ifMatch, ifNoneMatch and ifNoneExist of an entry are those of the single interaction."""
    await fhir.store(study("a", nct="NCT1"), study("d"))
    answers = await done(
        fhir,
        entry("PUT", "ResearchStudy/a", study("a", nct="NCT1", title="2"), ifMatch='W/"1"'),
        entry("PUT", "ResearchStudy/new", study("new"), ifNoneMatch="*"),
        entry("POST", "ResearchStudy", study(nct="NCT3"), ifNoneExist="ResearchStudy?identifier=NCT3"),
        entry("DELETE", "ResearchStudy/d", ifMatch="*"),
        entry("PUT", "ResearchStudy?identifier=NCT4", study("four", nct="NCT4")),
        entry("DELETE", "ResearchStudy?identifier=NCT5"),
    )
    assert [each["response"]["status"][:3] for each in answers] == ["200", "201", "201", "204", "201", "204"]


async def test_a_conditional_create_that_finds(fhir: Fhir) -> None:
    """http.html#trules: links to an entry whose If-None-Exist finds something lead to what it finds."""
    await fhir.store({"resourceType": "Organization", "id": "o", "name": "Old", "identifier": [{"value": "1"}]})
    new = {"resourceType": "Organization", "name": "New", "identifier": [{"value": "1"}]}
    answers = await done(
        fhir,
        entry("PUT", "Group/g", group(id="g", managingEntity={"reference": ONE})),
        entry("POST", "Organization", new, ONE, ifNoneExist="identifier=1"),
    )
    assert answers[1]["response"]["status"] == "200 OK"
    assert identity(answers[1]) == "Organization/o"
    stored = await state(fhir)
    assert stored["Group/g"]["managingEntity"]["reference"] == "Organization/o"
    assert stored["Organization/o"]["name"] == "Old"


async def test_two_creates_under_one_condition_are_refused(fhir: Fhir) -> None:
    """http.html#ccreate: at most one may create, so two that would both create fail the transaction."""
    new = {**ORGANIZATION, "identifier": [{"value": "1"}]}
    twice = [entry("POST", "Organization", new, full_url, ifNoneExist="identifier=1") for full_url in (ONE, TWO)]
    refused(await fhir.post("", transaction(*twice)), 400, "duplicate", "Bundle.entry[1]")
    assert await fhir.ids("Organization") == []


async def test_loading_twice_changes_nothing(fhir: Fhir) -> None:
    """http.html#update: a transaction of updates that is sent again makes no version."""
    bundle = transaction(*(entry("PUT", f"ResearchStudy/{id_}", study(id_)) for id_ in "abc"))
    for _ in range(3):
        await fhir.post("", bundle)
    assert (await fhir.get("_history")).json()["total"] == 3


async def test_an_empty_transaction(fhir: Fhir) -> None:
    """bundle.html: a transaction without entries is one, and so is its response."""
    for bundle in ({"resourceType": "Bundle", "type": "transaction"}, transaction()):
        response = await fhir.post("", bundle)
        assert response.json() == {"resourceType": "Bundle", "type": "transaction-response"}


async def test_what_is_no_transaction_is_refused(fhir: Fhir) -> None:
    """http.html#transaction: the body is a Bundle of type transaction or batch."""
    for body in (
        study(),
        {},
        {"resourceType": "Bundle"},
        {"resourceType": "Bundle", "type": "collection"},
        {"resourceType": "Bundle", "type": ["transaction"]},
        {"resourceType": "Bundle", "type": 5},
    ):
        refused(await fhir.post("", body), 400, "invalid", "Bundle.type")
    arrays: tuple[object, ...] = ({}, 5, "x", [5], [[]], [None])
    for entries in arrays:
        body = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        refused(await fhir.post("", body), 400, "structure", "Bundle.entry")


async def test_an_entry_may_have_what_a_bundle_may_have(fhir: Fhir) -> None:
    """bundle.html: links, ids and extensions of an entry and its request are allowed, and change nothing."""
    extension = [{"url": "http://example.org/x", "valueString": "x"}]
    request = {"id": "r", "extension": extension, "method": "PUT", "url": "Group/g", "_url": {"id": "u"}}
    bundle = {
        **transaction(
            {"id": "e", "link": [{"relation": "self", "url": "x"}], "request": request, "resource": group(id="g")}
        ),
        "id": "b",
        "meta": {"tag": [{"code": "t"}]},
        "timestamp": "2020-01-01T00:00:00Z",
    }
    assert (await fhir.post("", bundle)).status_code == 200
    assert await fhir.ids("Group") == ["g"]


async def test_a_thousand_entries_in_a_ring(fhir: Fhir) -> None:
    """http.html#trules: entries that each name the next, the last one the first, are one commit with every link."""
    count = 1000
    names = [f"urn:uuid:{number:08d}-0000-4000-8000-000000000000" for number in range(count)]
    answers = await done(
        fhir,
        *(
            entry("POST", "Group", group(characteristic=[_next(names[(number + 1) % count])]), name)
            for number, name in enumerate(names)
        ),
    )
    places = [identity(answer) for answer in answers]
    stored = await state(fhir)
    for number, place in enumerate(places):
        assert stored[place]["characteristic"][0]["valueReference"]["reference"] == places[(number + 1) % count]
    assert len({answer["response"]["lastModified"] for answer in answers}) == 1


def _next(reference: str) -> Json:
    return {"code": {"text": "next"}, "valueReference": {"reference": reference}, "exclude": False}
