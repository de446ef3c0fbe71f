"""The rules of Bundles that are no invariants."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.support.validation import check

BASE = "http://example.org/fhir"
COMPOSITION: dict[str, Any] = {
    "resourceType": "Composition",
    "id": "c",
    "status": "final",
    "type": {"text": "t"},
    "date": "2020",
    "title": "T",
    "author": [{"reference": "Practitioner/a"}],
    "attester": [{"mode": {"text": "m"}, "party": {"reference": "Practitioner/a"}}],
    "section": [{"title": "S", "section": [{"title": "S", "entry": [{"reference": "Observation/o"}]}]}],
}
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o",
    "status": "final",
    "code": {"text": "c"},
    "subject": {"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},
}
PATIENT: dict[str, Any] = {"resourceType": "Patient", "active": True}
PROVENANCE: dict[str, Any] = {
    "resourceType": "Provenance",
    "id": "v",
    "target": [{"reference": f"{BASE}/Observation/o"}],
    "agent": [{"who": {"display": "W"}}],
}


def entry(resource: dict[str, Any], url: str | None = None) -> dict[str, Any]:
    """An entry under the URL that fits its resource, or another."""
    return {"fullUrl": url or f"{BASE}/{resource['resourceType']}/{resource['id']}", "resource": deepcopy(resource)}


def document() -> dict[str, Any]:
    """A document in which everything is reached from the Composition, or refers to what is."""
    return {
        "resourceType": "Bundle",
        "type": "document",
        "timestamp": "2020-01-01T00:00:00Z",
        "identifier": {"system": "http://example.org", "value": "1"},
        "entry": [
            entry(COMPOSITION),
            entry({"resourceType": "Practitioner", "id": "a"}),
            entry(OBSERVATION),
            entry(PATIENT, "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"),
            entry(PROVENANCE),
        ],
    }


def found(resource: dict[str, Any]) -> list[tuple[str | None, str]]:
    """Rule and location of every issue."""
    return [(issue.rule, issue.expression[0]) for issue in check(resource)]


def test_a_good_document() -> None:
    """documents.html#content: relative references, absolute ones, URNs, and a Provenance that nothing refers to."""
    assert found(document()) == []


@pytest.mark.parametrize(
    ("element", "value", "where"),
    [
        ("author", [{"reference": "Practitioner/none"}], "author[0].reference"),
        ("subject", [{"reference": "urn:uuid:c757873d-ec9a-4326-a141-000000000000"}], "subject[0].reference"),
        (
            "attester",
            [{"mode": {"text": "m"}, "party": {"reference": "Patient/none"}}],
            "attester[0].party.reference",
        ),
        (
            "event",
            [{"detail": [{"reference": {"reference": "Basic/none"}}]}],
            "event[0].detail[0].reference.reference",
        ),
    ],
)
def test_a_document_brings_along_what_it_is_about(element: str, value: Any, where: str) -> None:
    """What the Composition refers to by itself is in the Bundle."""
    made = document()
    made["entry"][4]["resource"]["target"].append({"reference": f"{BASE}/Practitioner/a"})  # reached without an author
    made["entry"][0]["resource"][element] = value
    assert found(made) == [("bundle", f"Bundle.entry[0].resource.{where}")]


def test_a_section_brings_along_its_entries() -> None:
    """However deep the section is."""
    made = document()
    made["entry"][0]["resource"]["section"][0]["section"][0]["entry"].append({"reference": "Observation/none"})
    assert found(made) == [("bundle", "Bundle.entry[0].resource.section[0].section[0].entry[1].reference")]


def test_a_relative_reference_is_relative_to_the_full_url() -> None:
    """bundle.html#references: the entry of that type and id does not count where its fullUrl is another."""
    made = document()
    made["entry"][2]["resource"]["performer"] = [{"reference": "Practitioner/a"}]
    assert found(made) == []
    made["entry"][2]["fullUrl"] = "http://elsewhere.org/fhir/Observation/o"
    made["entry"][0]["resource"]["section"][0]["section"][0]["entry"] = [
        {"reference": "http://elsewhere.org/fhir/Observation/o"}
    ]
    made["entry"][4]["resource"]["target"] = [{"reference": "http://elsewhere.org/fhir/Observation/o"}]
    assert found(made) == [("bundle", "Bundle.entry[2].resource.performer[0].reference")]


def test_everything_in_a_document_belongs_to_it() -> None:
    """documents.html#content: nothing that the Composition does not lead to; a message may bring more."""
    made = document()
    made["entry"].append(entry({"resourceType": "Basic", "id": "b", "code": {"text": "c"}}))
    assert found(made) == [("bundle", "Bundle.entry[5]")]


def test_a_message_brings_along_its_focus() -> None:
    """messaging.html: the resources that the header points to as the content."""
    header: dict[str, Any] = {
        "resourceType": "MessageHeader",
        "id": "h",
        "eventCanonical": "http://example.org/e",
        "source": {"endpointUrl": "http://example.org"},
        "focus": [{"reference": "Observation/o"}],
    }
    observation = {**OBSERVATION, "subject": {"reference": "Patient/elsewhere"}}
    entries = [entry(header), entry(observation)]
    made = {"resourceType": "Bundle", "type": "message", "entry": entries}
    assert found(made) == []
    del entries[1]
    assert found(made) == [("bundle", "Bundle.entry[0].resource.focus[0].reference")]


@pytest.mark.parametrize(
    ("url", "resource", "accepted"),
    [
        (f"{BASE}/Patient/a", {"resourceType": "Patient", "id": "a"}, True),
        (f"{BASE}/Patient/a/_history/2", {"resourceType": "Patient", "id": "a"}, None),
        ("urn:uuid:c757873d-ec9a-4326-a141-556f43239520", {"resourceType": "Patient", "id": "a"}, True),
        ("http://example.org/anything", {"resourceType": "Patient", "id": "a"}, True),
        (f"{BASE}/Patient/b", {"resourceType": "Patient", "id": "a"}, False),
        (f"{BASE}/Group/a", {"resourceType": "Patient", "id": "a"}, False),
        (f"{BASE}/Patient/a", {"resourceType": "Patient", "active": True}, False),
        ("Patient/a", {"resourceType": "Patient", "id": "a"}, False),
    ],
)
def test_a_full_url_is_that_of_the_resource(url: str, resource: dict[str, Any], accepted: bool | None) -> None:
    """bundle.html: absolute; and where it looks like the URL of a resource, of this one. (bdl-8: without a version.)"""
    made = {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": url, "resource": resource}]}
    expected = {True: [], False: [("bundle", "Bundle.entry[0].fullUrl")], None: [("bdl-8", "Bundle.entry[0]")]}
    assert found(made) == expected[accepted]


def test_links_of_pages_belong_to_results() -> None:
    """http.html#paging: first, previous, next and last, once each; self once in any Bundle."""

    def made(kind: str, *relations: str) -> dict[str, Any]:
        links = [{"relation": relation, "url": "http://example.org"} for relation in relations]
        return {"resourceType": "Bundle", "type": kind, "link": links}

    assert found(made("searchset", "self", "next", "alternate", "alternate")) == []
    assert found(made("searchset", "self", "next", "next")) == [("bundle", "Bundle.link[2]")]
    assert found(made("collection", "self", "self")) == [("bundle", "Bundle.link[1]")]
    assert found(made("collection", "next")) == [("bundle", "Bundle.link[0].relation")]


@pytest.mark.parametrize("kind", ["document", "message"])
@pytest.mark.parametrize("value", [5, "x", [], [5], [{}], [{"fullUrl": 5, "resource": 5}], [{"resource": {"id": []}}]])
def test_no_content_makes_it_raise(kind: str, value: Any) -> None:
    """What is no entry is a matter of structure."""
    assert check({"resourceType": "Bundle", "type": kind, "entry": value, "link": value})
