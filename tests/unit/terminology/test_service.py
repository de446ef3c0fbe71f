"""What the service answers to a validator: https://hl7.org/fhir/R5/terminology-service.html."""

from __future__ import annotations

import pytest

from service.errors import NotFound
from service.fhir.library import Library
from service.terminology.base import Terminology
from service.terminology.core import core_library
from service.terminology.service import TerminologyService
from tests.unit.terminology.making import DISEASES, S, filtered, part, service, value_set

SET = value_set(filtered("concept", "is-a", "leukaemia"))
KNOWN = service(DISEASES, SET)
V = "http://v.test"
CORE = TerminologyService(core_library())
FHIR = "http://hl7.org/fhir/ValueSet/"


def test_it_is_a_terminology() -> None:
    """The service has what rooms above rely on."""
    answers: Terminology = KNOWN
    assert answers.in_value_set(V, S, "aml").result is True


def test_in_value_set() -> None:
    """Yes with the display, no and not known with the reason."""
    yes = KNOWN.in_value_set(V, S, "aml")
    assert (yes.result, yes.message, yes.display) == (True, None, "Acute myeloid leukaemia")
    no = KNOWN.in_value_set(V, S, "old")
    assert no.result is False
    assert "'http://s.test|old' is not in the value set http://v.test" in (no.message or "")
    assert KNOWN.in_value_set(V, "http://other.test", "aml").result is False
    for name in ("http://nowhere.test", f"{V}|2"):
        unknown = KNOWN.in_value_set(name, S, "aml")
        assert unknown.result is None
        assert name in (unknown.message or "")


def test_without_a_system() -> None:
    """An element of type code has no system: the value set implies it."""
    assert KNOWN.in_value_set(V, None, "aml").result is True
    assert KNOWN.in_value_set(V, None, "old").result is False


def test_abstract_codes_are_not_for_use() -> None:
    """A code that only groups others is in the value set and no value."""
    verdict = KNOWN.in_value_set(V, S, "leukaemia")
    assert verdict.result is False
    assert "abstract" in (verdict.message or "")
    assert KNOWN.in_code_system(S, "leukaemia").result is True


@pytest.mark.parametrize(
    "display", ["Acute myeloid leukaemia", "acute  MYELOID leukaemia ", "AML", "Akute myeloische Leukämie"]
)
def test_a_display_that_is_right(display: str) -> None:
    """The display or a designation, whatever its case and spaces."""
    assert KNOWN.in_value_set(V, S, "aml", display=display) == KNOWN.in_value_set(V, S, "aml")
    assert not KNOWN.in_code_system(S, "aml", display=display).wrong_display


def test_a_display_that_is_wrong() -> None:
    """The code is right, its text is that of another one: both are told."""
    for verdict in (KNOWN.in_value_set(V, S, "aml", display="ALL"), KNOWN.in_code_system(S, "aml", display="ALL")):
        assert (verdict.result, verdict.wrong_display, verdict.display) == (True, True, "Acute myeloid leukaemia")
        assert "'ALL' is not a display of 'aml'" in (verdict.message or "")


def test_a_display_that_cannot_be_judged() -> None:
    """Where the code system is not known, or has no texts, any display may be right."""
    foreign = value_set(part("http://snomed.info/sct", concept=[{"code": "1", "display": "One"}]), url="http://f.test")
    known = service(DISEASES, foreign)
    assert not known.in_value_set("http://f.test", "http://snomed.info/sct", "1", display="Other").wrong_display
    assert not CORE.in_code_system("http://unitsofmeasure.org", "mg", display="milligrams").wrong_display


def test_versions() -> None:
    """A version of the system that is not here is not known; one that is here must have the code."""
    assert KNOWN.in_value_set(V, S, "aml", version="1").result is True
    assert KNOWN.in_value_set(V, S, "aml", version="2").result is None
    second = {**DISEASES, "version": "0.9", "concept": [{"code": "all"}]}
    known = service(DISEASES, second, SET)
    assert known.in_value_set(V, S, "aml", version="0.9").result is False
    assert known.in_value_set(V, S, "all", version="0.9").result is True
    assert known.in_code_system(S, "aml", version="0.9").result is False
    assert known.in_code_system(S, "aml").result is True


def test_code_systems() -> None:
    """A code of a system: yes, no, or not known where the system is not here or only in part."""
    assert KNOWN.in_code_system(S, "aml").result is True
    assert KNOWN.in_code_system(S, "nothing").result is False
    assert KNOWN.in_code_system("http://snomed.info/sct", "1").result is None
    assert service({**DISEASES, "content": "fragment"}).in_code_system(S, "nothing").result is None
    assert service({**DISEASES, "content": "not-present", "concept": []}).in_code_system(S, "aml").result is None


def test_subsumption() -> None:
    """Subsumption in a known hierarchy, and not known in any other."""
    assert KNOWN.subsumes(S, "leukaemia", "apl") is True
    assert KNOWN.subsumes(S, "apl", "leukaemia") is False
    assert KNOWN.subsumes("http://snomed.info/sct", "1", "2") is None


@pytest.mark.parametrize(
    "system",
    [
        "http://snomed.info/sct",
        "http://loinc.org",
        "https://www.meddra.org",
        "http://www.nlm.nih.gov/research/umls/rxnorm",
    ],
)
def test_systems_that_cannot_be_had(system: str) -> None:
    """SNOMED CT, LOINC, MedDRA, RxNorm: no code of theirs is right or wrong here, whatever it is bound to."""
    assert CORE.in_code_system(system, "1").result is None
    assert CORE.in_value_set(f"{FHIR}condition-code", system, "1").result in (None, False)
    assert CORE.in_value_set(f"{FHIR}condition-code", "http://snomed.info/sct", "1").result is None


@pytest.mark.parametrize(
    ("value_set_", "system", "code", "expected"),
    [
        ("observation-status", None, "final", True),
        ("observation-status", "http://hl7.org/fhir/observation-status", "finished", False),
        ("marital-status", "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "M", True),
        ("marital-status", "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "UNK", True),
        ("marital-status", "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "NI", False),
        ("ucum-units", "http://unitsofmeasure.org", "mm[Hg]", True),
        ("ucum-units", "http://unitsofmeasure.org", "mmHg", False),
        ("mimetypes", None, "application/fhir+json", True),
        ("mimetypes", None, "plain text", False),
        ("all-languages", None, "de-AT", True),
        ("languages", None, "de-AT", True),
        ("iso3166-1-2", "urn:iso:std:iso:3166", "AT", True),
        ("iso3166-1-2", "urn:iso:std:iso:3166", "AUT", False),
        ("currencies", None, "EUR", True),
        ("timezones", None, "Europe/Vienna", True),
        ("item-type", None, "group", True),
        ("item-type", None, "question", False),
        ("texture-code", "http://snomed.info/sct", "228055009", True),
        ("encounter-participant-type", "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "ATND", True),
    ],
)
def test_fhir_itself(value_set_: str, system: str | None, code: str, expected: bool) -> None:
    """Value sets of R5 are known from the tables."""
    assert CORE.in_value_set(FHIR + value_set_, system, code).result is expected
    assert CORE.in_value_set(f"{FHIR}{value_set_}|5.0.0", system, code).result is expected


def test_a_change_of_the_library_takes_effect_at_once() -> None:
    """What was compiled is compiled anew when any layer changes: sets, sets that use them, systems, unknown ones."""
    library = Library(Library())
    known = TerminologyService(library)
    assert known.in_value_set(V, S, "aml").result is None
    library.add(SET)
    assert known.in_value_set(V, S, "aml").result is None
    assert library.below is not None
    library.below.add(DISEASES)
    assert known.in_value_set(V, S, "aml").result is True
    library.add(value_set({"valueSet": [V]}, url="http://outer.test"))
    assert known.in_value_set("http://outer.test", S, "aml").result is True
    library.add(value_set(part(concept=[{"code": "old"}])))
    assert known.in_value_set("http://outer.test", S, "aml").result is False
    library.remove(SET)
    assert known.in_value_set("http://outer.test", S, "aml").result is None


def test_members_of_what_is_not_known() -> None:
    """Who asks for the content of a value set that is not here is told so."""
    with pytest.raises(NotFound, match=r"http://nowhere\.test is not known"):
        KNOWN.members("http://nowhere.test")


def test_the_core_library() -> None:
    """Every code system, value set and concept map of R5 is there, once, with its type and URL."""
    library = core_library()
    for type_, least in (("CodeSystem", 448), ("ValueSet", 788), ("ConceptMap", 94)):
        found = [resource["url"] for resource in library.of_type(type_)]
        assert len(found) == len(set(found)) >= least
        assert all(resource["resourceType"] == type_ for resource in library.of_type(type_))
    generation = library.generation()
    assert library.find("CodeSystem", "http://hl7.org/fhir/observation-status|5.0.0") is not None
    assert library.find("CodeSystem", "http://hl7.org/fhir/observation-status|4.0.1") is None
    assert library.find("StructureDefinition", "http://hl7.org/fhir/StructureDefinition/Patient") is None
    assert library.generation() == generation
