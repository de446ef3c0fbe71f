"""Every expression in the definitions of R5 compiles, and what cannot is listed with its reason."""

from __future__ import annotations

from service.fhir import definitions, fhirpath
from service.fhir.fhirpath import Hooks, PathError, PathNotSupported

NEEDS_TERMINOLOGY = {"exs-1", "opd-3"}
"""Invariants with ``memberOf``: they compile where the caller brings a terminology."""


def test_every_search_parameter_compiles_for_each_of_its_types() -> None:
    """All 1,240 search parameters, each for its base types; 13 have no expression because they are computed."""
    parameters = definitions.search_parameters()
    assert len(parameters) == 1240
    assert sum(parameter.expression is None for parameter in parameters) == 13
    for parameter in parameters:
        for base in parameter.base:
            if parameter.expression is not None:
                fhirpath.compile(parameter.expression, base)
        for component in parameter.component:
            fhirpath.compile(component.expression)


def test_nearly_every_search_parameter_has_a_fast_form() -> None:
    """An index is made of plain values: the few expressions that need nodes are known by name."""
    slow = {
        parameter.expression
        for parameter in definitions.search_parameters()
        for base in parameter.base
        if parameter.expression is not None
        and base not in ("Resource", "DomainResource")
        and len(parameter.base) == 1
        and fhirpath.compile(parameter.expression, base).extract is None
    }
    assert slow == {
        "Bundle.entry[0].resource as Composition",
        "Bundle.entry[0].resource as MessageHeader",
        "Device.serialNumber | Device.identifier.where(type='SNO')",
        "Patient.deceased.exists() and Patient.deceased != false",
        "Person.deceased.exists() and Person.deceased != false",
        "Practitioner.deceased.exists() and Practitioner.deceased != false",
        "QuestionnaireResponse.item.where(extension('http://hl7.org/fhir/StructureDefinition/"
        "questionnaireresponse-isSubject').exists()).answer.value.ofType(Reference)",
    }


def test_every_invariant_compiles_where_it_is_declared() -> None:
    """All base invariants, each for the types of the elements that declare it."""
    refused = {}
    for invariant in definitions.invariants():
        for path in invariant.paths:
            try:
                fhirpath.compile(invariant.expression, path)
            except PathNotSupported as problem:
                refused[invariant.key] = problem.feature
    assert refused == dict.fromkeys(NEEDS_TERMINOLOGY, "memberOf()")


def test_with_a_terminology_every_invariant_compiles() -> None:
    """No invariant asks for anything but a terminology."""
    hooks = Hooks(member_of=lambda _node, _value_set: None)
    compiled = [
        fhirpath.compile(invariant.expression, path, hooks=hooks)
        for invariant in definitions.invariants()
        for path in invariant.paths
    ]
    assert len(compiled) > 380


def test_no_invariant_names_an_element_that_is_not_there() -> None:
    """The definitions themselves pass in strict mode, so strict mode refuses nothing that is right."""
    hooks = Hooks(member_of=lambda _node, _value_set: None)
    refused = set()
    for invariant in definitions.invariants():
        for path in invariant.paths:
            try:
                fhirpath.compile(invariant.expression, path, strict=True, hooks=hooks)
            except PathError:
                refused.add(invariant.key)
    assert refused == set()
