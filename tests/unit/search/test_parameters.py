"""Which search parameters there are: https://hl7.org/fhir/R5/searchparameter-registry.html."""

from __future__ import annotations

import pytest

from service.fhir import definitions
from service.fhir.definitions import SearchParameter
from service.search.parameters import Catalogue
from service.search.sources import alternatives, implied_system, sources

CATALOGUE = Catalogue()


@pytest.mark.parametrize("type_", definitions.resource_types())
def test_every_official_parameter_is_listed(type_: str) -> None:
    """Each type has exactly the parameters that R5 defines for it, with type and URL, the special ones too."""
    official = definitions.search_parameters_for(type_)
    listed = CATALOGUE.for_type(type_)
    assert list(listed) == list(official)
    assert all((listed[code].type, listed[code].url) == (found.type, found.url) for code, found in official.items())


def test_what_is_common_has_one_key() -> None:
    """What Resource and DomainResource define is one parameter for all types, so that all can be searched at once."""
    assert set(CATALOGUE.common()) == set(definitions.search_parameters_for("Resource"))
    for code, common in CATALOGUE.common().items():
        assert common.key == f"Resource.{code}"
        assert CATALOGUE.for_type("ResearchStudy")[code].key == common.key
        assert CATALOGUE.for_type("Bundle")[code].key == common.key
    assert CATALOGUE.for_type("ResearchStudy")["status"].key == "ResearchStudy.status"


def test_what_is_not_indexed() -> None:
    """Parameters without an expression, those of what every version has, and the special ones have no rows."""
    found = {code for type_ in definitions.resource_types() for code, p in CATALOGUE.for_type(type_).items()
             if not p.indexed}  # fmt: skip
    assert found == {
        "_filter", "_has", "_id", "_in", "_lastUpdated", "_list", "_query", "_type", "contains", "form", "near",
        "packaging-cost", "packaging-cost-concept", "reason",
    }  # fmt: skip
    assert CATALOGUE.for_type("Condition").get("reason") is None
    assert not CATALOGUE.for_type("ImagingStudy")["reason"].indexed


def test_an_unknown_type_is_a_mistake() -> None:
    """Only types of R5 have parameters."""
    with pytest.raises(KeyError):
        CATALOGUE.for_type("Study")


def test_extra_parameters() -> None:
    """Definitions of the registry and of its users come on top; a later one replaces an earlier one."""
    ours = SearchParameter(
        "http://our/hr", "hazard-ratio", "number", ("Evidence",), "Evidence.statistic.quantity.value"
    )
    newer = SearchParameter("http://our/hr", "hazard-ratio", "quantity", ("Evidence",), "Evidence.statistic.quantity")
    common = SearchParameter("http://our/c", "rule", "uri", ("Resource",), "Resource.implicitRules")
    catalogue = Catalogue([ours, newer, common])
    assert catalogue.for_type("Evidence")["hazard-ratio"].type == "quantity"
    assert "hazard-ratio" not in catalogue.for_type("Group")
    assert catalogue.for_type("Patient")["rule"].key == catalogue.common()["rule"].key == "Resource.rule"
    assert catalogue.definition("http://our/hr") == newer
    assert "hazard-ratio" not in CATALOGUE.for_type("Evidence")
    assert catalogue.extra == (ours, newer, common)


@pytest.mark.parametrize(
    ("expression", "parts"),
    [
        ("A.b | C.d", ["A.b", "C.d"]),
        ("(A.b | A.c).d", ["(A.b | A.c).d"]),
        ("A.where(b = 'x|y') | C", ["A.where(b = 'x|y')", "C"]),
        ("A", ["A"]),
    ],
)
def test_the_parts_of_a_union(expression: str, parts: list[str]) -> None:
    """Only a bar at the top level separates."""
    assert alternatives(expression) == parts


def test_only_the_parts_of_the_type_are_compiled() -> None:
    """A parameter of many types keeps, for one of them, what can find something in it."""
    found = CATALOGUE.for_type("ResearchSubject")["date"].sources
    assert [source.expression.text for source in found] == ["ResearchSubject.period"]
    assert CATALOGUE.for_type("ResearchSubject")["date"].types == {"Period"}
    assert len(sources("Patient.name.family | Person.name", "Patient")) == 1


@pytest.mark.parametrize(
    ("path", "root", "system"),
    [
        ("ResearchStudy.status", "ResearchStudy", "http://hl7.org/fhir/publication-status"),
        ("Patient.telecom.use", "Patient", "http://hl7.org/fhir/contact-point-use"),
        ("Patient.contact.gender", "Patient", "http://hl7.org/fhir/administrative-gender"),
        ("(Patient.telecom.where(system = 'phone').use)", "Patient", "http://hl7.org/fhir/contact-point-use"),
        ("Questionnaire.item.item.type", "Questionnaire", "http://hl7.org/fhir/item-type"),
        ("Resource.language", "Patient", "urn:ietf:bcp:47"),
        ("contentType", "Attachment", "urn:ietf:bcp:13"),
        ("Patient.birthDate", "Patient", ""),
        ("Patient.nothing.use", "Patient", ""),
        ("Patient.birthDate.nothing", "Patient", ""),
    ],
)
def test_the_system_that_a_required_binding_implies(path: str, root: str, system: str) -> None:
    """Code: "the system is defined in the value set" (https://hl7.org/fhir/R5/search.html#token)."""
    assert implied_system(path, root) == system


def test_all_codes_of_r5_that_have_one_system_imply_it() -> None:
    """Most code parameters have a system; what is left are value sets over several systems, or over none."""
    without = {
        parameter.key
        for type_ in definitions.resource_types()
        for parameter in CATALOGUE.for_type(type_).values()
        if "code" in parameter.types and parameter.type == "token" and not parameter.implied_system
    }
    assert len(without) < 20, sorted(without)
