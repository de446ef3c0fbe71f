"""Definitions that are written take effect at once: https://hl7.org/fhir/R5/conformance-module.html."""

from __future__ import annotations

import httpx
import pytest

from tests.http.conftest import Configured
from tests.support.asking import Fhir, Json, outcome, study
from tests.support.profiles import BASE, TITLED, profile, titled

pytestmark = pytest.mark.anyio

CODES = f"{BASE}/ValueSet/colours"
COLOURED = f"{BASE}/StructureDefinition/coloured"


def errors(response: httpx.Response) -> list[str]:
    """Return where the errors of a refusal are."""
    assert response.status_code == 422, response.text
    return sorted(place for each in outcome(response) if each["severity"] == "error" for place in each["expression"])


def colours(*codes: str) -> list[Json]:
    """Return a code system with these codes, and the value set of all of them."""
    system = f"{BASE}/CodeSystem/colours"
    head = {"id": "colours", "status": "active"}
    return [
        {
            "resourceType": "CodeSystem",
            "url": system,
            "content": "complete",
            "concept": [{"code": code} for code in codes],
            **head,
        },
        {"resourceType": "ValueSet", "url": CODES, "compose": {"include": [{"system": system}]}, **head},
    ]


def coloured() -> Json:
    """Return a profile of Basic whose code is one of the colours."""
    return profile(COLOURED, "Basic", {"path": "code", "binding": {"strength": "required", "valueSet": CODES}})


def basic(code: str) -> Json:
    """Return a Basic of a colour that claims the profile."""
    coding = {"system": f"{BASE}/CodeSystem/colours", "code": code}
    return {"resourceType": "Basic", "meta": {"profile": [COLOURED]}, "code": {"coding": [coding]}}


async def test_a_profile_comes_changes_and_goes(fhir: Fhir) -> None:
    """The next write obeys what was written before it: a new profile, its next version, and its end."""
    claim = study(meta={"profile": [TITLED]})
    assert (await fhir.post("ResearchStudy", claim)).status_code == 201
    await fhir.store(titled())
    assert errors(await fhir.post("ResearchStudy", claim)) == ["ResearchStudy.description", "ResearchStudy.title"]
    await fhir.store(profile(TITLED, "ResearchStudy", {"path": "title", "min": 1}))
    assert errors(await fhir.post("ResearchStudy", claim)) == ["ResearchStudy.title"]
    await fhir.delete("StructureDefinition/titled-study")
    assert (await fhir.post("ResearchStudy", claim)).status_code == 201


NARROWER = f"{BASE}/StructureDefinition/narrower"


def narrower() -> Json:
    """Return a profile that is derived from the titled one, and asks for a date."""
    return profile(NARROWER, "ResearchStudy", {"path": "date", "min": 1}, base=TITLED)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("derived_first", [True, False])
async def test_a_base_may_come_after_what_is_derived_from_it(fhir: Fhir, together: bool, derived_first: bool) -> None:
    """The order in which definitions are written does not matter, in a transaction or one by one."""
    two = [narrower(), titled()] if derived_first else [titled(), narrower()]
    if together:
        request = [{"method": "PUT", "url": f"StructureDefinition/{each['id']}"} for each in two]
        entry = [{"resource": each, "request": how} for each, how in zip(two, request, strict=True)]
        response = await fhir.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entry})
        assert response.status_code == 200, response.text
    else:
        await fhir.store(*two)
    refusal = await fhir.post("ResearchStudy", study(meta={"profile": [NARROWER]}))
    assert errors(refusal) == ["ResearchStudy.date", "ResearchStudy.description", "ResearchStudy.title"]


async def test_a_profile_whose_base_is_missing_cannot_be_used(configured: Configured) -> None:
    """Writing it is answered with a warning; claiming it then is what claiming an unknown profile is."""
    fhir = configured(unknown_profile="error")
    told = await fhir.put("StructureDefinition/narrower", narrower(), Prefer="return=OperationOutcome")
    assert told.status_code == 201
    assert ("warning", ["StructureDefinition.baseDefinition"]) in [
        (each["severity"], each["expression"]) for each in outcome(told)
    ]
    assert errors(await fhir.post("ResearchStudy", study(meta={"profile": [NARROWER]}))) == [
        "ResearchStudy.meta.profile[0]"
    ]


async def test_codes_come_and_go(fhir: Fhir) -> None:
    """A code system and a value set that are written decide at once which codes a binding takes."""
    await fhir.store(*colours("red"), coloured())
    assert (await fhir.post("Basic", basic("red"))).status_code == 201
    assert any(place.startswith("Basic.code") for place in errors(await fhir.post("Basic", basic("blue"))))
    await fhir.store(colours("red", "blue")[0])
    assert (await fhir.post("Basic", basic("blue"))).status_code == 201


async def test_what_is_stored_stays(fhir: Fhir) -> None:
    """A new rule is about what is written from now on; what is there can be asked about."""
    await fhir.store(study("a", meta={"profile": [TITLED]}))
    await fhir.store(titled())
    assert (await fhir.get("ResearchStudy/a")).status_code == 200
    issues = outcome(await fhir.get("ResearchStudy/a/$validate"))
    assert sorted(each["expression"][0] for each in issues if each["severity"] == "error") == [
        "ResearchStudy.description",
        "ResearchStudy.title",
    ]


FAULTS: dict[str, tuple[Json, str]] = {
    "an element that the base does not have": (
        profile(TITLED, "ResearchStudy", {"path": "nothing", "min": 1}),
        "StructureDefinition.differential.element[1].path",
    ),
    "a minimum below that of the base": (
        profile(TITLED, "ResearchStudy", {"path": "status", "min": 0}),
        "StructureDefinition.differential.element[1].min",
    ),
    "a base of another type": (
        profile(TITLED, "ResearchStudy", base="http://hl7.org/fhir/StructureDefinition/vitalsigns"),
        "StructureDefinition.type",
    ),
    "an expression that does not compile": (
        profile(
            TITLED,
            "ResearchStudy",
            {
                "path": "title",
                "constraint": [{"key": "t-1", "severity": "error", "human": "x", "expression": "((", "source": TITLED}],
            },
        ),
        "StructureDefinition.differential.element[1].constraint[0].expression",
    ),
    "a value set that includes nothing that is named": (
        {
            "resourceType": "ValueSet",
            "id": "x",
            "url": CODES,
            "status": "active",
            "compose": {"include": [{"concept": [{"code": "x"}]}]},
        },
        "ValueSet.compose",
    ),
    "a value set that includes itself": (
        {
            "resourceType": "ValueSet",
            "id": "x",
            "url": CODES,
            "status": "active",
            "compose": {"include": [{"valueSet": [CODES]}]},
        },
        "ValueSet.compose",
    ),
}


@pytest.mark.parametrize("mode", ["strict", "warn", "off"])
@pytest.mark.parametrize("case", FAULTS)
async def test_faulty_definitions_are_refused(configured: Configured, mode: str, case: str) -> None:
    """A definition that cannot hold is refused in every mode, with what is wrong and where; $validate says the same."""
    definition, where = FAULTS[case]
    fhir = configured(validation=mode)
    response = await fhir.put(f"{definition['resourceType']}/{definition['id']}", definition)
    assert where in errors(response)
    issues = outcome(await fhir.post("$validate", definition))
    assert where in [place for each in issues if each["severity"] == "error" for place in each["expression"]]


async def test_a_faulty_definition_in_a_transaction(fhir: Fhir) -> None:
    """Nothing of the transaction is stored, and the entry is named."""
    entries = [
        {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
        for each in (study("a"), FAULTS["a base of another type"][0])
    ]
    response = await fhir.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert errors(response) == ["Bundle.entry[1].resource.type"]
    assert await fhir.ids("ResearchStudy") == []
