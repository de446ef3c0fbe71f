"""Operations on terminology over HTTP: https://hl7.org/fhir/R5/terminology-service.html."""

from __future__ import annotations

import pytest

from tests.support.asking import Fhir, refused
from tests.support.terminology import FHIR, MAP, SET, STATUSES, SYSTEM, S, listed, parameters, values
from tests.support.terminology_server import SNOMED

pytestmark = pytest.mark.anyio


# --- $lookup -------------------------------------------------------------------------------------------------------


async def test_lookup(known: Fhir) -> None:
    """codesystem-operation-lookup: on the type with a system, on the instance without one; by GET and by POST."""
    coding = {"name": "coding", "valueCoding": {"system": S, "code": "aml"}}
    for response in (
        await known.get(f"CodeSystem/$lookup?system={S}&code=aml"),
        await known.get("CodeSystem/diseases/$lookup?code=aml"),
        await known.post("CodeSystem/$lookup", parameters(coding)),
        await known.post("CodeSystem/diseases/$lookup", parameters({"name": "code", "valueCode": "aml"})),
    ):
        found = values(response)
        assert (found["name"], found["version"], found["display"]) == ("Diseases", "1", "AML")
        assert found["designation"] == [{"language": "de", "value": "Akute Leukämie"}]
        assert {"code": "parent", "value": "leukaemia", "description": "Leukaemia"} in found["property"]


async def test_lookup_of_some_properties(known: Fhir) -> None:
    """codesystem-operation-lookup: property asks for those that are named, displayLanguage for a text."""
    url = f"CodeSystem/$lookup?system={S}&code=leukaemia"
    found = values(await known.get(f"{url}&property=child&property=abstract"))
    assert [each["code"] for each in found["property"]] == ["child", "child", "abstract"]
    assert "designation" not in found
    german = values(await known.get(f"CodeSystem/$lookup?system={S}&code=aml&displayLanguage=de"))
    assert german["display"] == "Akute Leukämie"


async def test_lookup_in_a_grammar(fhir: Fhir) -> None:
    """A unit that nobody has listed is a code all the same."""
    assert values(await fhir.get("CodeSystem/$lookup?system=http://unitsofmeasure.org&code=mg"))["display"] == "mg"
    response = await fhir.get("CodeSystem/$lookup?system=http://unitsofmeasure.org&code=mmHg")
    refused(response, 404, "code-invalid", "code")


# --- CodeSystem $validate-code ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "result"),
    [
        ("code=aml", True),
        ("code=aml&display=aml", True),
        ("code=aml&display=Other", False),
        ("code=leukaemia", True),
        ("code=leukaemia&abstract=false", False),
        ("code=nothing", False),
    ],
)
async def test_codes_of_a_system(known: Fhir, query: str, result: bool) -> None:
    """codesystem-operation-validate-code: the same on the type and on the instance; a no has its reason."""
    for path in (f"CodeSystem/$validate-code?url={S}&", "CodeSystem/diseases/$validate-code?"):
        found = values(await known.get(path + query))
        assert found["result"] is result
        assert ("message" in found) is not result
        assert ("issues" in found) is not result


async def test_codes_of_a_system_that_is_given(fhir: Fhir) -> None:
    """codeSystem: a resource that the server does not have."""
    given = {"name": "codeSystem", "resource": SYSTEM}
    for code, result in (("aml", True), ("nothing", False)):
        body = parameters(given, {"name": "code", "valueCode": code})
        assert values(await fhir.post("CodeSystem/$validate-code", body))["result"] is result


async def test_a_system_that_is_not_known(fhir: Fhir) -> None:
    """A code of SNOMED CT is neither right nor wrong here: the answer is no, and the issue says not known."""
    coding = {"name": "coding", "valueCoding": {"system": SNOMED, "code": "1"}}
    found = values(await fhir.post("CodeSystem/$validate-code", parameters(coding)))
    assert found["result"] is False
    assert found["issues"]["issue"][0]["code"] == "not-found"
    refused(await fhir.get(f"CodeSystem/$validate-code?url={SNOMED}&code=1"), 404, "not-found", "url")


# --- $subsumes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "outcome"),
    [
        ("leukaemia", "aml", "subsumes"),
        ("aml", "leukaemia", "subsumed-by"),
        ("aml", "all", "not-subsumed"),
        ("aml", "aml", "equivalent"),
    ],
)
async def test_subsumes(known: Fhir, one: str, other: str, outcome: str) -> None:
    """codesystem-operation-subsumes: by codes or by codings, on the type or the instance."""
    named = (("codingA", one), ("codingB", other))
    codings = [{"name": name, "valueCoding": {"system": S, "code": code}} for name, code in named]
    for response in (
        await known.get(f"CodeSystem/$subsumes?system={S}&codeA={one}&codeB={other}"),
        await known.get(f"CodeSystem/diseases/$subsumes?codeA={one}&codeB={other}"),
        await known.post("CodeSystem/$subsumes", parameters(*codings)),
    ):
        assert values(response) == {"outcome": outcome}


# --- $expand ----------------------------------------------------------------------------------------------------------


async def test_expand(known: Fhir) -> None:
    """valueset-operation-expand: by canonical, by version, on the instance, and of a value set that is given."""
    inline = parameters({"name": "valueSet", "resource": {**SET, "url": "http://mine.test"}})
    for response in (
        await known.get("ValueSet/$expand?url=http://v.test"),
        await known.get("ValueSet/$expand?url=http://v.test|1"),
        await known.get("ValueSet/$expand?url=http://v.test&valueSetVersion=1"),
        await known.get("ValueSet/set/$expand"),
        await known.post("ValueSet/set/$expand", b""),
        await known.post("ValueSet/$expand", inline),
        await known.post("ValueSet/$expand", SET),
    ):
        assert listed(response) == ["leukaemia", "aml", "all", "old"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("filter=ml", "aml"),
        ("offset=1&count=2", "aml all"),
        ("activeOnly=true", "leukaemia aml all"),
        ("excludeNotForUI=true", "aml all old"),
        (f"exclude-system={S}", ""),
        ("excludeNested=true", "leukaemia aml all old"),
    ],
)
async def test_expand_parameters(known: Fhir, query: str, expected: str) -> None:
    """valueset-operation-expand: what is asked for is done, and repeated in the expansion."""
    response = await known.get(f"ValueSet/set/$expand?{query}")
    assert listed(response) == expected.split()
    echoed = {each["name"] for each in response.json()["expansion"]["parameter"]}
    assert {pair.partition("=")[0] for pair in query.split("&")} <= echoed


async def test_expand_texts(known: Fhir) -> None:
    """includeDesignations, displayLanguage and property show more of each code."""
    query = "includeDesignations=true&displayLanguage=de&property=parent&excludeNested=true"
    response = await known.get(f"ValueSet/set/$expand?{query}")
    aml = next(each for each in response.json()["expansion"]["contains"] if each["code"] == "aml")
    assert aml["display"] == "Akute Leukämie"
    assert aml["designation"] == [{"language": "de", "value": "Akute Leukämie"}]
    assert aml["property"] == [{"code": "parent", "valueCode": "leukaemia"}]


async def test_what_is_expanded_is_a_value_set(known: Fhir) -> None:
    """The answer is a resource that this server itself would take."""
    response = await known.get(f"ValueSet/$expand?url={STATUSES}")
    assert (await known.post("ValueSet", response.json())).status_code == 201


async def test_too_costly(known: Fhir) -> None:
    """What has no end is refused as too costly, what is not known as such."""
    url = f"ValueSet/$expand?url={FHIR}/ValueSet/"
    refused(await known.get(f"{url}all-languages"), 422, "too-costly")
    refused(await known.get(f"{url}condition-code"), 422, "not-found")


# --- ValueSet $validate-code ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "result"),
    [
        (f"system={S}&code=aml", True),
        ("code=aml&inferSystem=true", True),
        (f"system={S}&code=nothing", False),
        ("code=nothing&inferSystem=true", False),
        ("system=http://other.test&code=aml", False),
        (f"system={S}&code=aml&display=Akute Leukämie", True),
        (f"system={S}&code=aml&display=ALL", False),
        (f"system={S}&code=leukaemia", False),
        (f"system={S}&code=leukaemia&abstract=true", True),
        (f"system={S}&code=old", True),
        (f"system={S}&code=old&activeOnly=true", False),
        (f"system={S}&systemVersion=1&code=aml", True),
        (f"system={S}&systemVersion=2&code=aml", False),
    ],
)
async def test_codes_of_a_value_set(known: Fhir, query: str, result: bool) -> None:
    """valueset-operation-validate-code: the same by canonical and on the instance; a no has its reason."""
    for path in ("ValueSet/$validate-code?url=http://v.test&", "ValueSet/set/$validate-code?"):
        found = values(await known.get(path + query))
        assert found["result"] is result
        assert ("message" in found) is not result
        if result:
            assert (found["system"], found["version"]) == (S, "1")


@pytest.mark.parametrize(
    ("codings", "result", "issues"),
    [
        ([(S, "aml")], True, 0),
        ([("http://other.test", "x"), (S, "aml")], True, 1),
        ([("http://other.test", "x"), (S, "nothing")], False, 2),
    ],
)
async def test_concepts(known: Fhir, codings: list[tuple[str, str]], result: bool, issues: int) -> None:
    """A CodeableConcept is right where one of its codings is; what is wrong with the others is told all the same."""
    concept = {"coding": [{"system": system, "code": code} for system, code in codings]}
    body = parameters({"name": "codeableConcept", "valueCodeableConcept": concept})
    found = values(await known.post("ValueSet/set/$validate-code", body))
    assert found["result"] is result
    assert len(found.get("issues", {}).get("issue", [])) == issues
    assert found["codeableConcept"] == concept
    assert found.get("code") == ("aml" if result else None)


async def test_codes_that_are_not_known(known: Fhir) -> None:
    """Whether a code of SNOMED CT is in a value set is not known here: no is the answer, not-found the reason."""
    body = parameters(
        {"name": "url", "valueUri": f"{FHIR}/ValueSet/condition-code"},
        {"name": "coding", "valueCoding": {"system": SNOMED, "code": "1"}},
    )
    found = values(await known.post("ValueSet/$validate-code", body))
    assert found["result"] is False
    assert [issue["code"] for issue in found["issues"]["issue"]] == ["not-found"]


# --- $translate -------------------------------------------------------------------------------------------------------


async def test_translate(known: Fhir) -> None:
    """conceptmap-operation-translate: by a map, by scopes, by the target system, on the instance, in any form."""
    coding = {"system": S, "code": "aml"}
    for response in (
        await known.get(f"ConceptMap/$translate?url=http://m.test&sourceCode=aml&system={S}"),
        await known.get(f"ConceptMap/map/$translate?sourceCode=aml&system={S}"),
        await known.get(f"ConceptMap/$translate?sourceScope=http://v.test&sourceCode=aml&system={S}"),
        await known.get(f"ConceptMap/$translate?targetSystem=http://t.test&sourceCode=aml&system={S}"),
        await known.post("ConceptMap/map/$translate", parameters({"name": "sourceCoding", "valueCoding": coding})),
        await known.post(
            "ConceptMap/$translate",
            parameters(
                {"name": "conceptMap", "resource": MAP},
                {
                    "name": "sourceCodeableConcept",
                    "valueCodeableConcept": {"coding": [{"system": S, "code": "all"}, coding]},
                },
            ),
        ),
    ):
        found = values(response)
        assert found["result"] is True
        assert found["match"] == [
            {
                "relationship": "equivalent",
                "concept": {"system": "http://t.test", "code": "C92.0"},
                "originMap": "http://m.test",
            }
        ]


async def test_translate_backwards(known: Fhir) -> None:
    """targetCode, targetCoding: which codes are translated to this one."""
    coding = {"name": "targetCoding", "valueCoding": {"system": "http://t.test", "code": "C92.0"}}
    for response in (
        await known.get("ConceptMap/map/$translate?targetCode=C92.0&system=http://t.test"),
        await known.post("ConceptMap/map/$translate", parameters(coding)),
    ):
        assert values(response)["match"][0]["concept"] == {"system": S, "code": "aml"}


async def test_no_translation(known: Fhir) -> None:
    """A code without a translation is an answer, with a message."""
    found = values(await known.get(f"ConceptMap/map/$translate?sourceCode=all&system={S}"))
    assert found["result"] is False
    assert "'all'" in found["message"]
    assert "match" not in found
