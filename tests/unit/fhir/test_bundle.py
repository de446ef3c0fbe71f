"""Bundles of spliced JSON: https://hl7.org/fhir/R5/bundle.html."""

from __future__ import annotations

import json

from service.fhir.bundle import Entry, Link, bundle
from service.fhir.json import loads
from tests.support.validation import check


def test_resources_are_spliced_as_they_are() -> None:
    """json.html: the exact bytes of a resource are in the Bundle."""
    resource = b'{ "resourceType":"Basic" ,"id":"1", "code":{"text":"\\u00e9"}}'
    entries = [Entry(resource, "http://x.test/Basic/1", {"search": {"mode": "match"}})]
    made = bundle("searchset", entries, total=1, links=[Link("self", "http://x.test/Basic")])
    assert resource in made
    assert check(loads(made)) == []


def test_empty_parts_are_left_out() -> None:
    """json.html: an array or object is never empty."""
    assert json.loads(bundle("history", [])) == {"resourceType": "Bundle", "type": "history"}
    assert json.loads(bundle("history", [], total=0))["total"] == 0


def test_everything() -> None:
    """bundle.html: type, timestamp, total, links and entries, with what must be escaped escaped."""
    made = json.loads(
        bundle(
            "searchset",
            [Entry(None, 'urn:"x"', {"response": {"status": "200"}}), Entry(b"{}")],
            total=2,
            links=[Link("self", 'http://x.test/?a="b"')],
            timestamp="2020-01-01T00:00:00Z",
        )
    )
    assert made == {
        "resourceType": "Bundle",
        "type": "searchset",
        "timestamp": "2020-01-01T00:00:00Z",
        "total": 2,
        "link": [{"relation": "self", "url": 'http://x.test/?a="b"'}],
        "entry": [{"fullUrl": 'urn:"x"', "response": {"status": "200"}}, {"resource": {}}],
    }
