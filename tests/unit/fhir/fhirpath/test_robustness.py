"""Whatever an expression and a resource look like, the outcome is an outcome or one of the errors of this house."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import RegistryError
from service.fhir import fhirpath
from service.fhir.fhirpath.context import boolean
from tests.unit.fhir.fhirpath.evaluating import OBSERVATION, PATIENT

ATOMS = st.sampled_from(
    [
        "name",
        "name.given",
        "deceased",
        "birthDate",
        "gender",
        "value",
        "component.value",
        "code.coding.code",
        "%resource",
        "%context",
        "$this",
        "{}",
        "true",
        "1",
        "2.50",
        "'a'",
        "'5'",
        "@2020",
        "@2020-01-01T10:00Z",
        "@T10:30",
        "5 'mg'",
        "2 days",
        "0 '0'",
        "contained",
        "generalPractitioner",
        "extension",
        "status",
    ]
)
STEPS = st.sampled_from(
    [
        "first()",
        "last()",
        "tail()",
        "single()",
        "count()",
        "exists()",
        "empty()",
        "not()",
        "distinct()",
        "children()",
        "descendants()",
        "type()",
        "resolve()",
        "toString()",
        "toInteger()",
        "toDecimal()",
        "toQuantity()",
        "toDate()",
        "toDateTime()",
        "toTime()",
        "lowBoundary()",
        "highBoundary(3)",
        "abs()",
        "sqrt()",
        "power(3)",
        "ln()",
        "round(1)",
        "length()",
        "upper()",
        "toChars()",
        "trim()",
        "hasValue()",
        "getValue()",
        "htmlChecks()",
        "precision()",
        "where($this.exists())",
        "select($this)",
        "select($index)",
        "all($this=1)",
        "repeat(children())",
        "sort()",
        "aggregate($total&'x')",
        "ofType(string)",
        "as(Quantity)",
        "is(FHIR.Element)",
        "iif(true,1)",
        "combine('x')",
        "join()",
        "matches('a')",
        "value",
        "id",
        "given",
        "unit",
    ]
)
OPERATORS = st.sampled_from(
    [
        "=",
        "!=",
        "~",
        "!~",
        "<",
        "<=",
        ">",
        ">=",
        "|",
        "+",
        "-",
        "*",
        "/",
        "div",
        "mod",
        "&",
        "and",
        "or",
        "xor",
        "implies",
        "in",
        "contains",
    ]
)


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Expressions that are in the grammar, most of them nonsense."""
    text = str(draw(ATOMS))
    for _ in range(draw(st.integers(0, 5))):
        if draw(st.booleans()):
            text = f"({text}).{draw(STEPS)}"
        else:
            other = str(draw(ATOMS))
            text = f"({text}) {draw(OPERATORS)} ({other})"
    return text


JUNK = st.sampled_from([None, True, 5, "x", [], {}, [None], [[1]], {"a": 1}, "2020-99", {"resourceType": 5}])


def spoilt(value: Any, path: list[int], junk: object) -> Any:
    """A copy of a JSON value in which one place holds something that does not belong there."""
    if not path or not isinstance(value, dict | list) or not value:
        return junk
    place = path[0] % len(value)
    if isinstance(value, list):
        return [spoilt(item, path[1:], junk) if index == place else item for index, item in enumerate(value)]
    key = list(value)[place]
    return {**value, key: spoilt(value[key], path[1:], junk)}


@settings(max_examples=400, deadline=None)
@given(expressions(), st.sampled_from([PATIENT, OBSERVATION]), st.booleans())
def test_any_expression(text: str, resource: dict[str, Any], typed: bool) -> None:
    """No expression crashes, and the fast forms agree with the nodes about all of them."""
    try:
        expression = fhirpath.compile(text, resource["resourceType"] if typed else None)
        nodes = expression(resource)
    except RegistryError:
        return
    assert expression.typed(resource) == [(node.type, node.value) for node in nodes if node.value is not None]
    assert all(isinstance(node.path, str) for node in nodes)
    try:
        expected = boolean(nodes, "a condition")
    except RegistryError:
        return
    assert expression.boolean(resource) is expected


@settings(max_examples=400, deadline=None)
@given(
    expressions(), st.sampled_from([PATIENT, OBSERVATION]), st.lists(st.integers(0, 20), min_size=1, max_size=4), JUNK
)
def test_any_resource(text: str, resource: dict[str, Any], path: list[int], junk: object) -> None:
    """A resource with something in the wrong place is an outcome or an error, never a crash."""
    broken = {**spoilt(resource, [*path, 0], junk), "resourceType": resource["resourceType"]}
    for expression in (
        text,
        "descendants().path",
        "name.given | component.code.coding.code",
        "name.exists(family = 'a')",
    ):
        with suppress(RegistryError):
            compiled = fhirpath.compile(expression, resource["resourceType"])
            assert isinstance(compiled(broken), list)
            assert isinstance(compiled.values(broken), list)
            assert compiled.boolean(broken) in (True, False, None)


def test_a_contained_resource_has_its_own_type() -> None:
    """An element of an abstract type has the type that the data say, in the fast form too."""
    expression = fhirpath.compile("contained", "Patient")
    assert [kind for kind, _ in expression.typed(PATIENT)] == ["Organization"]
