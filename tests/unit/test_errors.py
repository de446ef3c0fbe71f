"""The errors: their tree, their statuses and their codes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import service.errors
from service.errors import Issue, RegistryError
from service.fhir import definitions
from service.fhir.json import loads
from service.fhir.outcome import operation_outcome
from service.store.base import GuardFailed, VersionIs
from tests.support.validation import check

ISSUE_TYPES = definitions.required_codes("http://hl7.org/fhir/ValueSet/issue-type").systems[
    "http://hl7.org/fhir/issue-type"
]
STATUSES = {
    "RegistryError": 500,
    "Invalid": 400,
    "TooLarge": 413,
    "Unprocessable": 422,
    "NotSupported": 400,
    "Forbidden": 403,
    "NotFound": 404,
    "Gone": 410,
    "Conflict": 409,
    "PreconditionFailed": 412,
    "Locked": 423,
    "NotAcceptable": 406,
    "UnsupportedMedia": 415,
    "UnsupportedCoding": 415,
    "Unavailable": 503,
}


def tree(root: type[RegistryError], depth: int = 0) -> Iterator[tuple[int, str]]:
    """Yield depth and name of the classes of ``service.errors``, in the order of their definition."""
    yield depth, root.__name__
    for child in root.__subclasses__():
        if child.__module__ == "service.errors":
            yield from tree(child, depth + 1)


def classes() -> list[type[RegistryError]]:
    """Return all classes of the tree."""
    return [getattr(service.errors, name) for _, name in tree(RegistryError)]


def test_the_tree_that_is_drawn_is_the_tree() -> None:
    """The docstring of the module draws every class under its base, in order, and no other."""
    drawn = []
    for line in (service.errors.__doc__ or "").splitlines():
        found = re.fullmatch(r"    ([│├└─ ]*)([A-Z]\w+)( {2,}.*)?", line)
        if found:
            drawn.append((len(found[1]) // 4, found[2]))
    assert drawn == list(tree(RegistryError))


@pytest.mark.parametrize("error", classes(), ids=lambda error: str(error.__name__))
def test_status_and_code(error: type[RegistryError]) -> None:
    """codesystem-issue-type.html: each class has its HTTP status and an issue type of R5; its outcome is valid."""
    assert error.status == STATUSES[error.__name__]
    assert error.default_code in ISSUE_TYPES
    problem = error("It is so.", expression="Group.name")
    assert problem.issues == (Issue("error", error.default_code, "It is so.", ("Group.name",)),)
    assert check(operation_outcome(problem.issues)) == []


def test_every_issue_type_in_the_code_is_one_of_r5() -> None:
    """codesystem-issue-type.html: a code given where an error is raised is an issue type of R5."""
    from pathlib import Path

    found: set[str] = set()
    for file in Path(service.errors.__file__).parent.rglob("*.py"):
        text = file.read_text()
        found |= set(re.findall(r'\bcode="([^"]+)"', text))
        found |= set(re.findall(r'\bIssue\(\s*"(?:fatal|error|warning|information|success)",\s*"([^"]+)"', text))
    assert {"required", "duplicate", "multiple-matches", "structure"} <= found
    assert found - ISSUE_TYPES == set()


def test_issues_are_kept_as_they_are() -> None:
    """An error may carry several issues; its message is all of them."""
    issues = [Issue("error", "value", "One.", ("a",), "rule"), Issue("warning", "value", "Two.")]
    error = service.errors.Unprocessable(issues)
    assert error.issues == tuple(issues)
    assert str(error) == "One.; Two."


def test_an_outcome_has_what_an_issue_has() -> None:
    """operationoutcome.html: severity, code, details, diagnostics, expression; what is not there is left out."""
    outcome = operation_outcome(
        [Issue("error", "value", "One.", ("a", "b"), "rule"), Issue("warning", "value", "Two.")]
    )
    assert outcome["issue"] == [
        {
            "severity": "error",
            "code": "value",
            "details": {"text": "rule"},
            "diagnostics": "One.",
            "expression": ["a", "b"],
        },
        {"severity": "warning", "code": "value", "diagnostics": "Two."},
    ]


def test_no_issue_is_success() -> None:
    """operationoutcome.html: an outcome has an issue; where nothing is wrong it says so."""
    outcome = operation_outcome(())
    assert outcome["issue"][0]["severity"] == "success"
    assert check(loads(__import__("json").dumps(outcome))) == []


def test_a_failed_guard_is_a_failed_precondition() -> None:
    """http.html#concurrency: whoever does not handle a guard that failed answers 412."""
    guard = VersionIs("Group", "a", 1)
    assert GuardFailed(guard).status == 412
    assert GuardFailed(guard).guard is guard
