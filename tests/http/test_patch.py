"""patch with JSON Patch: https://hl7.org/fhir/R5/http.html#patch and RFC 6902."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.asking import BASE, Fhir, observation, refused, study

pytestmark = pytest.mark.anyio


def replace(path: str, value: object) -> list[dict[str, object]]:
    """Return a patch of one replacement."""
    return [{"op": "replace", "path": path, "value": value}]


async def test_patch_makes_the_next_version(fhir: Fhir) -> None:
    """http.html#patch: the patched resource, as an update would have made it."""
    await fhir.store(study("a", title="One"))
    response = await fhir.patch("ResearchStudy/a", replace("/title", "Two"))
    assert response.status_code == 200
    assert response.headers["etag"] == 'W/"2"'
    assert response.headers["location"] == f"{BASE}/ResearchStudy/a/_history/2"
    assert response.json()["title"] == "Two"
    assert response.content == (await fhir.get("ResearchStudy/a")).content


async def test_every_operation(fhir: Fhir) -> None:
    """RFC 6902, 4: test, add, copy, move, replace and remove, one after the other, as one change."""
    await fhir.store(study("a", title="One"))
    operations = [
        {"op": "test", "path": "/title", "value": "One"},
        {"op": "add", "path": "/note", "value": [{"text": "x"}]},
        {"op": "add", "path": "/note/-", "value": {"text": "z"}},
        {"op": "add", "path": "/note/1", "value": {"text": "y"}},
        {"op": "copy", "from": "/title", "path": "/name"},
        {"op": "move", "from": "/title", "path": "/description"},
        {"op": "replace", "path": "/name", "value": "N/~"},
        {"op": "remove", "path": "/note/0"},
    ]
    resource = (await fhir.patch("ResearchStudy/a", operations)).json()
    assert [note["text"] for note in resource["note"]] == ["y", "z"]
    assert (resource["name"], resource["description"], "title" in resource) == ("N/~", "One", False)
    assert resource["meta"]["versionId"] == "2"


async def test_a_patch_that_changes_nothing_makes_no_version(fhir: Fhir) -> None:
    """http.html#patch: the result is what counts."""
    await fhir.store(study("a", title="One"))
    for patch in ([], replace("/title", "One"), [{"op": "test", "path": "/title", "value": "One"}]):
        response = await fhir.patch("ResearchStudy/a", patch)
        assert (response.status_code, response.headers["etag"]) == (200, 'W/"1"')


async def test_a_patch_keeps_the_digits_of_numbers(fhir: Fhir) -> None:
    """json.html: neither the numbers that a patch leaves alone nor those that it brings lose a digit."""
    await fhir.put("Observation/a", observation("1.00", "a"))
    patch = b'[{"op":"add","path":"/referenceRange","value":[{"low":{"value":2.50},"high":{"value":1e3}}]}]'
    content = (await fhir.patch("Observation/a", patch)).content
    assert b'"value":1.00' in content
    assert b'"value":2.50' in content
    assert b'"value":1e3' in content


async def test_a_patch_with_a_result_that_is_not_valid(fhir: Fhir) -> None:
    """http.html#patch: 422 where the result breaks the rules, and nothing is stored."""
    await fhir.store(study("a"))
    refused(await fhir.patch("ResearchStudy/a", replace("/status", "no")), 422, "code-invalid", "ResearchStudy.status")
    remove: list[dict[str, Any]] = [{"op": "remove", "path": "/status"}]
    refused(await fhir.patch("ResearchStudy/a", remove), 422, "required", "ResearchStudy.status")
    refused(await fhir.patch("ResearchStudy/a", replace("/id", "b")), 422, "processing", "id")
    refused(await fhir.patch("ResearchStudy/a", replace("/resourceType", "Group")), 400, "invalid", "resourceType")
    refused(await fhir.patch("ResearchStudy/a", replace("", 5)), 400, "structure")
    assert (await fhir.get("ResearchStudy/a")).headers["etag"] == 'W/"1"'


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"op":"remove","path":"/title"}', 400),
        ("[5]", 400),
        ("null", 400),
        ("[", 400),
        ("", 400),
        ('[{"op":"remove","op":"add","path":"/title"}]', 400),
        ('[{"op":"explode","path":"/title"}]', 400),
        ('[{"path":"/title"}]', 400),
        ('[{"op":"remove"}]', 400),
        ('[{"op":"remove","path":5}]', 400),
        ('[{"op":"remove","path":"title"}]', 400),
        ('[{"op":"remove","path":"/~2"}]', 400),
        ('[{"op":"remove","path":"/nothing"}]', 422),
        ('[{"op":"remove","path":""}]', 422),
        ('[{"op":"remove","path":"/title/0"}]', 422),
        ('[{"op":"remove","path":"/title/x"}]', 422),
        ('[{"op":"add","path":"/title/0/x","value":1}]', 422),
        ('[{"op":"add","path":"/note/1","value":1}]', 422),
        ('[{"op":"add","path":"/note"}]', 422),
        ('[{"op":"move","path":"/note"}]', 422),
        ('[{"op":"copy","from":"/nothing","path":"/note"}]', 422),
        ('[{"op":"copy","from":5,"path":"/note"}]', 422),
        ('[{"op":"move","from":"/meta","path":"/meta/x"}]', 422),
        ('[{"op":"replace","path":"/nothing","value":1}]', 422),
        ('[{"op":"test","path":"/title","value":"Two"}]', 422),
        ('[{"op":"test","path":"/nothing","value":"Two"}]', 422),
        ('[{"op":"test","path":"/status/x/y","value":"Two"}]', 422),
    ],
)
async def test_what_cannot_be_applied_is_refused(fhir: Fhir, body: str, status: int) -> None:
    """RFC 6902, 5: 400 for what is no patch, 422 for one that cannot be applied; all or nothing is applied."""
    await fhir.store(study("a", title="One"))
    response = await fhir.patch("ResearchStudy/a", body.encode())
    assert response.status_code == status, response.text
    assert (await fhir.get("ResearchStudy/a")).headers["etag"] == 'W/"1"'


async def test_a_patch_cannot_grow_without_bounds(fhir: Fhir) -> None:
    """A few hundred bytes of copies that double the resource each time are stopped, and so is nesting without end."""
    await fhir.store(study("a", title="x" * 1000))
    doubling = [{"op": "copy", "from": "", "path": f"/x{number}"} for number in range(40)]
    assert (await fhir.patch("ResearchStudy/a", doubling)).status_code in (413, 422)
    deeper = [{"op": "copy", "from": "", "path": "/x" * number} for number in range(1, 400)]
    assert (await fhir.patch("ResearchStudy/a", deeper)).status_code in (413, 422)
    nested: object = 1
    for _ in range(90):
        nested = [nested]
    stacked = [{"op": "add", "path": "/note" + "/0" * (89 * number), "value": nested} for number in range(6)]
    assert (await fhir.patch("ResearchStudy/a", stacked)).status_code in (413, 422)


async def test_a_patch_of_what_is_not_there(fhir: Fhir) -> None:
    """http.html#patch: 404 for what never was, 410 for what was deleted: a patch creates nothing."""
    refused(await fhir.patch("ResearchStudy/a", []), 404, "not-found")
    await fhir.store(study("a"))
    await fhir.delete("ResearchStudy/a")
    refused(await fhir.patch("ResearchStudy/a", []), 410, "deleted")


async def test_if_match(fhir: Fhir) -> None:
    """http.html#concurrency: a patch made for another version is refused with 412."""
    await fhir.store(study("a", title="1"), study("a", title="2"))
    refused(await fhir.patch("ResearchStudy/a", replace("/title", "3"), If_Match='W/"1"'), 412, "conflict", "If-Match")
    assert (await fhir.patch("ResearchStudy/a", replace("/title", "3"), If_Match='W/"2"')).status_code == 200
    refused(await fhir.patch("ResearchStudy/a", [], If_Match="3"), 400, "invalid", "If-Match")


async def test_if_match_any(fhir: Fhir) -> None:
    """RFC 9110, 13.1.1: ``*`` is met by any version; 13.2.1: what cannot be patched anyway is 404, not 412."""
    for path in ("ResearchStudy/a", "ResearchStudy?status=active"):
        refused(await fhir.patch(path, [], If_Match="*"), 404, "not-found")
    await fhir.store(study("a"))
    for path, title in (("ResearchStudy/a", "2"), ("ResearchStudy?status=active", "3")):
        response = await fhir.patch(path, [{"op": "add", "path": "/title", "value": title}], If_Match="*")
        assert (response.status_code, response.json()["title"]) == (200, title)


async def test_if_none_match_any(fhir: Fhir) -> None:
    """RFC 9110, 13.1.2: ``*`` is met where nothing is, and what can be patched is there; nothing else is understood."""
    await fhir.store(study("a"))
    for path in ("ResearchStudy/a", "ResearchStudy?status=active"):
        refused(await fhir.patch(path, [], If_None_Match="*"), 412, "conflict", "If-None-Match")
        refused(await fhir.patch(path, [], If_None_Match='W/"9"'), 400, "invalid", "If-None-Match")


async def test_conditional_patch(fhir: Fhir) -> None:
    """http.html#cond-patch: 404 for no match, 412 for several, else as a patch of the one."""
    path, patch = "ResearchStudy?identifier=NCT1", replace("/status", "retired")
    refused(await fhir.patch(path, patch), 404, "not-found")
    await fhir.store(study("a", nct="NCT1"))
    response = await fhir.patch(path, patch)
    assert (response.status_code, response.json()["status"]) == (200, "retired")
    refused(await fhir.patch(path, patch, If_Match='W/"1"'), 412, "conflict", "If-Match")
    await fhir.store(study("b", nct="NCT1"))
    refused(await fhir.patch(path, patch), 412, "multiple-matches")
    refused(await fhir.patch("ResearchStudy", patch), 400, "required")
    refused(await fhir.patch("ResearchStudy?x=1", patch, Prefer="handling=lenient"), 400, "invalid", "x")


def fhirpath(*operations: dict[str, str]) -> dict[str, object]:
    """Return a FHIRPath Patch; each operation as names and values."""
    kinds = {"type": "valueCode", "index": "valueInteger", "source": "valueInteger", "destination": "valueInteger"}
    return {
        "resourceType": "Parameters",
        "parameter": [
            {
                "name": "operation",
                "part": [{"name": name, kinds.get(name, "valueString"): value} for name, value in operation.items()],
            }
            for operation in operations
        ],
    }


async def test_a_fhirpath_patch(fhir: Fhir) -> None:
    """fhirpatch.html: the operations are done in their order, as one change; also on what meets criteria."""
    await fhir.store(study("a", title="One"))
    patch = fhirpath(
        {"type": "replace", "path": "ResearchStudy.title", "value": "Two"},
        {"type": "add", "path": "ResearchStudy", "name": "description", "value": "three"},
    )
    for path in ("ResearchStudy/a", "ResearchStudy?_id=a"):
        response = await fhir.patch(path, patch, Content_Type="application/fhir+json")
        assert response.status_code == (200 if path == "ResearchStudy/a" else 422)  # a second add finds it there
    study_ = (await fhir.get("ResearchStudy/a")).json()
    assert (study_["title"], study_["description"], study_["meta"]["versionId"]) == ("Two", "three", "2")


async def test_a_fhirpath_patch_that_cannot_be_done(fhir: Fhir) -> None:
    """fhirpatch.html: an operation that finds nothing, or whose result is not valid, is 422 and changes nothing."""
    await fhir.store(study("a", title="One"))
    for operation in (
        {"type": "replace", "path": "ResearchStudy.note[3]", "value": "x"},
        {"type": "replace", "path": "ResearchStudy.status", "value": "nonsense"},
        {"type": "replace", "path": "ResearchStudy.id", "value": "b"},
    ):
        response = await fhir.patch("ResearchStudy/a", fhirpath(operation), Content_Type="application/fhir+json")
        assert response.status_code == 422, response.text
    bodies: tuple[object, ...] = ([], {"resourceType": "Parameters"}, {"resourceType": "Patient"})
    for body in bodies:
        response = await fhir.patch("ResearchStudy/a", body, Content_Type="application/fhir+json")
        assert response.status_code in (400, 422), response.text
    assert (await fhir.get("ResearchStudy/a")).json()["meta"]["versionId"] == "1"
