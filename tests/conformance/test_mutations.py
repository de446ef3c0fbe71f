"""The validator of the server against single mutations of good resources: each is caught at the place of the change.

The mutations come from ``tools/mutations.py`` and ``tools/profile_mutations.py``; ``tools/compare_validators.py`` has
the HL7 validator judge the same ones.
"""

from __future__ import annotations

from functools import cache

import pytest

from service.fhir.library import Library
from service.interactions.policy import Policy
from service.rules import build_policy, open_library
from service.settings import Settings
from service.terminology.service import TerminologyService
from tests.conformance.invalid_examples import broken_rules
from tests.conformance.packages import package
from tests.conformance.test_profile_examples import KNOWN
from tools.mutated_objects import INVARIANTS, NESTED
from tools.mutations import Json, Mutation
from tools.validation_cases import GOOD, mutations_of_ours, mutations_of_sample, read, sample

OF_FHIR = {
    "contained resource that is not there",
    "ele-1",
    "no content",
    "malformed primitive",
    "one too many",
    "required element dropped",
    "two types of one choice",
    "type that a choice lacks",
    "unknown element",
    "wrong code",
    "wrong target",
    "wrong type",
    *(key for rows in INVARIANTS.values() for key, _ in rows),
    *(key for key, _, _ in NESTED),
}
OF_PROFILES = {
    "element dropped",
    "not of the value set",
    "not what is fixed",
    "prohibited element",
}
GENERATED = "Questionnaire-qgen-"
"""Examples whose extensions have wrong codes, all of them alike."""


@cache
def library() -> Library:
    """The definitions of R5 and the registry, as the server has them."""
    return open_library((), Settings().package_cache)


@cache
def policy() -> Policy:
    """The rules of what is valid, as the server has them."""
    return build_policy(Settings(), library(), TerminologyService(library()))


def errors(resource: Json) -> set[str]:
    """Where a resource has errors."""
    found = policy().check(resource).issues
    return {place for issue in found if issue.severity in ("fatal", "error") for place in issue.expression}


def missed(mutations: list[tuple[str, Mutation]]) -> list[tuple[str, str, str, set[str]]]:
    """Name, kind, place and the errors found instead, for every mutation without an error at its place."""
    judged = ((name, each, errors(each.resource)) for name, each in mutations)
    return [(name, each.kind, each.at, found) for name, each, found in judged if each.at not in found]


def test_every_mutation_of_a_good_example_is_caught() -> None:
    """Issue 5: whatever breaks FHIR or the profile of an example is an error at the place where it was broken."""
    assert {name: errors(resource) for name, resource in read(GOOD) if errors(resource)} == {}
    made = list(mutations_of_ours(library()))
    assert len(made) > 3_000
    assert missed(made) == []
    assert {each.kind for _, each in made} >= OF_PROFILES


@pytest.mark.timeout(120)
def test_every_mutation_of_an_official_example_is_caught() -> None:
    """The same for official examples of all types, none of which is rejected as it is, unless it is known to be bad."""
    good = [
        (name, resource)
        for name, resource in sample(package("hl7.fhir.r5.examples"))
        if name not in KNOWN and not name.startswith(GENERATED) and not broken_rules(name, resource)
    ]
    assert {name: errors(resource) for name, resource in good if errors(resource)} == {}
    made = list(mutations_of_sample(good))
    assert len(made) > 1_000
    assert missed(made) == []
    assert {each.kind for _, each in made} >= OF_FHIR
