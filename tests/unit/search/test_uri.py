"""URI parameters: https://hl7.org/fhir/R5/search.html#uri."""

from __future__ import annotations

import pytest

from service.errors import Invalid
from tests.unit.search.matching import asked, matches

PRECISE = "Matches are precise, case and accent sensitive, and the entire URI must match"
ABOVE = ":above: partial matching based on URL path segments"
BELOW = ":below: full match, child or descendant of requested URI"
CONTAINS = ":contains: anywhere in the URI, case-insensitive and combining-character insensitive"
CANONICAL = "Servers SHOULD support automatically detecting a |[version] portion"


@pytest.mark.parametrize(
    ("url", "name", "text", "expected", "sentence"),
    [
        ("http://acme.org/fhir/ValueSet/123", "url", "http://acme.org/fhir/ValueSet/123", True, PRECISE),
        ("http://acme.org/fhir/ValueSet/123", "url", "http://acme.org/fhir/valueset/123", False, PRECISE),
        ("http://acme.org/fhir/ValueSet/123", "url", "http://acme.org/fhir/ValueSet", False, PRECISE),
        ("urn:oid:1.2.3.4.5", "url", "urn:oid:1.2.3.4.5", True, "Search by an OID"),
        ("http://acme.org/fhir", "url:below", "http://acme.org/fhir", True, BELOW),
        ("http://acme.org/fhir/ValueSet", "url:below", "http://acme.org/fhir", True, BELOW),
        ("http://acme.org/fhir/ValueSet/123", "url:below", "http://acme.org/fhir/", True, BELOW),
        ("http://acme.org/fhirs", "url:below", "http://acme.org/fhir", False, BELOW),
        ("http://acme.org", "url:below", "http://acme.org/fhir", False, BELOW),
        ("http://acme.org/fhir/ValueSet/123", "url:above", "http://acme.org/fhir/ValueSet/123/_history/5", True, ABOVE),
        ("http://acme.org/fhir", "url:above", "http://acme.org/fhir/ValueSet/123/_history/5", True, ABOVE),
        ("http://acme.org/", "url:above", "http://acme.org/fhir/ValueSet/123/_history/5", True, ABOVE),
        ("http://acme.org/fh", "url:above", "http://acme.org/fhir/ValueSet", False, ABOVE),
        ("http://acme.org/fhir/ValueSet", "url:above", "http://acme.org/fhir", False, ABOVE),
        ("http://Acme.org/Exämple", "url:contains", "EXAMPLE", True, CONTAINS),
        ("http://acme.org/example", "url:contains", "Example", True, CONTAINS),
        ("http://acme.org/example", "url:contains", "exemple", False, CONTAINS),
        ("http://acme.org/v", "url", "http://acme.org/v|1.0", True, CANONICAL),
        ("http://acme.org/v", "url", "http://acme.org/v|2.0", False, CANONICAL),
        ("http://acme.org/v", "url:missing", "false", True, ":missing"),
    ],
)
def test_a_uri_against_a_uri(url: str, name: str, text: str, expected: bool, sentence: str) -> None:
    """Exact by default; above, below and contains."""
    assert matches({"resourceType": "ValueSet", "url": url, "version": "1.0"}, name, text) is expected, sentence


def test_the_source_of_any_resource() -> None:
    """_source is a URI of every resource (https://hl7.org/fhir/R5/search.html#_source)."""
    patient = {"resourceType": "Patient", "meta": {"source": "http://acme.org/a#1"}}
    assert matches(patient, "_source", "http://acme.org/a#1")
    assert not matches(patient, "_source", "http://acme.org/a")


@pytest.mark.parametrize("name", ["url:above", "url:below"])
def test_urns_have_no_path(name: str) -> None:
    """Above and below "cannot be used with URNs such as OIDs"."""
    with pytest.raises(Invalid, match="only URLs have a path") as refusal:
        asked("ValueSet", name, "urn:oid:1.2")
    assert refusal.value.issues[0].code == "not-supported"


@pytest.mark.parametrize("modifier", ["text", "exact", "not", "in", "identifier", ""])
def test_other_modifiers_are_refused(modifier: str) -> None:
    """A modifier that the type does not have is refused with both names (https://hl7.org/fhir/R5/search.html#modifiers)."""
    with pytest.raises(Invalid, match=f"url is a uri parameter: :{modifier} is not supported"):
        asked("ValueSet", f"url:{modifier}", "http://x")


def test_an_empty_uri_is_refused() -> None:
    """Nothing is no URI."""
    with pytest.raises(Invalid, match="an alternative is empty"):
        asked("ValueSet", "url", "")
