"""Search parameters that users define: https://hl7.org/fhir/R5/searchparameter.html and $reindex."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from service.search.query import Prefix, Query
from service.store.base import Store
from tests.http.conftest import Configured
from tests.support.asking import Fhir, Json, outcome, refused, study

pytestmark = pytest.mark.anyio

URL = "https://example.org/fhir/SearchParameter/"
DRAFT = {"status": "draft"}


def parameter(id_: str = "alias", **members: Any) -> Json:
    """Return a definition by which a study is found by the label of a version of its protocol."""
    return {
        "resourceType": "SearchParameter",
        "id": id_,
        "url": f"{URL}{id_}",
        "name": "Alias",
        "status": "active",
        "description": "The name that a study is known under.",
        "code": id_,
        "base": ["ResearchStudy"],
        "type": "string",
        "expression": "ResearchStudy.label.value",
        "processingMode": "normal",
        **members,
    }


def labelled(id_: str, label: str) -> Json:
    """Return a study with a label."""
    return study(id_, label=[{"value": label}])


def pair(**members: Any) -> Json:
    """Return a composite that is made of two parameters of users."""
    components = [
        {"definition": f"{URL}label", "expression": "value"},
        {"definition": f"{URL}kind", "expression": "type"},
    ]
    found = parameter("pair", type="composite", expression="ResearchStudy.label", component=components)
    return {**found, "multipleOr": False, **members}


def kind() -> Json:
    """Return the definition of the second component."""
    return parameter("kind", type="token", expression="ResearchStudy.label.type")


def transaction(*resources: Json) -> Json:
    """Return a transaction of updates."""
    entries = [
        {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
        for each in resources
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def parts(found: Iterable[Json], name: str) -> list[Json]:
    """Return the parts of a Parameters resource by their name."""
    return [each for each in found if each["name"] == name]


async def alias_key(store: Store) -> str:
    """Return the key of the rows of the current edition of the parameter."""
    version = await store.read("SearchParameter", "alias")
    assert version is not None
    return f"ResearchStudy.alias@{version.position}"


async def report(fhir: Fhir) -> list[Json]:
    """Return what $reindex reports."""
    response = await fhir.get("$reindex")
    assert response.status_code == 200
    found: list[Json] = response.json()["parameter"]
    return found


async def indexed(fhir: Fhir) -> list[Json]:
    """Wait until nothing is being indexed, and return the report."""
    for _ in range(500):
        found = await report(fhir)
        if parts(found, "status")[0]["valueCode"] == "idle":
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(found)


async def listed(fhir: Fhir, type_: str = "ResearchStudy") -> set[str]:
    """Return the parameters that the capability statement lists for a type."""
    rest = (await fhir.get("metadata")).json()["rest"][0]
    resource = next(each for each in rest["resource"] if each["type"] == type_)
    return {each["name"] for each in resource["searchParam"]}


async def test_what_was_there_is_found_once_it_is_indexed(fhir: Fhir) -> None:
    """searchparameter.html: a definition is used, for what was written before it and after it, without a restart."""
    await fhir.store(labelled("before", "Berlin"))
    refused(await fhir.get("ResearchStudy?alias=berlin"), 400, "invalid", "alias")
    await fhir.store(parameter())
    await fhir.store(labelled("after", "Berlin-Mitte"), labelled("other", "Paris"))
    found = await indexed(fhir)
    assert await fhir.ids("ResearchStudy?alias=berlin&_sort=_id") == ["after", "before"]
    assert await fhir.ids("ResearchStudy?_sort=alias") == ["before", "after", "other"]
    assert await fhir.ids("ResearchStudy?alias:missing=true") == []
    assert "alias" in await listed(fhir)
    assert "alias" not in await listed(fhir, "Evidence")
    part = parts(found, "parameter")[0]["part"]
    assert parts(part, "source")[0]["valueReference"] == {"reference": "SearchParameter/alias"}
    assert parts(part, "status")[0]["valueCode"] == "ready"
    assert parts(part, "done")[0]["valueInteger"] >= 1


async def test_past_versions_are_indexed(fhir: Fhir) -> None:
    """_asOf: what a resource said before the definition came is found as of then, and no longer now."""
    await fhir.store(labelled("a", "Berlin"))
    then = (await fhir.get("ResearchStudy/a")).json()["meta"]["lastUpdated"]
    await asyncio.sleep(0.005)
    await fhir.store(labelled("a", "Paris"), parameter())
    await indexed(fhir)
    asked = then.replace("+", "%2B")
    assert await fhir.ids(f"ResearchStudy?alias=berlin&_asOf={asked}") == ["a"]
    assert await fhir.ids(f"ResearchStudy?alias=paris&_asOf={asked}") == []
    assert await fhir.ids("ResearchStudy?alias=berlin") == []
    assert await fhir.ids("ResearchStudy?alias=paris") == ["a"]


async def test_refused_until_it_is_indexed(
    fhir: Fhir, store: Store, configured: Configured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """search.html#errors: an answer from half an index would be wrong; it says which parameter, and how far it is.

    What was interrupted is finished by the next process, which begins with what the store says.
    """
    await fhir.store(labelled("a", "Berlin"))
    add_rows, gate = store.add_rows, asyncio.Event()

    async def held(rows: Any) -> None:
        await gate.wait()
        await add_rows(rows)

    with monkeypatch.context() as patched:
        patched.setattr(store, "add_rows", held)
        await fhir.store(parameter())
        async with asyncio.timeout(30):
            while "about to begin" in (await fhir.get("ResearchStudy?alias=berlin")).text:
                await asyncio.sleep(0.01)
        for query in ("alias=berlin", "_sort=alias", "alias:missing=true", "_filter=alias eq berlin"):
            response = await fhir.get(f"ResearchStudy?{query}", Prefer="handling=lenient")
            text = refused(response, 400, "transient")
            assert f"alias ({URL}alias) cannot be searched by yet: 0 of 2 versions are indexed." in text
        refused(await fhir.get("ResearchStudy?alias=berlin"), 400, "transient", "alias")
        refused(await fhir.get("Evidence?study:ResearchStudy.alias=berlin"), 400, "transient")
        response = await fhir.post("ResearchStudy", study(), If_None_Exist="alias=berlin")
        refused(response, 400, "transient", "alias")
        assert "alias" not in await listed(fhir)
        found = await report(fhir)
        assert parts(found, "status")[0]["valueCode"] == "running"
        part = parts(found, "parameter")[0]["part"]
        assert (parts(part, "status")[0]["valueCode"], parts(part, "done")[0]["valueInteger"]) == ("indexing", 0)
    other = configured()
    await indexed(other)
    assert await other.ids("ResearchStudy?alias=berlin") == ["a"]
    gate.set()
    await indexed(fhir)
    assert await fhir.ids("ResearchStudy?alias=berlin") == ["a"]


@pytest.mark.parametrize(
    ("members", "code", "where"),
    [
        ({"expression": "ResearchStudy.("}, "not-supported", "SearchParameter.expression"),
        ({"expression": "ResearchStudy.enrollment"}, "value", "SearchParameter.expression"),
        ({"code": "status"}, "duplicate", "SearchParameter.code"),
        ({"code": "a:b"}, "value", "SearchParameter.code"),
        ({"url": "http://hl7.org/fhir/SearchParameter/Resource-id"}, "business-rule", "SearchParameter.url"),
    ],
)
async def test_what_cannot_be_used_is_refused(fhir: Fhir, members: Json, code: str, where: str) -> None:
    """searchparameter.html: an active definition that is of no use here is not stored; a draft of it is."""
    wrong = parameter(**members)
    refused(await fhir.put("SearchParameter/alias", wrong), 422, code, where)
    refused(await fhir.post("SearchParameter", wrong), 422, code, where)
    assert (await fhir.get("SearchParameter/alias")).status_code == 404
    entry = where.replace("SearchParameter", "Bundle.entry[1].resource")
    refused(await fhir.post("", transaction(study("a"), wrong)), 422, code, entry)
    assert (await fhir.get("ResearchStudy/a")).status_code == 404
    await fhir.store({**wrong, **DRAFT})
    activate = [{"op": "replace", "path": "/status", "value": "active"}]
    refused(await fhir.patch("SearchParameter/alias", activate), 422, code, where)
    assert parts(await indexed(fhir), "parameter") == []


async def test_two_of_the_same(fhir: Fhir) -> None:
    """searchparameter.html: a canonical names one definition, and a code one parameter of a type."""
    await fhir.store(parameter())
    same_url = parameter("other", url=f"{URL}alias")
    refused(await fhir.put("SearchParameter/other", same_url), 422, "duplicate", "SearchParameter.url")
    same_code = parameter("other", code="alias")
    refused(await fhir.put("SearchParameter/other", same_code), 422, "duplicate", "SearchParameter.code")
    both = transaction(parameter("x"), parameter("y", code="x"))
    refused(await fhir.post("", both), 422, "duplicate", "Bundle.entry[1].resource.code")
    await fhir.store(parameter("other", code="alias", base=["Group"], expression="Group.name"))
    await indexed(fhir)
    assert {"alias"} <= await listed(fhir, "Group")


async def test_what_is_known_already(fhir: Fhir) -> None:
    """searchparameter.html: a definition of the specification or of this registry may be stored; nothing changes."""
    official = "http://hl7.org/fhir/SearchParameter/ResearchStudy-title"
    await fhir.store(parameter("ResearchStudy-title", url=official, code="title", expression="ResearchStudy.title"))
    assert parts(await indexed(fhir), "parameter") == []


async def test_a_draft_has_no_effect(fhir: Fhir) -> None:
    """publicationstatus: only what is active is used; what is retired is no longer."""
    for status in ("draft", "retired", "unknown"):
        await fhir.store(parameter(status=status))
        refused(await fhir.get("ResearchStudy?alias=x"), 400, "invalid", "alias")


@pytest.mark.parametrize("way", ["delete", "retire", "replace"])
async def test_what_is_gone(fhir: Fhir, store: Store, way: str) -> None:
    """searchparameter.html: a definition that is deleted, retired or replaced leaves nothing to be found by it."""
    await fhir.store(labelled("a", "Berlin"), parameter())
    await indexed(fhir)
    key = await alias_key(store)
    assert len(await store.search(Query(("ResearchStudy",), Prefix(key, "")), limit=2)) == 1
    if way == "delete":
        assert (await fhir.delete("SearchParameter/alias")).status_code == 204
    else:
        changes = {"status": "retired"} if way == "retire" else {"expression": "ResearchStudy.title"}
        await fhir.store(parameter(**changes))
    if way == "replace":
        await indexed(fhir)
        assert await fhir.ids("ResearchStudy?alias=berlin") == []
    else:
        refused(await fhir.get("ResearchStudy?alias=berlin"), 400, "invalid", "alias")
        assert "alias" not in await listed(fhir)
    for _ in range(250):
        if not await store.search(Query(("ResearchStudy",), Prefix(key, "")), limit=1):
            break
        await asyncio.sleep(0.02)
    else:
        raise AssertionError(key)


async def test_a_transaction_defines_what_belongs_together(fhir: Fhir) -> None:
    """http.html#trules: a composite and its components come at once, whatever their order; and go together."""
    label = {"value": "Berlin", "type": {"coding": [{"code": "short"}]}}
    other = {"value": "Paris", "type": {"coding": [{"code": "long"}]}}
    bundle = transaction(pair(), study("a", label=[label, other]), kind(), parameter("label"))
    assert (await fhir.post("", bundle)).status_code == 200
    await indexed(fhir)
    assert await fhir.ids("ResearchStudy?pair=berlin$short") == ["a"]
    assert await fhir.ids("ResearchStudy?pair=berlin$long") == []
    refused(await fhir.delete("SearchParameter/kind"), 409, "conflict")
    assert await fhir.ids("ResearchStudy?pair=berlin$short") == ["a"]
    assert (await fhir.delete("SearchParameter/pair")).status_code == 204
    assert (await fhir.delete("SearchParameter/kind")).status_code == 204
    await indexed(fhir)
    assert await fhir.ids("ResearchStudy?label=berlin") == ["a"]


async def test_another_process_follows(fhir: Fhir, configured: Configured, monkeypatch: pytest.MonkeyPatch) -> None:
    """A definition that one process has taken is used by the others a second later, and what they wrote is found."""
    other = configured()
    await other.store(labelled("a", "Berlin"))
    await fhir.store(parameter())
    await other.store(labelled("late", "Berlin"))  # it does not know the definition yet
    await indexed(fhir)
    for _ in range(250):
        if (await other.get("ResearchStudy?alias=berlin")).status_code == 200:
            break
        await asyncio.sleep(0.02)
    await indexed(other)
    for client in (fhir, other):
        assert sorted(await client.ids("ResearchStudy?alias=berlin")) == ["a", "late"]
    monkeypatch.setattr("service.interactions.follow.INTERVAL", 0.0)
    await fhir.delete("SearchParameter/alias")
    await asyncio.sleep(1.0)
    refused(await other.get("ResearchStudy?alias=berlin"), 400, "invalid", "alias")


async def test_after_a_restart_nothing_is_indexed_again(
    fhir: Fhir, configured: Configured, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That an index is complete is kept with the definition, in the store."""
    await fhir.store(labelled("a", "Berlin"), parameter())
    await indexed(fhir)

    async def never(rows: object) -> None:
        raise AssertionError(rows)

    monkeypatch.setattr(store, "add_rows", never)
    assert await configured().ids("ResearchStudy?alias=berlin") == ["a"]


async def test_everything_anew(fhir: Fhir, store: Store) -> None:
    """$reindex: POST makes the rows of every parameter again, of every version; what is there already stays."""
    await fhir.store(labelled("a", "Berlin"), parameter())
    await indexed(fhir)
    key = await alias_key(store)
    await store.remove_rows([key, "ResearchStudy.status"])
    assert await fhir.ids("ResearchStudy?alias=berlin") == []
    for _ in range(2):
        response = await fhir.post("$reindex", {"resourceType": "Parameters"})
        assert response.status_code == 200
        assert parts(response.json()["parameter"], "status")[0]["valueCode"] == "running"
        part = parts(await indexed(fhir), "everything")[0]["part"]
        assert [parts(part, name)[0]["valueInteger"] for name in ("done", "total")] == [2, 2]
        assert await fhir.ids("ResearchStudy?alias=berlin") == ["a"]
        assert await fhir.ids("ResearchStudy?status=active") == ["a"]


async def test_the_operation_is_stated(fhir: Fhir) -> None:
    """capabilitystatement.html: an operation is listed with its definition, and answers by the methods it has."""
    rest = (await fhir.get("metadata")).json()["rest"][0]
    url = "https://trial-registry.example.org/fhir/OperationDefinition/reindex"
    assert {"name": "reindex", "definition": url} in rest["operation"]
    assert (await fhir.get("$reindex")).status_code == 200
    outcome(await fhir.put("$reindex", {}))
    refused(await fhir.get("$reindex?x=y"), 400, "invalid", "x")
    outcome(await fhir.get("$nothing"))
