"""The extension resolve-as-version-specific: a reference gets the version that it resolves to in the transaction."""

from __future__ import annotations

import pytest

from tests.support.asking import Fhir, Json, refused, study
from tests.support.bundles import ONE, TWO, done, entry, group, transaction

pytestmark = pytest.mark.anyio

URL = "http://hl7.org/fhir/StructureDefinition/resolve-as-version-specific"


def specific(reference: str, *, wanted: bool = True) -> Json:
    """A Reference that asks for its version."""
    return {"reference": reference, "extension": [{"url": URL, "valueBoolean": wanted}]}


def pointing(id_: str, *references: Json) -> Json:
    """A study with sites."""
    return study(id_, site=list(references))


async def sites(fhir: Fhir, id_: str) -> list[str]:
    """The references of the sites of a study."""
    return [each["reference"] for each in (await fhir.get(f"ResearchStudy/{id_}")).json()["site"]]


def location(id_: str | None = None, name: str = "L") -> Json:
    """A Location."""
    return {"resourceType": "Location", "name": name, **({"id": id_} if id_ else {})}


async def test_versions_of_all_that_can_be_meant(fhir: Fhir) -> None:
    """What is created has version 1, what changes the next, what does not change or is not written the current one."""
    await fhir.store(location("same"), location("same", "2"), location("new"), location("left"), location("plain"))
    references = ["Location/same", "Location/new", "Location/left", "http://registry.test/fhir/Location/left", ONE]
    study_ = pointing("a", *map(specific, references), specific("Location/plain", wanted=False))
    answers = await done(
        fhir,
        entry("PUT", "ResearchStudy/a", study_),
        entry("PUT", "Location/same", location("same", "2")),
        entry("PUT", "Location/new", location("new", "2")),
        entry("POST", "Location", location(), ONE),
    )
    created = "/".join(answers[3]["response"]["location"].split("/")[-4:])
    assert await sites(fhir, "a") == [
        "Location/same/_history/2",
        "Location/new/_history/2",
        "Location/left/_history/1",
        "http://registry.test/fhir/Location/left/_history/1",
        created,
        "Location/plain",
    ]


async def test_in_a_circle_and_again(fhir: Fhir) -> None:
    """Two that name each other's version get those that they have in the end; what names one already keeps it."""

    def part(id_: str, of: str) -> Json:
        return study(id_, partOf=[specific(of)])

    second = entry("PUT", "ResearchStudy/b", part("b", ONE), TWO)
    await done(fhir, entry("PUT", "ResearchStudy/a", part("a", TWO), ONE), second)
    for number in (1, 2):
        for id_, other in (("a", "b"), ("b", "a")):
            found = (await fhir.get(f"ResearchStudy/{id_}")).json()
            assert found["meta"]["versionId"] == str(number)
            assert found["partOf"][0]["reference"] == f"ResearchStudy/{other}/_history/{number}"
        changed = {**part("a", TWO), "title": "changed"}
        await done(fhir, entry("PUT", "ResearchStudy/a", changed, ONE), second)


async def test_a_target_that_is_not_there(fhir: Fhir) -> None:
    """Without a target there is no version: the entry is named and nothing is stored."""
    await fhir.store(location("gone"))
    for reference in ("Location/never", "Location/gone"):
        bundle = transaction(
            entry("PUT", "Group/g", group(id="g")),
            entry("DELETE", "Location/gone"),
            entry("PUT", "ResearchStudy/a", pointing("a", specific(reference))),
        )
        refused(await fhir.post("", bundle), 422, "not-found", "Bundle.entry[2]")
    assert (await fhir.get("Group/g")).status_code == 404
