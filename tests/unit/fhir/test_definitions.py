"""The tables of the specification as the service reads them."""

from __future__ import annotations

import pytest

from service.fhir import definitions

VALUE_SETS = "http://hl7.org/fhir/ValueSet/"


def test_resource_types_are_the_concrete_ones() -> None:
    """R5 has 158 resource types; the abstract ones, of which there are no instances, are not among them."""
    types = definitions.resource_types()
    assert len(types) == 158
    assert list(types) == sorted(types)
    assert {"ResearchStudy", "Evidence", "EvidenceReport"} <= set(types)
    assert not {"Resource", "DomainResource", "CanonicalResource", "MetadataResource"} & set(types)


def test_data_types_include_the_primitive_types() -> None:
    """Everything that is no resource and may have instances is a data type."""
    assert {"Quantity", "date", "xhtml", "CodeableReference"} <= set(definitions.data_types())
    assert not {"Element", "DataType", "BackboneElement"} & set(definitions.data_types())


def test_a_type_keeps_the_order_of_its_elements() -> None:
    """XML depends on the order of elements, so the tables keep that of the specification, inherited ones first."""
    names = [element.name for element in definitions.type_definition("Resource").elements]
    assert names == ["id", "meta", "implicitRules", "language"]


def test_an_element_has_cardinality_types_and_binding() -> None:
    """What a checker needs of an element is in one record."""
    status = definitions.type_definition("ResearchStudy").by_path["ResearchStudy.status"]
    assert (status.min, status.max, status.repeats) == (1, "1", False)
    assert (status.strength, status.value_set) == ("required", VALUE_SETS + "publication-status")
    assert status.summary
    assert status.modifier


def test_a_reference_names_its_targets() -> None:
    """The permitted targets are names of resource types; a reference to anything has none."""
    site = definitions.type_definition("ResearchStudy").by_path["ResearchStudy.site"]
    assert site.types[0].targets == ("Location", "Organization", "ResearchStudy")
    anything = definitions.type_definition("List").by_path["List.entry.item"]
    assert anything.types[0].targets == ()


def test_a_choice_has_a_json_name_for_each_type() -> None:
    """``value[x]`` is written with the type's name behind it."""
    author = definitions.type_definition("Annotation").by_path["Annotation.author[x]"]
    assert author.choice
    assert list(author.json_names) == ["authorReference", "authorString"]
    text = definitions.type_definition("Annotation").by_path["Annotation.text"]
    assert list(text.json_names) == ["text"]


def test_a_content_reference_points_to_a_path() -> None:
    """A recursive element refers to the definition of an element above it."""
    item = definitions.type_definition("Questionnaire").by_path["Questionnaire.item.item"]
    assert item.content == "Questionnaire.item"
    assert item.types == ()


def test_ids_of_elements_are_strings_and_ids_of_resources_are_ids() -> None:
    """An element's id is any string without spaces, a resource's id has the narrow format of ``id``."""
    assert definitions.type_definition("Annotation").by_path["Annotation.id"].types[0].code == "string"
    assert definitions.type_definition("Patient").by_path["Patient.id"].types[0].code == "id"


def test_attributes_of_xml_are_marked() -> None:
    """In XML an element's id and an extension's url are attributes."""
    extension = definitions.type_definition("Extension").by_path
    assert extension["Extension.id"].attribute
    assert extension["Extension.url"].attribute
    assert not extension["Extension.value[x]"].attribute


def test_a_type_knows_its_children_by_path() -> None:
    """Backbone elements are found below their path."""
    group = definitions.type_definition("ResearchStudy").children["ResearchStudy.comparisonGroup"]
    assert [element.name for element in group][-4:] == ["type", "description", "intendedExposure", "observedGroup"]


def test_every_type_that_an_element_has_is_defined() -> None:
    """The tables are closed: no element has a type, target or content that they lack."""
    names = set(definitions.type_names())
    for name in names:
        definition = definitions.type_definition(name)
        for element in definition.elements:
            assert element.types or element.content in definition.by_path, element.path
            for reference in element.types:
                assert {reference.code, *reference.targets} <= names, element.path


def test_an_unknown_type_is_a_key_error() -> None:
    """Asking for what R5 does not define is an error, not an empty definition."""
    with pytest.raises(KeyError):
        definitions.type_definition("Studies")
    with pytest.raises(KeyError):
        definitions.search_parameters_for("Studies")


def test_ancestors_are_nearest_first() -> None:
    """A type's own definition is narrower than that of the types that it specialises."""
    assert definitions.ancestors("ResearchStudy") == ("DomainResource", "Resource", "Base")
    assert definitions.ancestors("Age") == ("Quantity", "DataType", "Element", "Base")


def test_search_parameters_of_a_type_include_the_inherited_ones() -> None:
    """Every resource can be searched by ``_id`` and ``_lastUpdated``, whatever its own parameters are."""
    study = definitions.search_parameters_for("ResearchStudy")
    assert {"_id", "_lastUpdated", "condition", "phase", "status"} <= set(study)
    assert "phase" not in definitions.search_parameters_for("Bundle")
    assert study["status"].expression == "ResearchStudy.status"
    assert study["status"].type == "token"


def test_the_samples_are_not_search_parameters() -> None:
    """The core package carries four search parameters that are examples; the specification has 1,240 others."""
    parameters = definitions.search_parameters()
    assert len(parameters) == 1240
    assert not [p.url for p in parameters if "/example" in p.url]


def test_a_composite_search_parameter_has_components() -> None:
    """A component has the definition of another parameter and an expression of its own."""
    composite = definitions.search_parameters_for("Observation")["code-value-quantity"]
    assert composite.type == "composite"
    assert [component.expression for component in composite.component] == ["code", "value.ofType(Quantity)"]
    assert composite.single_or


def test_a_closed_value_set_has_its_codes_by_system() -> None:
    """A version behind the canonical URL makes no difference."""
    status = definitions.required_codes(VALUE_SETS + "publication-status|5.0.0")
    assert status.open is None
    assert status.systems == {"http://hl7.org/fhir/publication-status": {"draft", "active", "retired", "unknown"}}
    assert status.codes == {"draft", "active", "retired", "unknown"}


@pytest.mark.parametrize(
    ("value_set", "grammar"),
    [
        ("mimetypes", "mime"),
        ("all-languages", "language"),
        ("currencies", "unchecked"),
        ("ucum-units", "unchecked"),
        ("timezones", "unchecked"),
    ],
)
def test_an_open_value_set_has_a_grammar_and_no_codes(value_set: str, grammar: str) -> None:
    """The expansion of an unbounded code system is never complete, so the tables do not have one."""
    codes = definitions.required_codes(VALUE_SETS + value_set)
    assert codes.open == grammar
    assert not codes.codes


def test_a_value_set_that_enumerates_codes_of_an_open_system_is_closed() -> None:
    """The units of time are seven UCUM codes, whatever else UCUM has."""
    units = definitions.required_codes(VALUE_SETS + "units-of-time")
    assert units.systems == {"http://unitsofmeasure.org": {"s", "min", "h", "d", "wk", "mo", "a"}}


def test_abstract_codes_are_not_to_be_used() -> None:
    """``question`` groups the types of questions and is none itself."""
    codes = definitions.required_codes(VALUE_SETS + "item-type").codes
    assert "choice" not in codes
    assert "question" not in codes
    assert "coding" in codes


def test_every_required_binding_has_codes_or_a_grammar() -> None:
    """There is no required binding about which nothing is known."""
    for name in definitions.type_names():
        for element in definitions.type_definition(name).elements:
            if element.strength == "required" and element.value_set:
                codes = definitions.required_codes(element.value_set)
                assert (codes.open is None) == bool(codes.codes), element.path


def test_every_invariant_that_applies_is_defined() -> None:
    """Keys in the definitions of types lead to expressions; a key with several expressions has them at other paths."""
    invariants = definitions.invariants()
    keys = {invariant.key for invariant in invariants}
    for name in definitions.type_names():
        definition = definitions.type_definition(name)
        assert set(definition.invariants) <= keys
        assert all(set(element.invariants) <= keys for element in definition.elements)
    places = [(invariant.key, path) for invariant in invariants for path in invariant.paths]
    assert len(places) == len(set(places))


def test_invariants_of_a_type_are_not_repeated_at_its_uses() -> None:
    """``ref-1`` belongs to Reference, so an element of that type does not list it."""
    assert "ref-1" in definitions.type_definition("Reference").invariants
    assert definitions.type_definition("ResearchStudy").by_path["ResearchStudy.site"].invariants == ()


def test_a_compartment_says_by_which_parameters_a_resource_belongs_to_it() -> None:
    """The five compartments of R5, each with its resource types."""
    compartments = definitions.compartments()
    assert set(compartments) == {"Device", "Encounter", "Patient", "Practitioner", "RelatedPerson"}
    assert compartments["Patient"]["ResearchSubject"] == ("subject",)


def test_the_tables_say_where_they_come_from() -> None:
    """The version of FHIR in the CapabilityStatement is that of the tables."""
    assert definitions.provenance().fhir_version == "5.0.0"
    assert "hl7.fhir.r5.core#5.0.0" in definitions.provenance().packages
