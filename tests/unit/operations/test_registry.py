"""The operations: https://hl7.org/fhir/R5/operationdefinition.html."""

from __future__ import annotations

import pytest

from service.fhir.json import loads
from service.operations.registry import LATER, OFFICIAL, OWN, operations
from service.registry.package import folder, resources
from tests.support.validation import check

DEFINITIONS = sorted(path.name for path in folder().glob("OperationDefinition-*.json"))


def test_every_operation_is_defined_and_done() -> None:
    """Each definition of the package has its code, or is answered later, and each code its definition."""
    ours = [each for each in operations() if not each.url.startswith("http://hl7.org/fhir/")]
    assert {each.code for each in ours} == OWN.keys() | LATER
    assert not OWN.keys() & LATER
    assert all(bool(each.methods) == (each.code not in LATER) for each in ours)
    official = {each.url.rpartition("/")[2] for each in operations() if each.url.startswith("http://hl7.org/fhir/")}
    assert official == set(OFFICIAL)


def test_places() -> None:
    """operations.html#defined: an operation is below the base, below a type, or below an instance, as it is defined."""
    places = {each.url.rpartition("/")[2]: each.places for each in operations()}
    assert places["reindex"] == (("/$reindex", None),)
    assert places["ValueSet-expand"] == (("/ValueSet/$expand", "ValueSet"), ("/ValueSet/{id}/$expand", "ValueSet"))


@pytest.mark.parametrize("name", DEFINITIONS)
def test_definitions_are_valid(name: str) -> None:
    """operationdefinition.html: a definition of ours obeys the rules that are checked in others."""
    assert [issue.diagnostics for issue in check(loads((folder() / name).read_bytes()))] == []


def test_methods() -> None:
    """operations.html#executing: what affects the state is asked by POST alone, or GET does something else."""
    for definition in resources("OperationDefinition"):
        if definition["code"] in LATER:
            continue
        methods = OWN[definition["code"]]
        assert "POST" in methods or not definition["affectsState"]
        assert not definition["affectsState"] or methods.get("GET") is not methods["POST"]
    official = {each.code: set(each.methods) for each in operations()}
    assert official["meta"] == {"GET", "POST"}
    assert official["meta-add"] == official["meta-delete"] == {"POST"}


def test_everywhere() -> None:
    """operations.html#defined: an operation of the system alone is one of no type, whatever its definition names."""
    everywhere = {each.code: each.everywhere for each in operations()}
    assert everywhere["versions"] == (None,)
    assert everywhere["everything"] == ("ResearchStudy",)
    assert {None, "Basic", "Evidence"} <= set(everywhere["meta"])
    assert None not in everywhere["meta-add"]
