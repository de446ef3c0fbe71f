"""The validator: which profiles are applied to what (https://hl7.org/fhir/R5/resource.html#profile-tags)."""

from __future__ import annotations

from typing import Any

import pytest

from service.fhir.library import Library
from service.profiles.validator import Validator
from tests.unit.profiles.profiling import HERE, TERMINOLOGY, bundle, found, observation, profile, validator

WITH_SUBJECT = profile("with-subject", "Observation", {"id": "Observation.subject", "min": 1})


def claiming(*urls: str, **changes: Any) -> dict[str, Any]:
    """An Observation that claims profiles."""
    return observation(meta={"profile": list(urls)}, **changes)


def test_a_claimed_profile_is_checked() -> None:
    """Profiles in meta.profile are applied without being asked for, and once only."""
    checker = validator(WITH_SUBJECT)
    bad = claiming(WITH_SUBJECT["url"], subject=None)
    assert [issue.rule for issue in checker.check(bad)] == ["cardinality"]
    assert [issue.rule for issue in checker.check(bad, [WITH_SUBJECT["url"]])] == ["cardinality"]
    assert checker.check(claiming(WITH_SUBJECT["url"])) == []


@pytest.mark.parametrize("severity", ["warning", "error"])
def test_an_unknown_profile_is_reported_where_it_is_claimed(severity: Any) -> None:
    """How severe it is, is a matter of policy."""
    (issue,) = validator(unknown_profile=severity).check(claiming(HERE + "nowhere"))
    assert (issue.severity, issue.code, issue.rule) == (severity, "not-found", "unknown-profile")
    assert issue.expression == ("Observation.meta.profile[0]",)


def test_a_type_of_fhir_can_be_claimed() -> None:
    """The URL of the resource type itself is no more than is true anyhow; that of another type is wrong."""
    core = "http://hl7.org/fhir/StructureDefinition/"
    assert validator().check(claiming(core + "Observation", core + "DomainResource")) == []
    (issue,) = validator().check(claiming(core + "Patient"))
    assert (issue.severity, issue.rule, issue.expression) == ("error", "profile-type", ("Observation",))


def test_a_profile_of_another_type_is_an_error() -> None:
    """A Patient cannot conform to a profile of Observation."""
    patient = {"resourceType": "Patient", "meta": {"profile": [WITH_SUBJECT["url"]]}}
    errors = [i.rule for i in validator(WITH_SUBJECT).check(patient) if i.severity == "error"]
    assert errors == ["profile-type"]


def test_resources_within_are_checked_against_what_they_claim() -> None:
    """Contained resources, entries of Bundles and parameters claim profiles of their own."""
    bad = claiming(WITH_SUBJECT["url"], subject=None, id="x")
    any_ = profile("any", "DomainResource")
    group = {
        "resourceType": "Basic",
        "id": "g",
        "code": {"text": "x"},
        "subject": {"reference": "#x"},
        "contained": [bad],
    }
    expected = ("cardinality", "Basic.contained[0].subject")
    assert found(group, any_, WITH_SUBJECT) == [expected]
    assert found(bundle(group, bad), profile("b", "Bundle"), WITH_SUBJECT) == [
        ("cardinality", "Bundle.entry[0].resource.contained[0].subject"),
        ("cardinality", "Bundle.entry[1].resource.subject"),
    ]
    part = {"name": "outer", "part": [{"name": "inner", "resource": bad}]}
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "first", "resource": bad}, part]}
    assert found(parameters, profile("ps", "Parameters"), WITH_SUBJECT) == [
        ("cardinality", "Parameters.parameter[0].resource.subject"),
        ("cardinality", "Parameters.parameter[1].part[0].resource.subject"),
    ]


def test_a_version_picks_the_profile_of_that_version() -> None:
    """``url|version`` is that version and no other."""
    first = {**WITH_SUBJECT, "version": "1"}
    second = {**profile("with-subject", "Observation", {"id": "Observation.method", "min": 1}), "version": "2"}
    checker = validator(first, second)
    url = WITH_SUBJECT["url"]
    bare = observation(subject=None)
    assert [i.expression for i in checker.check(bare, [url + "|1"])] == [("Observation.subject",)]
    assert [i.expression for i in checker.check(bare, [url + "|2"])] == [("Observation.method",)]
    assert [i.expression for i in checker.check(bare, [url])] == [("Observation.method",)]


def test_a_change_of_the_library_counts_at_once() -> None:
    """What was compiled is good for as long as the library stays the same."""
    library = Library()
    checker = Validator(library, TERMINOLOGY)
    bare = claiming(WITH_SUBJECT["url"], subject=None)
    assert [i.rule for i in checker.check(bare)] == ["unknown-profile"]
    library.add(WITH_SUBJECT)
    assert [i.rule for i in checker.check(bare)] == ["cardinality"]
    library.remove(WITH_SUBJECT)
    assert [i.rule for i in checker.check(bare)] == ["unknown-profile"]


@pytest.mark.parametrize("severity", ["warning", "error"])
def test_a_profile_that_is_wrong_in_itself_is_reported_not_raised(severity: Any) -> None:
    """That nothing can be checked against it is as severe as if it were not known, by the same policy."""
    wrong = profile("wrong", "Observation", {"id": "Observation.nothing", "min": 1})
    (issue,) = validator(wrong, unknown_profile=severity).check(claiming(HERE + "wrong"))
    assert (issue.severity, issue.code, issue.rule) == (severity, "not-supported", "profile")
    assert issue.expression == ("Observation.meta.profile[0]",)
    assert "has no element nothing" in issue.diagnostics


@pytest.mark.parametrize(
    "resource",
    [
        {},
        {"resourceType": 5},
        {"resourceType": "Nothing"},
        {"resourceType": "Observation", "meta": {"profile": "x"}},
        {"resourceType": "Observation", "meta": {"profile": [5]}},
        {"resourceType": "Bundle", "entry": [5, {"resource": 5}]},
        {"resourceType": "Parameters", "parameter": 5},
    ],
)
def test_nothing_is_raised_for_a_malformed_resource(resource: dict[str, Any]) -> None:
    """Errors are values, whatever is sent."""
    assert validator(WITH_SUBJECT).check(resource, [WITH_SUBJECT["url"]])


def test_the_same_problem_is_reported_once() -> None:
    """Two profiles that demand the same find it once."""
    twin = profile("twin", "Observation", {"id": "Observation.subject", "min": 1})
    both = claiming(WITH_SUBJECT["url"], twin["url"], subject=None)
    assert len(validator(WITH_SUBJECT, twin).check(both)) == 1
