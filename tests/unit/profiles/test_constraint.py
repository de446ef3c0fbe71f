"""Constraints as profiles give them, compiled into rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from service.fhir.fhirpath import Hooks
from service.profiles.rules.invariant import Constraint, compile_constraints
from service.profiles.run import SINGLE, Run, Where

AT: Where = (None, "Patient", SINGLE)
ADULT = Constraint("my-1", "error", "Only adults.", "birthDate <= @2000", "http://example.org/profile")


def issues(constraint: Constraint, resource: dict[str, Any], times: int = 1, hooks: Hooks | None = None) -> list[Any]:
    """What the rule says of a patient: severity, issue type, rule, location, text."""
    made = {"resourceType": "Patient", **resource}
    run = Run(made)
    rule = (
        compile_constraints((constraint,), "Patient", hooks) if hooks else compile_constraints((constraint,), "Patient")
    )
    for _ in range(times):
        rule(made, AT, run)
    return [(i.severity, i.code, i.rule, i.expression, i.diagnostics) for i in run.issues]


def test_a_constraint_is_met_or_broken() -> None:
    """True meets it; false and nothing break it; the words are its own."""
    assert issues(ADULT, {"birthDate": "1990-01-01"}) == []
    expected = ("error", "invariant", "my-1", ("Patient",), "my-1: Only adults.")
    assert issues(ADULT, {"birthDate": "2010-01-01"}) == [expected]
    assert issues(ADULT, {"active": True}) == [expected]
    assert issues(replace(ADULT, severity="warning"), {"active": True})[0][0] == "warning"


def test_without_words_the_expression_is_shown() -> None:
    """Shortened, where it is long."""
    assert issues(replace(ADULT, human=""), {"active": True})[0][4] == "my-1 does not hold: birthDate <= @2000"
    long = replace(ADULT, human="", expression="birthDate <= @2000" + " and active" * 1000)
    assert len(issues(long, {"active": True})[0][4]) < 120


@pytest.mark.parametrize(
    "expression",
    [
        "birthDate <=",
        "birthDate.nonsense()",
        "birthDate + true",
        "name.given.single() = 'A'",
        "birthDate.memberOf('http://example.org/unknown')",
        "elementDefinition().exists()",
    ],
)
def test_what_cannot_be_evaluated_is_said_once(expression: str) -> None:
    """No grammar, no such function, an error at run time, an answer that is not known: a warning, never a pass."""
    resource = {"birthDate": "1990-01-01", "name": [{"given": ["A", "B"]}]}
    (found,) = issues(replace(ADULT, expression=expression), resource, times=3)
    assert found[:4] == ("warning", "not-supported", "my-1", ("Patient",))
    assert found[4].startswith("my-1 was not evaluated: ")


def test_a_terminology_answers() -> None:
    """Hooks are the caller's; what they know is the outcome."""
    constraint = replace(ADULT, expression="gender.memberOf('http://example.org/v')")
    for answer, count in ((True, 0), (False, 1)):
        hooks = Hooks(member_of=lambda _node, _value_set, answer=answer: answer)  # type: ignore[misc]
        assert len(issues(constraint, {"gender": "male"}, hooks=hooks)) == count


def test_several_constraints_are_one_rule() -> None:
    """Each is reported by itself, in their order."""
    made = {"resourceType": "Patient", "active": True}
    run = Run(made)
    other = replace(ADULT, key="my-2", expression="name.exists()")
    compile_constraints([ADULT, other], "Patient")(made, AT, run)
    assert [issue.rule for issue in run.issues] == ["my-1", "my-2"]


@pytest.mark.parametrize("value", [None, 5, [], {}, [5], [[]], {"given": 5}, [{"given": {}}], "x"])
def test_no_content_makes_it_raise(value: Any) -> None:
    """What is not what the type promises is a matter of structure; a constraint says that it does not hold, or not."""
    for expression in ("name.given.exists()", "name.where(given = 'A').empty()", "name.all(given.count() = 1)"):
        issues(replace(ADULT, expression=expression), {"name": value})
