"""The official examples of R5 against the base definitions, invariants and narratives included."""

from __future__ import annotations

from collections import Counter

import pytest

from service.fhir import json
from service.profiles.base import check
from tests.conformance.invalid_examples import KNOWN, REPEATED_LINK_ID, broken_rules
from tests.conformance.packages import resource_files

NOT_EVALUATED = {
    "eld-11": "type.code.contains(':') takes one code, but an element may have several types",
    "exs-1": "the value set of resource types is not among the tables that come without a terminology",
}


@pytest.mark.timeout(600)
def test_every_example_has_exactly_its_known_errors() -> None:
    """An official example has no error but those that the table names; what was not evaluated is said, and why."""
    wrong: dict[str, tuple[Counter[str], Counter[str]]] = {}
    not_evaluated: set[str] = set()
    with_repeated_link_id: set[str] = set()
    names: set[str] = set()
    for path in resource_files("hl7.fhir.r5.examples"):
        names.add(path.name)
        resource = json.loads(path.read_bytes())
        issues = check(resource)
        found = Counter(str(issue.rule) for issue in issues if issue.severity == "error")
        expected = broken_rules(path.name, resource)
        if found != expected:
            wrong[path.name] = (found, expected)
        if "que-2" in found:
            with_repeated_link_id.add(path.name)
        not_evaluated |= {str(issue.rule) for issue in issues if issue.code == "not-supported"}
    assert wrong == {}
    assert not_evaluated == set(NOT_EVALUATED)
    assert len(with_repeated_link_id) == REPEATED_LINK_ID
    assert names >= set(KNOWN)
