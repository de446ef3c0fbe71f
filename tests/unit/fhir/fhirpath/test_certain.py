"""What is certain of a condition without evaluating it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fhir.fhirpath import EvaluationError, compile, root  # noqa: A004  # what it is called everywhere
from service.fhir.fhirpath.context import boolean
from service.fhir.fhirpath.node import Node

PATIENT: dict[str, Any] = {"resourceType": "Patient", "active": True, "name": [{"family": "F"}]}

CERTAIN = [
    "photo.empty()",
    "photo.where(size > 3).empty()",
    "photo.exists().not()",
    "photo.exists() implies photo.size > 3",
    "active implies photo.all(size > 3)",
    "photo.size.isDistinct() and communication.select(language | preferred).isDistinct()",
    "name.exists() or photo.size > 3",
    "photo.size > 3 or name.exists()",
    "(photo.exists() and photo.size > 3).not()",
    "(photo.size > 3 and photo.exists()).not()",
    "(photo | contact.name).empty()",
    "photo[0].empty()",
    "name.exists()",
    "photo.tail().all(size > 3)",
    "photo.count() = 0",
    "photo.count() + name.count() < 2",
    "(name.count() + contact.count()) > 0",
    "name.family.isDistinct()",
    "name.where(family = 'F').exists()",
    "name.where(family = 'G').empty()",
    "extension('http://example.org/x').value.empty()",
    "extension('http://example.org/x').exists() implies photo.size > 3",
]
UNCERTAIN = [
    "photo.size > 3",
    "name.where(family = 'F').family.length() < 3",
    "photo.exists() or name.family.length() < 3",
    "%resource.photo.empty()",
    "photo.exists(size > 3).not() and name.family.length() < 3",
    "children().where($this is Attachment).empty()",
    "name.first().given.exists()",
    "name.first().family.empty()",
    "contact.first().name.where(text = 'F').exists()",
]


@pytest.mark.parametrize("expression", CERTAIN)
def test_what_one_look_tells(expression: str) -> None:
    """Elements that are not there, and operators of which one side is enough."""
    compiled = compile(expression, "Patient")
    assert compiled.certain is not None
    assert compiled.certain(PATIENT)
    assert compiled.boolean(PATIENT) is True


@pytest.mark.parametrize("expression", UNCERTAIN)
def test_in_doubt_it_is_not_certain(expression: str) -> None:
    """What needs a value, a count or another root is left to the expression."""
    compiled = compile(expression, "Patient")
    assert compiled.certain is None or not compiled.certain(PATIENT)


def test_a_shadow_is_there() -> None:
    """A primitive that has only extensions is no absent element."""
    compiled = compile("birthDate.where($this > @2000).empty()", "Patient")
    assert compiled.certain is not None
    assert not compiled.certain({**PATIENT, "_birthDate": {"id": "a"}})


@given(
    st.sampled_from(CERTAIN + UNCERTAIN),
    st.fixed_dictionaries(
        {"resourceType": st.just("Patient")},
        optional={
            "active": st.booleans(),
            "_active": st.just({"id": "a"}),
            "name": st.lists(st.just({"family": "F"}) | st.just({"text": "T"}), min_size=1, max_size=2),
            "photo": st.lists(st.sampled_from([{"size": "1"}, {"size": "9"}, {"title": "T"}]), min_size=1, max_size=3),
            "contact": st.just([{"name": {"text": "T"}}]),
            "extension": st.just([{"url": "http://example.org/x", "valueString": "T"}]),
        },
    ),
)
def test_what_is_certain_holds(expression: str, resource: dict[str, Any]) -> None:
    """Whenever the quick test says so, the evaluation of every node says so too."""
    compiled = compile(expression, "Patient")
    if compiled.certain is None or not compiled.certain(resource):
        return
    try:
        outcome = boolean(compiled(resource, root(resource)), expression)
    except EvaluationError:
        return  # one side alone decides, and the other has no answer
    assert outcome is True


NUMBERS = [
    "statistic.quantity.value.all($this >= 0 and $this <= 100)",
    "(statistic.quantity | statistic.attributeEstimate.range.low).value.all($this >= 100 or $this < 3)",
    "statistic.all(numberAffected <= sampleSize.knownDataCount)",
    "statistic.all(3 < quantity.value)",
    "statistic.exists(quantity.value >= 1.50)",
    "statistic.statisticType.coding.where(code = 'a' or code = 'b' or code = 'c').exists()",
]
_NUMBER = st.sampled_from([Decimal("1.5"), Decimal("1.50"), Decimal(-7), 0, 4, 101, Decimal("1E+401"), "3", True, None])
_QUANTITY = st.builds(
    lambda value, more: {**({} if value is None else {"value": value}), **more},
    _NUMBER,
    st.sampled_from([{}, {"_value": {"id": "a"}}, {"unit": "d"}, {"unit": "h"}, {"_unit": {"id": "a"}}]),
)
_STATISTIC = st.fixed_dictionaries(
    {},
    optional={
        "quantity": _QUANTITY,
        "numberAffected": _NUMBER,
        "sampleSize": st.builds(lambda n, m: {"knownDataCount": n, "numberOfParticipants": m}, _NUMBER, _NUMBER),
        "attributeEstimate": st.lists(st.builds(lambda low: {"range": {"low": low}}, _QUANTITY), max_size=2),
        "statisticType": st.builds(lambda code: {"coding": [{"code": code}, {}]}, st.sampled_from(["a", "c", "d"])),
    },
)


@given(st.sampled_from(NUMBERS), st.lists(_STATISTIC, min_size=1, max_size=2))
def test_numbers_are_compared_as_the_nodes_compare_them(expression: str, statistics: list[dict[str, Any]]) -> None:
    """Whatever stands where a number should, plain JSON gives what the nodes give."""
    evidence = {"resourceType": "Evidence", "statistic": statistics}
    compiled = compile(expression, "Evidence")
    assert compiled.certain is not None
    try:
        outcome = boolean(compiled(evidence, root(evidence)), expression)
    except EvaluationError:
        with pytest.raises(EvaluationError):
            compiled.boolean(evidence)
    else:
        assert compiled.boolean(evidence) is outcome


ABOUT_THE_WHOLE = [
    "(sampleSize.knownDataCount | sampleSize.numberOfParticipants).all($this >= %context.numberAffected)",
    "quantity.value.all($this >= 0 and $this.truncate() = $this)",
    "attributeEstimate.range.all(low.value.empty() or low.value <= %context.quantity.value)",
    "attributeEstimate.all(range.low.value > 3 and %context.quantity.value < 100)",
    "attributeEstimate.range.low.value.all($this < %context.quantity.value or $this > 4)",
    "sampleSize.select(iif(knownDataCount.exists(), knownDataCount, numberOfParticipants)).where($this > 0)"
    ".all(%context.numberAffected.toDecimal() * 100 / $this.toDecimal() >= %context.quantity.value.lowBoundary())",
    "sampleSize.knownDataCount.where($this > 1).all($this / 3 < %context.quantity.value.highBoundary())",
    "numberAffected.count() + quantity.value.count() + attributeEstimate.count() < 3",
    "numberAffected.count() + quantity.value.count() != 1",
    "attributeEstimate.range.low.unit.isDistinct()",
]


@given(st.sampled_from(ABOUT_THE_WHOLE), _STATISTIC)
def test_what_is_certain_of_numbers_holds(expression: str, statistic: dict[str, Any]) -> None:
    """Numbers compared with one of the whole, sums of counts, texts that differ: never surer than the nodes."""
    compiled = compile(expression, "Evidence.statistic")
    assert compiled.certain is not None
    try:
        if not compiled.certain(statistic):
            return
    except (AttributeError, TypeError):
        return
    evidence = {"resourceType": "Evidence", "statistic": [statistic]}
    assert boolean(compiled(evidence, Node(statistic, "Evidence.statistic")), expression) is True


@pytest.mark.parametrize("expression", ABOUT_THE_WHOLE)
def test_plain_numbers_are_certain(expression: str) -> None:
    """Of plain numbers that fit one look is enough."""
    estimates = [{"range": {"low": {"value": 5, "unit": unit}}} for unit in ("d", "h")]
    plain = {
        "numberAffected": 2,
        "sampleSize": {"knownDataCount": 3},
        "quantity": {"value": 7},
        "attributeEstimate": estimates[: 1 if "count()" in expression else 2],
    }
    if expression.endswith("< 3"):
        del plain["numberAffected"]
    compiled = compile(expression, "Evidence.statistic")
    assert compiled.certain is not None
    assert compiled.certain(plain)
