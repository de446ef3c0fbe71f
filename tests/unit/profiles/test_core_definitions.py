"""The profiles and extensions of HL7: https://hl7.org/fhir/R5/profilelist.html."""

from __future__ import annotations

from service.fhir.library import Library
from service.profiles.definition.core import core_definitions

CORE = "http://hl7.org/fhir/StructureDefinition/"


def test_a_definition_is_put_together_again() -> None:
    """The table leaves out what the rest tells; a reader gets a StructureDefinition with paths and slice names."""
    found = core_definitions().find("StructureDefinition", CORE + "bp")
    assert found is not None
    assert (found["type"], found["derivation"], found["baseDefinition"]) == (
        "Observation",
        "constraint",
        CORE + "vitalsigns",
    )
    by_id = {element["id"]: element for element in found["differential"]["element"]}
    coding = by_id["Observation.component:SystolicBP.code.coding:SBPCode"]
    assert (coding["path"], coding["sliceName"]) == ("Observation.component.code.coding", "SBPCode")
    assert by_id["Observation.component:SystolicBP.valueQuantity"]["path"] == "Observation.component.valueQuantity"


def test_definitions_are_found_by_version_and_under_others() -> None:
    """The library is one to put others before."""
    library = Library(core_definitions())
    assert library.find("StructureDefinition", CORE + "vitalsigns|5.0.0")
    assert library.find("StructureDefinition", CORE + "vitalsigns|4.0.1") is None
    assert library.find("ValueSet", CORE + "vitalsigns") is None
    library.add({"resourceType": "StructureDefinition", "url": CORE + "vitalsigns", "version": "9"})
    found = library.find("StructureDefinition", CORE + "vitalsigns")
    assert found is not None
    assert found["version"] == "9"


def test_all_definitions_can_be_listed() -> None:
    """Profiles of resources and data types, and extensions with their contexts."""
    found = list(core_definitions().of_type("StructureDefinition"))
    extensions = [definition for definition in found if definition["type"] == "Extension"]
    assert len(extensions) > 600
    assert all(definition["context"] for definition in extensions)
    assert {definition["derivation"] for definition in found} == {"constraint"}
    assert list(core_definitions().of_type("ValueSet")) == []
