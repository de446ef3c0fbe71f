"""The compiled expression as its callers know it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from service.fhir import fhirpath
from service.fhir.fhirpath import EvaluationError, Node
from service.fhir.fhirpath.equality import key
from tests.unit.fhir.fhirpath.evaluating import OBSERVATION, PATIENT

PLAIN = [
    "Patient.id",
    "Patient.name",
    "Patient.name.given",
    "Patient.name.given | Patient.name.family",
    "Patient.identifier | Observation.identifier",
    "Patient.deceased",
    "Patient.deceased.ofType(boolean)",
    "Patient.birthDate",
    "Patient.gender",
    "Patient.telecom.where(system = 'email')",
    "Patient.telecom.where(system = 'email' or value = '1').value",
    "Patient.telecom.where(rank.exists().not()).value",
    "Patient.name.where(given.exists() and family.empty()).use",
    "Patient.generalPractitioner.where(resolve() is Practitioner)",
    "Patient.generalPractitioner.where(resolve() is PractitionerRole)",
    "Patient.managingOrganization.where(resolve() is Organization)",
    "Patient.managingOrganization | Patient.managingOrganization",
    "Patient.extension('http://example.org/colour').value",
    "Patient.name.first().family",
    "(Patient.deceased as boolean)",
    "Patient.name.first().given.first()",
    "Patient.contained.name",
    "Patient.active | Patient.multipleBirth",
    "Patient.communication.language.coding",
]

CONDITIONS = [
    "name.exists()",
    "name.empty() or telecom.exists()",
    "gender.exists()",
    "gender.empty()",
    "birthDate.hasValue()",
    "gender.hasValue()",
    "gender = 'male'",
    "id = 'p' and active",
    "id != 'p'",
    "language = 'de'",
    "active = true",
    "active implies photo.exists()",
    "active xor photo.exists()",
    "(id in ('p' | 'q')) and language in ('a' | 'b')",
    "name.all(given.exists())",
    "name.exists(family = 'Lind' and use != 'old')",
    "name.count() > 1",
    "photo.count() = 0",
    "photo.exists() = contact.exists()",
    "photo.exists() != name.exists()",
    "maritalStatus.text.exists() or name.family.exists()",
    "(photo | name).exists()",
    "id.startsWith('p') and id.matches('^[a-z]$')",
    "language.contains('e')",
    "gender.startsWith('m')",
    "hasValue() or (children().count() > id.count())",
    "managingOrganization.reference.startsWith('#')",
    "managingOrganization.identifier.system = %ucum",
    "true and name.exists().not()",
    "active",
]


@pytest.mark.parametrize("expression", PLAIN)
def test_the_fast_form_gives_what_the_nodes_give(expression: str) -> None:
    """Values without nodes are the same values, of the same types."""
    compiled = fhirpath.compile(expression, "Patient")
    found = [(node.type, node.value) for node in compiled(PATIENT) if node.value is not None]
    assert compiled.typed(PATIENT) == found
    assert compiled.values(PATIENT) == [value for _, value in found]


@pytest.mark.parametrize("expression", CONDITIONS)
def test_the_fast_form_of_a_condition_gives_what_the_nodes_give(expression: str) -> None:
    """True, false or unknown, with nodes and without."""
    compiled = fhirpath.compile(expression, "Patient")
    by_nodes = fhirpath.compile(f"({expression}).select($this)", "Patient")
    empty: dict[str, Any] = {"resourceType": "Patient"}
    assert compiled._condition is not None
    assert by_nodes._condition is None
    for resource in (PATIENT, empty):
        assert compiled.boolean(resource) == by_nodes.boolean(resource)


def test_plain_paths_need_no_nodes() -> None:
    """Nearly every path above has a fast form; those that cannot have one say why."""
    slow = {text for text in PLAIN if fhirpath.compile(text, "Patient").extract is None}
    assert slow == {
        "Patient.name.first().given.first()",  # the first item may be a primitive without a value
        "Patient.contained.name",  # only the data tell the type
    }


def test_a_union_keeps_one_of_equals() -> None:
    """Two ways to write the same moment, amount or object are one value; different ones stay."""
    resource = {
        "resourceType": "Patient",
        "name": [{"given": ["a", "a"], "family": "a"}, {"given": ["b"]}, {"given": ["b"]}],
        "link": [{"other": {"reference": "Patient/1"}}, {"other": {"reference": "Patient/1"}}],
    }
    for expression, expected in (
        ("name.given | name.family", ["a", "b"]),
        ("name | name", [resource["name"][0], {"given": ["b"]}]),
        ("link.other | link.other", [{"reference": "Patient/1"}]),
    ):
        compiled = fhirpath.compile(expression, "Patient")
        assert compiled.values(resource) == [node.value for node in compiled(resource)] == expected
    times = {
        "resourceType": "Observation",
        "effectiveInstant": "2020-01-01T10:00:00Z",
        "issued": "2020-01-01T11:00:00+01:00",
    }
    both = fhirpath.compile("Observation.effective.ofType(instant) | Observation.issued", "Observation")
    assert both.values(times) == ["2020-01-01T10:00:00Z"]


def test_many_values_are_told_apart_by_key() -> None:
    """A long list is made distinct without comparing every pair."""
    resource = {"resourceType": "Patient", "name": [{"family": str(n % 20)} for n in range(100)]}
    compiled = fhirpath.compile("name.family | name.text", "Patient")
    assert compiled.values(resource) == [str(n) for n in range(20)]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Node(1, "integer"), Node(1, "System.Integer"), True),
        (Node(True, "boolean"), Node(1, "integer"), False),
        (Node({"a": True}, "HumanName"), Node({"a": 1}, "HumanName"), False),
        (Node("a", "code"), Node("a", "string"), True),
        (Node({"a": [1, 2]}, "HumanName"), Node({"a": [2, 1]}, "HumanName"), False),
        (Node("2020", "date"), Node("2020", "dateTime"), True),
        (Node("2020", "date"), Node("2020-01", "date"), False),
        (Node(None, "code", {"id": "x"}), Node(None, "code", {"id": "x"}), True),
        (Node(None, "code", {"id": "x"}), Node(None, "code", {"id": "y"}), False),
    ],
)
def test_keys_agree_with_equality(one: Node, other: Node, same: bool) -> None:
    """Equal nodes have equal keys, and only those."""
    assert (key(one) == key(other)) is same


def test_boolean() -> None:
    """A condition is true, false or unknown; a single item that is no boolean is true; several are an error."""
    assert fhirpath.compile("active", "Patient").boolean(PATIENT) is True
    assert fhirpath.compile("photo", "Patient").boolean(PATIENT) is None
    assert fhirpath.compile("id", "Patient").boolean(PATIENT) is True
    assert fhirpath.compile("deceased", "Patient").boolean(PATIENT) is False
    with pytest.raises(EvaluationError):
        fhirpath.compile("name", "Patient").boolean(PATIENT)


def test_a_condition_on_an_element() -> None:
    """An invariant is evaluated on an element, with or without a fast form."""
    telecom = Node(PATIENT["telecom"][0], "ContactPoint")
    assert fhirpath.compile("value.empty() or system.exists()", "ContactPoint").boolean(PATIENT, telecom) is True
    assert fhirpath.compile("%resource.active and value = '2'", "ContactPoint").boolean(PATIENT, telecom) is False
    assert fhirpath.compile("system.exists()", "ContactPoint").boolean(PATIENT, Node(5, "ContactPoint")) is False


def test_the_wrong_structure_falls_back_to_nodes() -> None:
    """A resource that is not what its type promises still gets the answer that the nodes give."""
    broken: dict[str, Any] = {"resourceType": "Patient", "name": [5, {"family": "Lind"}], "telecom": 7}
    assert fhirpath.compile("name.family", "Patient").values(broken) == ["Lind"]
    assert fhirpath.compile("name.family", "Patient").typed(broken) == [("string", "Lind")]
    assert fhirpath.compile("name.exists(family = 'Lind')", "Patient").boolean(broken) is True
    assert (
        fhirpath.compile("status in ('a' | 'b')", "Observation").boolean(
            {"resourceType": "Observation", "status": ["a"]}
        )
        is True
    )


def test_another_type_than_the_expected_one_is_no_surprise() -> None:
    """An expression that was compiled for one type can be asked about another."""
    expression = fhirpath.compile("Patient.id | Observation.status", "Patient")
    assert expression.values(OBSERVATION) == []
    assert fhirpath.compile("Patient.id | Observation.status").values(OBSERVATION) == ["final"]


def test_an_expression_is_compiled_once_and_shared() -> None:
    """The same text for the same type is the same object, and threads do not get into each other's way."""
    text = "name.select(defineVariable('n', given.count()).select(%n + $index)).aggregate($total + $this, 0)"
    expression = fhirpath.compile(text, "Patient")
    assert fhirpath.compile(text, "Patient") is expression
    assert "aggregate" in repr(expression)
    resources = [{"resourceType": "Patient", "name": [{"given": ["x"] * n}]} for n in range(50)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda resource: expression.values(resource), resources * 20))
    assert outcomes == [[n] for n in range(50)] * 20


def test_nothing_is_changed_by_an_evaluation() -> None:
    """Resources and outcomes are never written to."""
    before = repr(PATIENT)
    expression = fhirpath.compile("name.given.union('x').combine('y').sort().distinct()", "Patient")
    assert [node.value for node in expression(PATIENT)] == [node.value for node in expression(PATIENT)]
    assert repr(PATIENT) == before
    assert fhirpath.compile("true").values(PATIENT) == [True]


def test_what_is_known_beforehand() -> None:
    """The types that an expression can find are known when it is compiled, as far as the definitions tell."""
    assert _types("name.given") == {"string"}
    assert _types("deceased") == {"boolean", "dateTime"}
    assert fhirpath.compile("Observation.status", "Patient").static.empty
    assert _types("children()") == set()
    assert fhirpath.compile("children()", "Patient").static.types is None
    assert _types("birthDate + 1 day") == {"System.Date"}


def _types(expression: str) -> set[str]:
    return set(fhirpath.compile(expression, "Patient").static.types or ())
