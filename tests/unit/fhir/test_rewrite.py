"""Replacing links: https://hl7.org/fhir/R5/http.html#trules."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from service.fhir.rewrite import rewrite

NONE: dict[str, str] = {}
NEW = {"urn:a": "Group/1", "urn:<&>": "Group/<&>"}


def value(name: str, text: Any) -> dict[str, Any]:
    """Return a resource with an extension of this value."""
    return {"resourceType": "Basic", "extension": [{"url": "urn:a", name: text}]}


@pytest.mark.parametrize("name", ["valueUri", "valueUrl"])
def test_link_types(name: str) -> None:
    """http.html#trules: uri and url are links."""
    assert rewrite(value(name, "urn:a"), NEW.get)["extension"][0][name] == "Group/1"


@pytest.mark.parametrize(
    "name",
    [
        "valueOid",
        "valueUuid",
        "valueCanonical",
        "valueString",
        "valueMarkdown",
        "valueCode",
        "valueId",
        "valueBase64Binary",
    ],
)
def test_other_types(name: str) -> None:
    """http.html#trules: a canonical is no link, and a text is a text; for oid and uuid see ADR 7."""
    resource = {"resourceType": "Basic", "extension": [{"url": "urn:x", name: "urn:a"}]}
    assert rewrite(resource, NEW.get) is resource


def test_an_extension_url_is_a_uri_like_any_other() -> None:
    """extensibility.html: the url of an extension is of type uri."""
    assert rewrite(value("valueString", "x"), NEW.get)["extension"][0]["url"] == "Group/1"


def test_the_original_stays() -> None:
    """What is rewritten is another resource; what has no link is the same object."""
    resource = {"resourceType": "Group", "managingEntity": {"reference": "urn:a"}, "name": "urn:a"}
    before = copy.deepcopy(resource)
    new = rewrite(resource, NEW.get)
    assert resource == before
    assert new["managingEntity"] == {"reference": "Group/1"}
    assert list(new) == list(resource)
    assert rewrite(resource, NONE.get) is resource


def test_deep_places() -> None:
    """contentReference, contained resources, and resources in a Bundle are walked through."""
    questionnaire = {
        "resourceType": "Questionnaire",
        "status": "draft",
        "item": [
            {"linkId": "1", "type": "group", "item": [{"linkId": "urn:a", "definition": "urn:a", "type": "group"}]}
        ],
        "contained": [{"resourceType": "Group", "managingEntity": {"reference": "urn:a"}}],
    }
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": "urn:a", "resource": questionnaire}],
    }
    entry = rewrite(bundle, NEW.get)["entry"][0]
    inner = entry["resource"]["item"][0]["item"][0]
    assert (inner["definition"], inner["linkId"]) == ("Group/1", "urn:a")
    assert entry["resource"]["contained"][0]["managingEntity"]["reference"] == "Group/1"
    assert entry["fullUrl"] == "Group/1"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<a href="urn:a">urn:a</a>', '<a href="Group/1">urn:a</a>'),
        ("<a href='urn:a'>x</a>", '<a href="Group/1">x</a>'),
        ('<a class="urn:a" href = "urn:a" >x</a>', '<a class="urn:a" href = "Group/1" >x</a>'),
        ('<img src="urn:a"/>', '<img src="Group/1"/>'),
        ('<a href="urn:&lt;&amp;&gt;">x</a>', '<a href="Group/&lt;&amp;&gt;">x</a>'),
        ('<a href="urn:ab">x</a>', '<a href="urn:ab">x</a>'),
        ('<p title="urn:a">urn:a</p>', '<p title="urn:a">urn:a</p>'),
        ('<abbr href="urn:a">x</abbr>', '<abbr href="urn:a">x</abbr>'),
        ('<p>href="urn:a"</p>', '<p>href="urn:a"</p>'),
    ],
)
def test_narrative(before: str, after: str) -> None:
    """http.html#trules: a@href and img@src in a narrative, and nothing else of it."""
    resource = {"resourceType": "Basic", "text": {"status": "generated", "div": f"<div>{before}</div>"}}
    assert rewrite(resource, NEW.get)["text"]["div"] == f"<div>{after}</div>"


@pytest.mark.parametrize(
    "resource",
    [
        {},
        {"resourceType": "Nothing", "url": "urn:a"},
        {"resourceType": 5},
        {"resourceType": []},
        {"resourceType": "Basic", "contained": [{"resourceType": "Nothing", "url": "urn:a"}, {}, 5, None, []]},
        {"resourceType": "Basic", "extension": "urn:a", "text": [], "identifier": {"x": {"y": "urn:a"}}},
    ],
)
def test_what_is_not_valid_is_left_to_validation(resource: dict[str, Any]) -> None:
    """Rewriting comes before validation: it must not stumble over what that will refuse."""
    assert rewrite(resource, NEW.get) == resource
