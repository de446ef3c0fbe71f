"""SearchParameter resources: https://hl7.org/fhir/R5/searchparameter.html."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from service.errors import Unprocessable
from service.search.definition import parse_definition
from service.search.parameters import Catalogue
from tests.unit.search.matching import CATALOGUE, matches

RATIO: dict[str, Any] = {
    "resourceType": "SearchParameter",
    "url": "https://example.org/hazard-ratio",
    "code": "hazard-ratio",
    "type": "number",
    "base": ["Evidence"],
    "expression": "Evidence.statistic.where(statisticType.coding.code = 'hr').quantity.value",
    "multipleOr": False,
    "comparator": ["lt", "gt"],
}
KIND: dict[str, Any] = {**RATIO, "url": "https://example.org/kind", "code": "kind", "type": "token", "comparator": [],
        "expression": "Evidence.statistic.statisticType"}  # fmt: skip
PAIR: dict[str, Any] = {
    "resourceType": "SearchParameter",
    "url": "https://example.org/pair",
    "code": "pair",
    "type": "composite",
    "base": ["Evidence"],
    "expression": "Evidence.statistic",
    "component": [
        {"definition": "https://example.org/kind", "expression": "statisticType"},
        {"definition": "https://example.org/hazard-ratio", "expression": "quantity.value"},
    ],
}


def test_a_definition_is_used() -> None:
    """A number and a composite of our own over Evidence, defined, indexed and asked."""
    ratio, kind = (parse_definition(resource, CATALOGUE) for resource in (RATIO, KIND))
    catalogue = Catalogue([ratio, kind])
    catalogue = Catalogue([ratio, kind, parse_definition(PAIR, catalogue)])
    evidence = {
        "resourceType": "Evidence",
        "statistic": [
            {"statisticType": {"coding": [{"code": "hr"}]}, "quantity": {"value": Decimal("0.73")}},
            {"statisticType": {"coding": [{"code": "count"}]}, "quantity": {"value": 12}},
        ],
    }
    assert matches(evidence, "hazard-ratio", "lt0.8", catalogue=catalogue)
    assert not matches(evidence, "hazard-ratio", "gt10", catalogue=catalogue)
    assert matches(evidence, "pair", "hr$lt0.8", catalogue=catalogue)
    assert not matches(evidence, "pair", "hr$gt10", catalogue=catalogue)
    assert ratio.single_or
    assert not ratio.single_and


@pytest.mark.parametrize(
    ("resource", "change", "place", "message"),
    [
        (RATIO, {"url": ""}, "url", "needs a canonical URL"),
        (RATIO, {"url": "http://hl7.org/fhir/SearchParameter/Resource-id"}, "url", "defined by FHIR R5"),
        (RATIO, {"code": "a:b"}, "code", "cannot be the name"),
        (RATIO, {"code": "_mine"}, "code", "cannot be the name"),
        (RATIO, {"code": "status"}, "code", "Evidence has a parameter status already"),
        (RATIO, {"code": "identifier", "base": ["DomainResource"]}, "code", "already"),
        (RATIO, {"type": "special"}, "type", "cannot be defined here"),
        (RATIO, {"type": "text"}, "type", "cannot be defined here"),
        (RATIO, {"base": []}, "base", "needs the resource types"),
        (RATIO, {"base": ["Study"]}, "base[0]", "Study is not a resource type"),
        (RATIO, {"expression": None}, "expression", "nothing to index"),
        (RATIO, {"expression": "Evidence.("}, "expression", "In Evidence"),
        (RATIO, {"expression": "Evidence.statistic.foo()"}, "expression", "foo"),
        (RATIO, {"expression": "Patient.name"}, "expression", "finds nothing in Evidence"),
        (RATIO, {"expression": "Evidence.title"}, "expression", "finds string in Evidence"),
        (RATIO, {"target": ["Foo"]}, "target[0]", "Foo is not a resource type"),
        (RATIO, {"comparator": ["lt", "xx"]}, "comparator[1]", "xx is not a prefix"),
        (RATIO, {"modifier": ["exact"]}, "modifier[0]", "exact is not a modifier of number parameters"),
        (KIND, {"modifier": ["contains"]}, "modifier[0]", "contains is not a modifier of token parameters"),
        (RATIO, {"processingMode": "phonetic"}, "processingMode", "phonetic is not supported"),
        (RATIO, {"constraint": "true"}, "constraint", "not supported"),
        (RATIO, {"component": PAIR["component"]}, "component", "Only a composite"),
        (PAIR, {"component": []}, "component", "at least two"),
        (PAIR, {"component": [PAIR["component"][0], {"definition": "http://no", "expression": "quantity"}]},
         "component[1].definition", "http://no is unknown here"),
        (PAIR, {"component": [PAIR["component"][0], {**PAIR["component"][1], "expression": "foo"}]},
         "component[1].expression", "foo finds nothing"),
        (PAIR, {"expression": "Evidence.title | Evidence.statistic"}, "expression", "all of one type"),
    ],
)  # fmt: skip
def test_what_could_not_be_honoured_is_refused(
    resource: dict[str, Any], change: dict[str, Any], place: str, message: str
) -> None:
    """Each reason is an issue, located in the resource."""
    catalogue = Catalogue([parse_definition(RATIO, CATALOGUE), parse_definition(KIND, CATALOGUE)])
    with pytest.raises(Unprocessable) as refusal:
        parse_definition({**resource, **change}, catalogue)
    places = {issue.expression: issue.diagnostics for issue in refusal.value.issues}
    assert message in places[(f"SearchParameter.{place}",)]


@pytest.mark.parametrize(
    ("kind", "expression", "text"),
    [
        ("token", "Evidence.statistic.exists()", "true"),
        ("number", "Evidence.statistic.count()", "2"),
        ("date", "Evidence.date.toDateTime()", "2020-05"),
        ("string", "Evidence.title.upper()", "surv"),
        ("quantity", "Evidence.statistic.quantity.first() + 1 'mg'", "0.006|http://unitsofmeasure.org|g"),
    ],
)
def test_computed_values_are_indexed(kind: str, expression: str, text: str) -> None:
    """What an expression computes is found like what a resource holds."""
    computed = {**RATIO, "type": kind, "expression": expression, "comparator": []}
    catalogue = Catalogue([parse_definition(computed, CATALOGUE)])
    dose = {"value": 5, "system": "http://unitsofmeasure.org", "code": "mg"}
    evidence = {
        "resourceType": "Evidence",
        "date": "2020-05-01",
        "title": "Survival",
        "statistic": [{"quantity": dose}, {}],
    }
    assert matches(evidence, "hazard-ratio", text, catalogue=catalogue)


def test_a_definition_may_be_replaced_by_itself() -> None:
    """The same URL is the same parameter, in a new version."""
    catalogue = Catalogue([parse_definition(RATIO, CATALOGUE)])
    assert parse_definition({**RATIO, "comparator": ["gt"]}, catalogue).comparator == ("gt",)


def test_declared_comparators_and_modifiers_bind() -> None:
    """What the definition does not declare is refused (SearchParameter.comparator and .modifier)."""
    kind = parse_definition({**KIND, "modifier": ["text"]}, CATALOGUE)
    catalogue = Catalogue([parse_definition(RATIO, CATALOGUE), kind])
    with pytest.raises(Exception, match="the prefix ge is not supported, only lt, gt"):
        matches({"resourceType": "Evidence"}, "hazard-ratio", "ge1", catalogue=catalogue)
    with pytest.raises(Exception, match="defined without the modifier :not"):
        matches({"resourceType": "Evidence"}, "kind:not", "x", catalogue=catalogue)


def test_an_expression_that_fails_on_a_resource_finds_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A valid resource is not refused because a parameter cannot be evaluated on it; the log says so."""
    single = {**RATIO, "expression": "Evidence.statistic.single().quantity.value", "comparator": []}
    catalogue = Catalogue([parse_definition(single, CATALOGUE)])
    evidence = {"resourceType": "Evidence", "statistic": [{"quantity": {"value": 1}}, {"quantity": {"value": 2}}]}
    assert matches(evidence, "hazard-ratio:missing", "true", catalogue=catalogue)
    assert "finds nothing" in caplog.text
