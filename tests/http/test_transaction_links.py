"""Links between the entries of a transaction, and references that are searches: https://hl7.org/fhir/R5/http.html#trules."""

from __future__ import annotations

import pytest

from tests.support.asking import Fhir, Json, observation, refused, study
from tests.support.bundles import ONE, ORGANIZATION, TWO, done, entry, group, identity, state, transaction

pytestmark = pytest.mark.anyio


async def test_links_are_rewritten_wherever_fhir_has_links(fhir: Fhir) -> None:
    """http.html#trules: in references, uri, url, narrative links and images, extensions and contained."""
    everywhere: Json = {
        "resourceType": "ResearchStudy",
        "status": "active",
        "title": f"about {ONE}",
        "description": ONE,
        "url": ONE,
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{ONE}</p><a title="{ONE}" href="{ONE}">{ONE}</a>'
            f"<img alt='{ONE}' src='{ONE}'/><a id=\"x\" href=\"#x\">x</a></div>",
        },
        "identifier": [{"value": ONE, "assigner": {"reference": ONE}}],
        "site": [{"reference": f"{ONE}#part", "display": ONE}],
        "contained": [{**group(id="c"), "managingEntity": {"reference": ONE}}],
        "recruitment": {"eligibility": {"reference": "#c"}},
        "relatedArtifact": [{"type": "cite-as", "document": {"url": ONE}, "resource": ONE, "label": ONE}],
        "extension": [
            {
                "url": "http://example.org/outer",
                "extension": [
                    {"url": "r", "valueReference": {"reference": ONE}},
                    {"url": "uri", "valueUri": ONE},
                    {"url": "url", "valueUrl": ONE},
                    {"url": "canonical", "valueCanonical": ONE},
                    {"url": "string", "valueString": ONE},
                    {"url": "markdown", "valueMarkdown": ONE},
                    {"url": "code", "valueCode": ONE},
                ],
            }
        ],
        "_name": {"extension": [{"url": "http://example.org/on-a-primitive", "valueUri": ONE}]},
    }
    answers = await done(
        fhir,
        entry("POST", "Organization", ORGANIZATION, ONE),
        entry("PUT", "ResearchStudy/a", {**everywhere, "id": "a"}),
    )
    target = identity(answers[0])
    resource = (await fhir.get("ResearchStudy/a")).json()
    inner = {each["url"]: each for each in resource["extension"][0]["extension"]}
    for rewritten in (
        resource["url"],
        resource["identifier"][0]["assigner"]["reference"],
        resource["contained"][0]["managingEntity"]["reference"],
        resource["relatedArtifact"][0]["document"]["url"],
        inner["r"]["valueReference"]["reference"],
        inner["uri"]["valueUri"],
        inner["url"]["valueUrl"],
        resource["_name"]["extension"][0]["valueUri"],
    ):
        assert rewritten == target
    assert resource["site"][0] == {"reference": f"{target}#part", "display": ONE}
    for kept in (
        resource["description"],
        resource["identifier"][0]["value"],
        resource["relatedArtifact"][0]["resource"],
        resource["relatedArtifact"][0]["label"],
        inner["canonical"]["valueCanonical"],
        inner["string"]["valueString"],
        inner["markdown"]["valueMarkdown"],
    ):
        assert kept == ONE
    assert resource["title"] == f"about {ONE}"
    assert resource["text"]["div"] == (
        f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{ONE}</p><a title="{ONE}" href="{target}">{ONE}</a>'
        f'<img alt=\'{ONE}\' src="{target}"/><a id="x" href="#x">x</a></div>'
    )


async def test_links_in_a_circle(fhir: Fhir) -> None:
    """http.html#trules: entries may refer to each other and to themselves, in any order."""
    answers = await done(
        fhir,
        entry("POST", "Organization", {**ORGANIZATION, "partOf": {"reference": TWO}}, ONE),
        entry("POST", "Organization", {**ORGANIZATION, "partOf": {"reference": ONE}}, TWO),
        entry("PUT", "ResearchStudy/self", study("self", url="http://temporary.test/x"), "http://temporary.test/x"),
    )
    one, two, _ = map(identity, answers)
    stored = await state(fhir)
    assert stored[one]["partOf"]["reference"] == two
    assert stored[two]["partOf"]["reference"] == one
    assert stored["ResearchStudy/self"]["url"] == "ResearchStudy/self"


async def test_only_whole_links_are_rewritten(fhir: Fhir) -> None:
    """http.html#trules: what merely begins with a temporary URL, or has it inside, is another link."""
    urls = [f"{ONE}0", f"x{ONE}", f"http://example.org/{ONE}", f"{ONE}/x", f"{ONE}?x", ONE.upper()]
    sites = [{"reference": url} for url in urls]
    await done(fhir, entry("POST", "Group", group(), ONE), entry("PUT", "ResearchStudy/a", study("a", site=sites)))
    assert (await fhir.get("ResearchStudy/a")).json()["site"] == sites


async def test_rewriting_keeps_digits_and_order(fhir: Fhir) -> None:
    """json.html: a resource whose links are rewritten keeps the digits of its numbers and the order of its members."""
    body = observation("1.00").replace(b'"status"', b'"subject":{"reference":"%b"},"status"' % ONE.encode())
    bundle = (
        b'{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"%b","resource":{"resourceType":"Group",'
        b'"type":"person","membership":"definitional"},"request":{"method":"POST","url":"Group"}},'
        b'{"resource":%b,"request":{"method":"POST","url":"Observation"}}]}' % (ONE.encode(), body)
    )
    answers = (await fhir.post("", bundle)).json()["entry"]
    stored = (await fhir.get(identity(answers[1]))).content
    assert b'"valueQuantity":{"value":1.00}' in stored
    assert stored.index(b'"subject"') < stored.index(b'"status"')


async def test_a_conditional_reference(fhir: Fhir) -> None:
    """http.html#trules: a reference that is a search is replaced by the one match."""
    await fhir.store({**ORGANIZATION, "id": "o", "identifier": [{"value": "1"}]})
    await done(fhir, entry("PUT", "Group/g", group(id="g", managingEntity={"reference": "Organization?identifier=1"})))
    assert (await fhir.get("Group/g")).json()["managingEntity"] == {"reference": "Organization/o"}


async def test_a_conditional_reference_to_what_the_transaction_writes(fhir: Fhir) -> None:
    """http.html#trules: conditional references are resolved after the writes of the same transaction, in any order.

    So what is created is found, what is updated is found by its new content, and what is deleted is not.
    """
    await fhir.store(
        {**ORGANIZATION, "id": "new", "identifier": [{"value": "old"}]},
        {**ORGANIZATION, "id": "gone", "identifier": [{"value": "1"}]},
    )
    created = {**ORGANIZATION, "identifier": [{"value": "1"}], "partOf": {"reference": "Organization?identifier=2"}}
    answers = await done(
        fhir,
        entry("PUT", "Group/g", group(id="g", managingEntity={"reference": "Organization?identifier=1"})),
        entry("POST", "Organization", created),
        entry("PUT", "Organization/new", {**ORGANIZATION, "id": "new", "identifier": [{"value": "2"}]}),
        entry("DELETE", "Organization/gone"),
    )
    stored = await state(fhir)
    assert stored["Group/g"]["managingEntity"]["reference"] == identity(answers[1])
    assert stored[identity(answers[1])]["partOf"]["reference"] == "Organization/new"


async def test_a_conditional_reference_sees_the_end_of_the_transaction(fhir: Fhir) -> None:
    """http.html#trules: no match any more, or one too many, fails the transaction; nothing of it is stored."""
    await fhir.store({**ORGANIZATION, "id": "o", "identifier": [{"value": "1"}]})
    referring = entry("PUT", "Group/g", group(id="g", managingEntity={"reference": "Organization?identifier=1"}))
    for other, code in (
        (entry("DELETE", "Organization/o"), "not-found"),
        (entry("PUT", "Organization/o", {**ORGANIZATION, "id": "o"}), "not-found"),
        (entry("POST", "Organization", {**ORGANIZATION, "identifier": [{"value": "1"}]}), "multiple-matches"),
    ):
        refused(await fhir.post("", transaction(referring, other)), 412, code, "Bundle.entry[0]")
    assert list(await state(fhir)) == ["Organization/o"]


async def test_a_conditional_reference_by_a_chain(fhir: Fhir) -> None:
    """http.html#trules: criteria that cannot be asked of what is written just now are refused, never half answered."""
    await fhir.store(
        {**ORGANIZATION, "id": "o"}, {**ORGANIZATION, "id": "p", "partOf": {"reference": "Organization/o"}}
    )
    referring = entry("PUT", "Group/g", group(id="g", managingEntity={"reference": "Organization?partof.name=O"}))
    other = entry("POST", "Organization", ORGANIZATION)
    refused(await fhir.post("", transaction(referring, other)), 400, "not-supported", "Bundle.entry[0]")
    await done(fhir, referring)
    assert (await fhir.get("Group/g")).json()["managingEntity"] == {"reference": "Organization/p"}


async def test_an_identifier_of_its_own_stays(fhir: Fhir) -> None:
    """datatypes.html#uuid: what replaces a link is no uuid or oid, so one of these stays as it is (ADR 7)."""
    oid = "urn:oid:1.2.3"
    values = [{"name": "x", "valueUuid": ONE}, {"name": "x", "valueOid": oid}, {"name": "x", "valueUri": ONE}]
    answers = await done(
        fhir,
        entry("POST", "Organization", ORGANIZATION, ONE),
        entry("POST", "Group", group(), oid),
        entry("PUT", "Parameters/p", {"resourceType": "Parameters", "id": "p", "parameter": values}),
    )
    stored = (await fhir.get("Parameters/p")).json()["parameter"]
    assert stored == [*values[:2], {"name": "x", "valueUri": identity(answers[0])}]


async def test_a_conditional_reference_that_fails_fails_everything(fhir: Fhir) -> None:
    """http.html#trules: none or several matches, or criteria that are not understood: nothing is stored."""
    for id_ in ("o", "p"):
        await fhir.store({"resourceType": "Organization", "id": id_, "name": "O", "identifier": [{"value": "1"}]})
    for link, status, code in (
        ("Organization?identifier=2", 412, "not-found"),
        ("Organization?identifier=1", 412, "multiple-matches"),
        ("Organization?nonsense=1", 400, "invalid"),
        ("Organization?identifier:nonsense=1", 400, "not-supported"),
    ):
        bundle = transaction(
            entry("PUT", "Group/x", group(id="x")),
            entry("PUT", "Group/g", group(id="g", managingEntity={"reference": link})),
        )
        refused(await fhir.post("", bundle), status, code, "Bundle.entry[1]")
    assert await fhir.ids("Group") == []


async def test_relative_references_below_a_full_url(fhir: Fhir) -> None:
    """bundle.html#references: relative references are resolved against the base of the entry's own fullUrl."""
    elsewhere = "https://elsewhere.test/fhir"
    referring = group(managingEntity={"reference": "Organization/1"})
    answers = await done(
        fhir,
        entry("POST", "Organization", ORGANIZATION, f"{elsewhere}/Organization/1"),
        entry("POST", "Group", referring, f"{elsewhere}/Group/2"),
        entry("POST", "Group", referring, "https://other.test/fhir/Group/2"),
        entry("POST", "Group", referring, ONE),
    )
    stored = await state(fhir)
    references = [stored[identity(answer)]["managingEntity"]["reference"] for answer in answers[1:]]
    assert references == [identity(answers[0]), "Organization/1", "Organization/1"]
