"""Contained resources as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.validation import check

ORGANIZATION = {"resourceType": "Organization", "name": "O"}


def patient(*contained: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A patient that contains these."""
    return {"resourceType": "Patient", "contained": list(contained), **members}


def found(resource: dict[str, Any]) -> list[tuple[str | None, str]]:
    """Rule and location of every issue."""
    return [(issue.rule, issue.expression[0]) for issue in check(resource)]


def test_ids_tell_contained_resources_apart() -> None:
    """references.html#contained: each has an id, which is its own."""
    first, second = {**ORGANIZATION, "id": "a"}, {**ORGANIZATION, "id": "a", "name": "P"}
    organization = {"managingOrganization": {"reference": "#a"}}
    assert found(patient(first, **organization)) == []
    assert found(patient(first, second, **organization)) == [("contained", "Patient.contained[1]")]
    assert found(patient(first, ORGANIZATION, **organization)) == [("contained", "Patient.contained[1].id")]


@pytest.mark.parametrize(
    ("contained", "members"),
    [
        ({**ORGANIZATION, "id": "a"}, {"managingOrganization": {"reference": "#a"}}),
        ({**ORGANIZATION, "id": "a"}, {"extension": [{"url": "http://example.org/e", "valueUri": "#a"}]}),
        ({**ORGANIZATION, "id": "a"}, {"extension": [{"url": "http://example.org/e", "valueCanonical": "#a"}]}),
        ({"resourceType": "Basic", "id": "a", "code": {"text": "c"}, "subject": {"reference": "#"}}, {}),
    ],
)
def test_something_refers_to_a_contained_resource(contained: dict[str, Any], members: dict[str, Any]) -> None:
    """dom-3: by a reference, a canonical, a uri; or it refers to its container."""
    assert found(patient(contained, **members)) == []


def test_a_contained_resource_that_nothing_refers_to() -> None:
    """dom-3: the one that is meant is named, wherever its id stands as a mere text."""
    one, other = {**ORGANIZATION, "id": "a"}, {**ORGANIZATION, "id": "b"}
    made = patient(one, other, name=[{"text": "#b"}], managingOrganization={"reference": "#a"})
    assert found(made) == [("dom-3", "Patient.contained[1]")]


def test_nothing_is_contained_in_a_contained_resource() -> None:
    """dom-2; and what refers to it does not find it, since it is looked up in the outer one."""
    inner = {**ORGANIZATION, "id": "b"}
    outer = {**ORGANIZATION, "id": "a", "contained": [inner], "partOf": {"reference": "#b"}}
    rules = found(patient(outer, managingOrganization={"reference": "#a"}))
    assert ("dom-2", "Patient") in rules
    assert ("ref-1", "Patient.contained[0].partOf") in rules


@pytest.mark.parametrize("contained", [5, "x", {}, [5], [None], [{"resourceType": 5, "id": []}], [[]]])
def test_no_content_makes_it_raise(contained: Any) -> None:
    """What is no resource is a matter of structure."""
    assert check({"resourceType": "Patient", "contained": contained})


def test_a_canonical_may_point_to_a_contained_resource() -> None:
    """references.html#canonical-fragments: then it has to be there."""
    value_set = {"resourceType": "ValueSet", "id": "v", "status": "active"}
    made = {
        "resourceType": "Questionnaire",
        "status": "active",
        "contained": [value_set],
        "item": [{"linkId": "1", "type": "coding", "answerValueSet": "#v"}],
    }
    assert found(made) == []
    made["contained"] = [{**value_set, "id": "w"}]
    assert ("reference", "Questionnaire.item[0].answerValueSet") in found(made)
