"""Reference parameters: https://hl7.org/fhir/R5/search.html#reference."""

from __future__ import annotations

from typing import Any

import pytest

from service.errors import Invalid
from service.search.parameters import hierarchies
from service.search.types import Context
from tests.unit.search.matching import CATALOGUE, asked, matches

HERE = Context(bases=("https://example.org/fhir", "http://internal"))
ID = "[id]: the logical id of a resource using a local reference"
TYPE = "[type]/[id]: of a specified type"
LOCAL = "search input with implicit resolution to the local server"
VERSION = "[type]/[id]/_history/[version]: a specific version is requested"
ABSOLUTE = "An absolute reference will not match Patient/123/_history/1"
MODIFIER = "[type]: points to a resource of the supplied parameter type"
IDENTIFIER = ":identifier: Reference.identifier rather than Reference.reference"


def observation(reference: str = "", **more: Any) -> dict[str, Any]:
    """An observation of a subject."""
    subject = {"reference": reference, **more} if reference else more
    return {"resourceType": "Observation", "subject": subject}


@pytest.mark.parametrize(
    ("reference", "name", "text", "expected", "sentence"),
    [
        ("Patient/123", "subject", "Patient/123", True, TYPE),
        ("Patient/123", "subject", "Patient/12", False, TYPE),
        ("Group/123", "subject", "Patient/123", False, TYPE),
        ("https://example.org/fhir/Patient/123", "subject", "Patient/123", True, LOCAL),
        ("http://internal/Patient/123", "subject", "Patient/123", True, LOCAL),
        ("https://elsewhere.org/Patient/123", "subject", "Patient/123", False, LOCAL),
        ("Patient/123/_history/1", "subject", "Patient/123", True, "reference to a specific version of the input"),
        ("Patient/123/_history/1", "subject", "Patient/123/_history/1", True, VERSION),
        ("Patient/123/_history/1", "subject", "Patient/123/_history/2", False, VERSION),
        ("Patient/123", "subject", "Patient/123/_history/1", False, VERSION),
        ("https://example.org/fhir/Patient/123", "subject", "https://example.org/fhir/Patient/123", True, LOCAL),
        ("Patient/123", "subject", "https://example.org/fhir/Patient/123", True, LOCAL),
        ("Patient/123/_history/1", "subject", "https://example.org/fhir/Patient/123", False, ABSOLUTE),
        ("https://elsewhere.org/Patient/1", "subject", "https://elsewhere.org/Patient/1", True, "exact match"),
        ("Patient/123", "subject", "123", True, ID),
        ("Device/123", "subject", "123", True, ID),
        ("https://example.org/fhir/Patient/123", "subject", "123", True, ID),
        ("https://elsewhere.org/Patient/123", "subject", "123", False, ID),
        ("Patient/123", "patient", "123", True, ID),
        ("123", "patient", "123", False, "nothing says that an id alone is that of a Patient"),
        ("123", "subject", "123", True, "a reference that is an id alone"),
        ("123", "subject", "Patient/123", False, "which has no type"),
        ("Group/123", "patient", "123", False, "patient is a subject that is a Patient"),
        ("Patient/123", "subject:Patient", "123", True, MODIFIER),
        ("Patient/123", "subject:Patient", "Patient/123", True, MODIFIER),
        ("https://example.org/fhir/Patient/123", "subject:Patient", "123", True, MODIFIER),
        ("Group/123", "subject:Patient", "123", False, MODIFIER),
        ("urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "subject", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
         True, "a reference is a URI"),
        ("#patient", "subject", "patient", False, "what is contained has no identity of its own"),
        ("#patient", "subject:missing", "false", True, "but it is there"),
    ],
)  # fmt: skip
def test_a_reference_against_a_reference(reference: str, name: str, text: str, expected: bool, sentence: str) -> None:
    """Relative, absolute, local and versioned references, ids alone, and types as modifiers."""
    assert matches(observation(reference), name, text, HERE) is expected, sentence


@pytest.mark.parametrize(
    ("name", "text", "expected", "sentence"),
    [
        ("subject:identifier", "mrn|1", True, IDENTIFIER),
        ("subject:identifier", "1", True, IDENTIFIER),
        ("subject:identifier", "mrn|", True, IDENTIFIER),
        ("subject:identifier", "|1", False, IDENTIFIER),
        ("subject:identifier", "other|1", False, IDENTIFIER),
        ("subject:text", "chalm", True, ":text: Reference.display begins with"),
        ("subject:text", "peter", False, ":text: Reference.display begins with"),
        ("subject:text-advanced", "peter", True, ":text-advanced: word-boundary recognition"),
        ("subject", "mrn", False, "the identifier is no reference"),
    ],
)
def test_identifier_and_display(name: str, text: str, expected: bool, sentence: str) -> None:
    """What a reference holds beside the reference."""
    subject = observation(identifier={"system": "mrn", "value": "1"}, display="Chálmers, Peter")
    assert matches(subject, name, text) is expected, sentence


@pytest.mark.parametrize(
    ("canonical", "name", "text", "expected", "sentence"),
    [
        ("http://x/p|1.2.0", "_profile", "http://x/p", True, "with any version"),
        ("http://x/p", "_profile", "http://x/p", True, "without a version"),
        ("http://x/p|1.2.0", "_profile", "http://x/p|1.2.0", True, "a specific version"),
        ("http://x/p|1.2.0", "_profile", "http://x/p|1.2", True, "or partial version is desired"),
        ("http://x/p|1.20", "_profile", "http://x/p|1.2", False, "or partial version is desired"),
        ("http://x/p", "_profile", "http://x/p|1.2", False, "a specific version"),
        ("http://x/p|1.2.0", "_profile", "http://x/q", False, "another URL"),
        ("http://x/p|1.10", "_profile:above", "http://x/p|1.9", True, "a 'greater than' against the version-scheme"),
        ("http://x/p|1.9", "_profile:above", "http://x/p|1.9", False, "a 'greater than' against the version-scheme"),
        ("http://x/p|1.8", "_profile:below", "http://x/p|1.10", True, "a 'less than' against the version-scheme"),
        ("http://x/p|1.10", "_profile:below", "http://x/p|1.9", False, "a 'less than' against the version-scheme"),
        ("http://x/p|latest", "_profile:above", "http://x/p|1", False, "unknown versioning schemes SHALL be ignored"),
        ("http://x/q|1.8", "_profile:below", "http://x/r|9", False, "versions of another resource"),
        ("http://x/a|1.8", "_profile:above", "http://x/p|1", False, "versions of another resource"),
    ],
)
def test_canonicals_and_their_versions(canonical: str, name: str, text: str, expected: bool, sentence: str) -> None:
    """[url]|[version]: "a specific version or partial version is desired"; ``_profile`` is over canonicals."""
    study = {"resourceType": "ResearchStudy", "meta": {"profile": [canonical]}}
    assert matches(study, name, text) is expected, sentence


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("subject:ResearchStudy", "1", "subject has no modifier :ResearchStudy"),
        ("subject:Foo", "1", "subject is a reference parameter: :Foo is not supported"),
        ("subject:exact", "1", ":exact is not supported"),
        ("subject:code-text", "1", ":code-text is not supported"),
        ("subject:below", "Patient/1", ":below is not supported"),
        ("_profile:identifier", "s|1", ":identifier is not supported"),
        ("_profile:Patient", "1", ":Patient is not supported"),
        ("_profile:above", "http://x", "needs url|version"),
        ("_profile:above", "http://x|latest", "needs url|version"),
        ("subject:Patient", "Group/1", "not the id of a Patient"),
        ("subject", "", "names nothing"),
        ("subject", "Patient/1|2", "only a canonical has a version"),
        ("_profile", "http://x|1|2", "only a canonical has a version"),
        ("subject", "a\\b", "the backslash"),
    ],
)
def test_what_a_reference_has_not_is_refused(name: str, text: str, message: str) -> None:
    """Modifiers that a parameter does not have are refused with both names; so is bad syntax."""
    with pytest.raises(Invalid, match=message.replace("|", r"\|")) as refusal:
        asked("Observation", name, text)
    assert refusal.value.issues[0].expression == (name,)


def test_hierarchies() -> None:
    """Above and below follow "references that establish a hierarchy", such as Location.partOf, and no others."""
    procedure = CATALOGUE.for_type("Procedure")
    assert {type_: found.key for type_, found in hierarchies(procedure["location"], CATALOGUE).items()} == {
        "Location": "Location.partof"
    }
    assert hierarchies(CATALOGUE.for_type("ResearchStudy")["part-of"], CATALOGUE)
    assert not hierarchies(procedure["patient"], CATALOGUE)
    assert not hierarchies(procedure["_profile"], CATALOGUE)
    assert not hierarchies(procedure["code"], CATALOGUE)


def test_a_resource_within_the_resource_is_a_reference_to_it() -> None:
    """Bundle composition and message: the first entry's resource itself."""
    entry = {"resource": {"resourceType": "Composition", "id": "c1"}}
    assert matches({"resourceType": "Bundle", "entry": [entry]}, "composition", "Composition/c1")
