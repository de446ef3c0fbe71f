"""FHIRPath Patch: https://hl7.org/fhir/R5/fhirpatch.html."""

from __future__ import annotations

from typing import Any

import pytest

from service.errors import Unprocessable
from service.fhir.fhirpath_patch import PatchError, apply
from service.fhir.json import JsonNumber, dumps, parse

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p",
    "name": [
        {"use": "official", "given": ["Ann", "Bea", "Cid"]},
        {"use": "usual", "given": [None, "Dan"], "_given": [{"id": "x"}, None]},
    ],
    "birthDate": "1970",
    "_birthDate": {"extension": [{"url": "u", "valueCode": "c"}]},
    "deceasedBoolean": False,
    "contact": [{"gender": "male"}],
    "maritalStatus": {"text": "m"},
}


def operation(kind: str, path: str | None = None, **parts: Any) -> dict[str, Any]:
    """One operation: the parts are values (an int, a text) or whole members of a part."""
    found: list[dict[str, Any]] = [{"name": "type", "valueCode": kind}]
    if path is not None:
        found.append({"name": "path", "valueString": path})
    for name, value in parts.items():
        if isinstance(value, dict):
            found.append({"name": name, **value})
        elif isinstance(value, int):
            found.append({"name": name, "valueInteger": value})
        else:
            found.append({"name": name, "valueString": value})
    return {"name": "operation", "part": found}


def patched(*operations: Any, resource: dict[str, Any] = PATIENT) -> dict[str, Any]:
    """The resource after the operations."""
    return apply(resource, {"resourceType": "Parameters", "parameter": list(operations)})


@pytest.mark.parametrize(
    ("change", "element", "expected"),
    [
        (operation("add", "Patient", name="gender", value={"valueCode": "male"}), "gender", "male"),
        (operation("add", "Patient", name="gender", value={"valueString": "male"}), "gender", "male"),
        (operation("add", "Patient", name="multipleBirth", value={"valueInteger": 2}), "multipleBirthInteger", 2),
        (
            operation("add", "Patient", name="contact", value={"part": [{"name": "gender", "valueCode": "female"}]}),
            "contact",
            [{"gender": "male"}, {"gender": "female"}],
        ),
        (
            operation("add", "Patient", name="telecom", value={"valueContactPoint": {"value": "1"}}),
            "telecom",
            [{"value": "1"}],
        ),
        (
            operation("add", "Patient", name="contained", value={"resource": {"resourceType": "Basic", "id": "b"}}),
            "contained",
            [{"resourceType": "Basic", "id": "b"}],
        ),
        (
            operation("add", "Patient.contact[0]", name="name", value={"valueHumanName": {"family": "x"}}),
            "contact",
            [{"gender": "male", "name": {"family": "x"}}],
        ),
        (
            operation("insert", "Patient.name[0].given", index=1, value={"valueString": "Zoe"}),
            "name",
            [{"use": "official", "given": ["Ann", "Zoe", "Bea", "Cid"]}, PATIENT["name"][1]],
        ),
        (
            operation("insert", "Patient.name[1].given", index=1, value={"valueString": "Zoe"}),
            "name",
            [
                PATIENT["name"][0],
                {"use": "usual", "given": [None, "Zoe", "Dan"], "_given": [{"id": "x"}, None, None]},
            ],
        ),
        (
            operation("insert", "Patient.address", index=0, value={"valueAddress": {"city": "B"}}),
            "address",
            [{"city": "B"}],
        ),
        (
            operation("insert", "link", index=0, value={"part": [{"name": "type", "valueCode": "refer"}]}),
            "link",
            [{"type": "refer"}],
        ),
        (operation("delete", "Patient.birthDate"), "birthDate", None),
        (operation("delete", "Patient.birthDate"), "_birthDate", None),
        (operation("delete", "Patient.photo"), "photo", None),
        (operation("delete", "Patient.deceased"), "deceasedBoolean", None),
        (
            operation("delete", "Patient.name.where(use = 'usual').given[0]"),
            "name",
            [PATIENT["name"][0], {"use": "usual", "given": ["Dan"]}],
        ),
        (operation("delete", "Patient.name[1]"), "name", [PATIENT["name"][0]]),
        (operation("delete", "Patient.contact[0]"), "contact", None),
        (operation("replace", "Patient.birthDate", value={"valueDate": "1980"}), "birthDate", "1980"),
        (operation("replace", "Patient.birthDate", value={"valueDate": "1980"}), "_birthDate", None),
        (
            operation("replace", "Patient.birthDate", value={"_valueDate": {"id": "y"}}),
            "_birthDate",
            {"id": "y"},
        ),
        (operation("replace", "Patient.deceased", value={"valueDateTime": "2020"}), "deceasedDateTime", "2020"),
        (operation("replace", "Patient.deceased", value={"valueDateTime": "2020"}), "deceasedBoolean", None),
        (
            operation("replace", "Patient.name[0].given[1]", value={"valueString": "Zoe"}),
            "name",
            [{"use": "official", "given": ["Ann", "Zoe", "Cid"]}, PATIENT["name"][1]],
        ),
        (
            operation("replace", "Patient.maritalStatus", value={"part": [{"name": "text", "valueString": "n"}]}),
            "maritalStatus",
            {"text": "n"},
        ),
        (
            operation("move", "Patient.name[0].given", source=2, destination=0),
            "name",
            [{"use": "official", "given": ["Cid", "Ann", "Bea"]}, PATIENT["name"][1]],
        ),
        (
            operation("move", "Patient.name[1].given", source=0, destination=1),
            "name",
            [PATIENT["name"][0], {"use": "usual", "given": ["Dan", None], "_given": [None, {"id": "x"}]}],
        ),
        (operation("move", "Patient.name", source=0, destination=1), "name", PATIENT["name"][::-1]),
    ],
)
def test_each_operation(change: dict[str, Any], element: str, expected: object) -> None:
    """One change, one element that is different, and the given resource as it was."""
    before = dumps(PATIENT)
    outcome = patched(change)
    assert outcome.get(element) == expected
    assert dumps(PATIENT) == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "operations", "part": []}, "no parameter with the name 'operation'"),
        ({"name": "operation"}, "no parameter with the name 'operation'"),
        (5, "no parameter with the name 'operation'"),
        ({"name": "operation", "part": [5]}, "not a part with a name"),
        ({"name": "operation", "part": [{"name": "type"}]}, "'type' is missing"),
        (operation("upsert", "Patient"), "no operation 'upsert'"),
        (operation("delete", "Patient.name[0]", index=1), "has no part index"),
        (operation("delete"), "'path' is missing"),
        (operation("add", "Patient", value={"valueCode": "x"}), "'name' is missing"),
        (operation("add", "Patient", name="gender"), "'value' is missing"),
        (operation("add", "Patient", name="colour", value={"valueCode": "x"}), "has no element 'colour'"),
        (operation("add", "Patient", name="deceasedBoolean", value={"valueBoolean": True}), "has no element"),
        (operation("add", "Patient", name="birthDate", value={"valueDate": "1980"}), "already has the element"),
        (operation("add", "Patient", name="deceased", value={"valueDateTime": "1980"}), "already has the element"),
        (operation("add", "Patient.name", name="family", value={"valueString": "x"}), "2 elements instead of one"),
        (operation("add", "Patient.photo", name="title", value={"valueString": "x"}), "0 elements instead of one"),
        (operation("add", "Patient", name="gender", value={"valueInteger": 1}), "never of the type integer"),
        (operation("add", "Patient", name="gender", value={"valueCode": "a", "valueString": "b"}), "exactly one value"),
        (operation("add", "Patient", name="gender", value={"valueNothing": 1}), "is no value"),
        (operation("add", "Patient", name="gender", value={}), "exactly one value"),
        (operation("add", "Patient", name="multipleBirth", value={"valueString": "x"}), "never of the type string"),
        (operation("add", "Patient", name="multipleBirth", value={"part": [{"name": "x"}]}), "given in parts"),
        (operation("add", "Patient", name="contact", value={"part": []}), "given in parts"),
        (operation("add", "Patient", name="contact", value={"part": [{}]}), "a part has no name"),
        (operation("add", "Patient", name="contact", value={"part": [{"name": "x"}]}), "has no element 'x'"),
        (
            operation("add", "Patient", name="contact", value={"part": [{"name": "gender", "valueCode": "a"}] * 2}),
            "does not repeat",
        ),
        (operation("insert", "Patient.name", index=3, value={"valueHumanName": {}}), "beyond the 2 elements"),
        (operation("insert", "Patient.name", value={"valueHumanName": {}}), "'index' is missing"),
        (operation("insert", "Patient.name", index=-1, value={"valueHumanName": {}}), "'index' is missing"),
        (operation("insert", "Patient.birthDate", index=0, value={"valueDate": "1980"}), "is no list"),
        (operation("insert", "Patient.name.given", index=0, value={"valueString": "x"}), "more than one list"),
        (operation("insert", "Patient.name[0]", index=0, value={"valueHumanName": {}}), "part of a list"),
        (operation("insert", "Patient.photo[0]", index=0, value={"valueAttachment": {}}), "end in the name of a list"),
        (operation("insert", "Patient.photo.title", index=0, value={"valueString": "x"}), "0 elements instead of one"),
        (operation("delete", "Patient.name"), "2 elements instead of one"),
        (operation("delete", "Patient"), "resource itself"),
        (operation("delete", "Patient.name["), "cannot be used"),
        (operation("delete", "Patient.name.single()"), "cannot be used"),
        (operation("delete", "Patient.id.length()"), "not in the resource"),
        (operation("delete", "'Patient/2'.resolve().id"), "not in the resource"),
        (operation("replace", "Patient.photo", value={"valueAttachment": {}}), "0 elements instead of one"),
        (operation("replace", "Patient", value={"resource": {}}), "resource itself"),
        (operation("replace", "Patient.birthDate", value={"valueInteger": 1}), "never of the type integer"),
        (operation("move", "Patient.name", source=2, destination=0), "2 elements in 'Patient.name': 2 is beyond"),
        (operation("move", "Patient.name", source=0, destination=2), "2 is beyond"),
        (operation("move", "Patient.name", source=0), "'destination' is missing"),
    ],
)
def test_what_cannot_be_done_says_why(change: Any, reason: str) -> None:
    """An error names the operation, counted from one, and where it is in the Parameters; nothing is changed."""
    before = dumps(PATIENT)
    harmless = operation("delete", "Patient.photo")
    with pytest.raises(PatchError) as caught:
        patched(harmless, change)
    assert reason in str(caught.value)
    assert str(caught.value).startswith("Operation 2 (")
    assert caught.value.issues[0].expression == ("Parameters.parameter[1]",)
    assert isinstance(caught.value, Unprocessable)
    assert dumps(PATIENT) == before


@pytest.mark.parametrize(
    "parameters", [{}, {"resourceType": "Parameters"}, {"resourceType": "Parameters", "parameter": []}]
)
def test_a_patch_without_operations_is_none(parameters: dict[str, Any]) -> None:
    """A patch is a Parameters resource with operations in it."""
    with pytest.raises(PatchError, match="at least one operation"):
        apply(PATIENT, parameters)


@pytest.mark.parametrize(
    ("path", "element", "expected"),
    [
        ("Patient.birthDate", "_birthDate", {"extension": [{"url": "u", "valueCode": "c"}, {"url": "v"}]}),
        ("Patient.deceased", "_deceasedBoolean", {"extension": [{"url": "v"}]}),
        ("Patient.contact[0].gender", "contact", [{"gender": "male", "_gender": {"extension": [{"url": "v"}]}}]),
        (
            "Patient.name[0].given[1]",
            "name",
            [{**PATIENT["name"][0], "_given": [None, {"extension": [{"url": "v"}]}, None]}, PATIENT["name"][1]],
        ),
    ],
)
def test_a_value_gets_an_extension(path: str, element: str, expected: object) -> None:
    """The extensions of a primitive value are beside it, in step with the values of a list."""
    change = operation("add", path, name="extension", value={"part": [{"name": "url", "valueUri": "v"}]})
    assert patched(change)[element] == expected


def test_operations_build_on_each_other() -> None:
    """Each operation sees what those before it have done."""
    outcome = patched(
        operation("add", "Patient", name="contact", value={"part": [{"name": "gender", "valueCode": "female"}]}),
        operation("add", "Patient.contact[1]", name="telecom", value={"valueContactPoint": {"value": "1"}}),
        operation("replace", "Patient.contact[1].telecom[0].value", value={"valueString": "2"}),
        operation("move", "Patient.contact", source=1, destination=0),
        operation("delete", "Patient.contact[1]"),
    )
    assert outcome["contact"] == [{"gender": "female", "telecom": [{"value": "2"}]}]


def test_numbers_and_the_order_of_members_are_kept() -> None:
    """What is not touched stays as it was written, digits included; a replaced member stays in its place."""
    text = b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.00e1}}'
    outcome = patched(operation("replace", "status", value={"valueCode": "amended"}), resource=parse(text).data)
    assert dumps(outcome) == text.replace(b"final", b"amended")
    assert isinstance(outcome["valueQuantity"]["value"], JsonNumber)


def test_a_value_is_copied_into_the_resource() -> None:
    """Changing the outcome changes neither the resource nor the patch."""
    change = operation("add", "Patient", name="telecom", value={"valueContactPoint": {"value": "1"}})
    outcome = patched(change)
    outcome["telecom"][0]["value"] = "2"
    outcome["name"].clear()
    assert change["part"][3]["valueContactPoint"] == {"value": "1"}
    assert len(PATIENT["name"]) == 2
