"""What can be known to be wrong before any resource is seen, is refused when the expression is compiled."""

from __future__ import annotations

import pytest

from service.errors import Invalid, NotSupported
from service.fhir import fhirpath
from service.fhir.fhirpath import EvaluationError, Hooks, PathNotSupported, PathSemanticError


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("name.given.substring()", "takes 1 to 2 arguments, not 0"),
        ("name.count(1)", "takes 0 arguments, not 1"),
        ("name.startsWith('a')", "never string"),
        ("name.given.substring('a')", "argument 1"),
        ("birthDate.substring(1)", "never string"),
        ("length() > 5", "never string"),
        ("name.given.first().substring(2, length())", "never string"),
        ("name.take('a')", "never integer"),
        ("name['a']", "an index is an Integer"),
        ("-name", "before HumanName"),
        ("@2020-01-01 + 7", "not defined between"),
        ("'a' - 'b'", "not defined between"),
        ("1 + true", "not defined between"),
        ("1 < 'a'", "have no order"),
        ("active < true", "have no order"),
        ("name.ofType(Name)", "no type 'Name'"),
        ("name is Foo.Bar", "no type 'Foo.Bar'"),
        ("name.ofType(1)", "no type"),
        ("%nothing", "%nothing is not defined"),
        ("defineVariable('a', 1).active | %a", "%a is not defined"),
        ("defineVariable('a', 1).defineVariable('a', 2)", "already defined"),
        ("defineVariable('context', 1)", "cannot be defined anew"),
        ("select(defineVariable('a', 1)).select(%a)", "%a is not defined"),
        ("$index", "per item"),
        ("$total", "only in aggregate"),
        ("iif(1 | 2, 1, 2)", "never a Boolean"),
        ("'a'.matches('(')", "not understood"),
        ("'a'.matches('(a+)+')", "for ever"),
        ("name.extension(1)", "never string"),
    ],
)
def test_semantic_errors(expression: str, message: str) -> None:
    """A wrong number or type of arguments is an error of the expression, with its place."""
    with pytest.raises(PathSemanticError, match=message) as caught:
        fhirpath.compile(expression, "Patient")
    assert isinstance(caught.value, Invalid)
    assert 0 <= caught.value.position < len(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "name.givenName",
        "Observation.status",
        "deceasedBoolean",
        "(deceased as dateTime).day",
        "name.given.first().family",
        "children().first()",
        "descendants().skip(1)",
        "children()[0]",
        "iif('text', 1, 2)",
    ],
)
def test_strict_mode_also_refuses_what_the_type_does_not_have(expression: str) -> None:
    """A misspelt element is empty by default, and an error in strict mode."""
    fhirpath.compile(expression, "Patient")
    with pytest.raises(PathSemanticError):
        fhirpath.compile(expression, "Patient", strict=True)


@pytest.mark.parametrize(
    "expression",
    [
        "name.given",
        "deceased",
        "contained.name",
        "extension.value",
        "descendants().name",
        "%resource.name",
        "resolve().x",
    ],
)
def test_strict_mode_takes_what_may_be_there(expression: str) -> None:
    """Where only the data tell the type, nothing is refused."""
    fhirpath.compile(expression, "Patient", strict=True)


def test_strict_mode_insists_on_a_single_item_for_as() -> None:
    """Published search parameters cast lists; strictly, that is an error."""
    patient = {"resourceType": "Patient", "name": [{"family": "a"}, {"family": "b"}]}
    assert fhirpath.compile("(name as HumanName).family", "Patient").values(patient) == ["a", "b"]
    with pytest.raises(EvaluationError):
        fhirpath.compile("(name as HumanName).family", "Patient", strict=True).values(patient)


@pytest.mark.parametrize(
    ("expression", "feature"),
    [
        ("gender.memberOf('http://example.org')", "memberOf()"),
        ("maritalStatus.subsumes(maritalStatus)", "subsumes()"),
        ("maritalStatus.subsumedBy(maritalStatus)", "subsumedBy()"),
        ("conformsTo('http://example.org')", "conformsTo()"),
        ("elementDefinition()", "elementDefinition()"),
        ("name.slice('http://example.org', 'a')", "slice()"),
        ("checkModifiers()", "checkModifiers()"),
        ("hasTemplateIdOf('a')", "hasTemplateIdOf()"),
        ("%terminologies.expand('a')", "%terminologies"),
        ("name.shuffle()", "shuffle()"),
    ],
)
def test_what_is_missing_is_named(expression: str, feature: str) -> None:
    """What cannot be evaluated here never becomes an empty outcome."""
    with pytest.raises(PathNotSupported, match="not supported") as caught:
        fhirpath.compile(expression, "Patient")
    assert caught.value.feature == feature
    assert isinstance(caught.value, NotSupported)
    assert caught.value.issues[0].code == "not-supported"


def test_variables_of_the_caller_are_announced() -> None:
    """A name that the hooks announce compiles; without its value the evaluation says so."""
    hooks = Hooks(variables=frozenset(("limit",)))
    expression = fhirpath.compile("multipleBirth < %limit", "Patient", hooks=hooks)
    patient = {"resourceType": "Patient", "multipleBirthInteger": 2}
    assert expression.boolean(patient, variables={"limit": 3}) is True
    assert expression.boolean(patient, variables={"limit": [1]}) is False
    assert expression.boolean(patient, variables={"limit": None}) is None
    with pytest.raises(EvaluationError, match="%limit"):
        expression.boolean(patient)
    with pytest.raises(PathSemanticError):
        fhirpath.compile("defineVariable('limit', 1)", "Patient", hooks=hooks)
