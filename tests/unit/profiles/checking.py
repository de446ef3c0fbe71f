"""A good resource, changed and checked against the base definitions."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from service.errors import Issue
from tests.support.validation import check_structure as check

STUDY: dict[str, Any] = {
    "resourceType": "ResearchStudy",
    "id": "arches",
    "meta": {"profile": ["http://example.org/fhir/StructureDefinition/registry-study"]},
    "language": "en-GB",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">A study</div>'},
    "contained": [{"resourceType": "Group", "id": "men", "type": "person", "membership": "definitional"}],
    "identifier": [{"use": "official", "system": "https://clinicaltrials.gov/", "value": "NCT02677896"}],
    "title": "Androgen receptor inhibition",
    "_title": {"extension": [{"url": "http://example.org/note", "valueString": "as registered"}]},
    "status": "active",
    "date": "2023-02-28",
    "condition": [{"text": "Prostate cancer"}],
    "keyword": [{"text": "enzalutamide"}],
    "site": [{"reference": "Location/here", "type": "Location"}],
    "recruitment": {"targetNumber": 1150, "eligibility": {"reference": "#men"}},
    "comparisonGroup": [{"name": "Active", "type": {"coding": [{"code": "a"}, {"code": "b"}]}}],
}


def study(**changes: Any) -> dict[str, Any]:
    """A valid ResearchStudy with some properties replaced, or removed where None is given."""
    changed = {**deepcopy(STUDY), **changes}
    return {name: value for name, value in changed.items() if value is not None}


def found(resource: dict[str, Any]) -> list[tuple[str, str | None, str]]:
    """Issue type, rule and location of every issue."""
    return [(issue.code, issue.rule, issue.expression[0]) for issue in check(resource)]


def only(resource: dict[str, Any]) -> Issue:
    """The single issue of a resource."""
    (issue,) = check(resource)
    return issue
