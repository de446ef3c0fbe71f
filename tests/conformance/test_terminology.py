"""Our terminology against the packages of the specification."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import pytest

from service.fhir.definitions import required_value_sets
from service.fhir.json import loads
from service.terminology.core import core_library
from service.terminology.service import TerminologyService
from service.terminology.translation import Coded, Translator, Wanted
from tests.conformance.packages import resource_files

Json = dict[str, Any]
Codes = set[tuple[str, str]]

FHIR = "http://hl7.org/fhir/ValueSet/"
KNOWN = TerminologyService(core_library())

MORE = {
    FHIR
    + "all-languages": "the expansion lists nothing of a grammar; the languages that other value sets list are known",
    FHIR
    + "mimetypes": "the expansion lists nothing of a grammar; the media types that other value sets list are known",
}
"""Value sets of which we list codes that the official expansion does not have, and why."""
LESS = {
    FHIR + "consent-category": "it uses a value set of THO, and its expansion is marked as one that may be cut",
    FHIR + "referencerange-appliesto": "the same",
    FHIR + "use-context": "value sets of THO and SNOMED CT that are not in the packages",
}
"""Value sets of which we lack codes of systems that are known here, and why."""
CANNOT = {
    "http://snomed.info/sct": "SNOMED CT",
    "http://loinc.org": "LOINC",
    "http://www.whocc.no/atc": "ATC",
    "http://hl7.org/fhir/sid/icd-10": "ICD-10",
    "http://nucc.org/provider-taxonomy": "the provider taxonomy of NUCC",
    "urn:iso:std:iso:11073:10101": "the nomenclature of ISO 11073",
    "urn:iso:std:iso:3166:-2": "country subdivisions",
    "urn:oid:1.2.36.1.2001.1005.17": "the Australian immunisation register",
}
"""Code systems that may not be passed on, or that the packages have only by part."""


@cache
def expansions() -> dict[str, Json]:
    """The official expansions, by canonical URL."""
    resources = (loads(path.read_bytes()) for path in resource_files("hl7.fhir.r5.expansions"))
    return {resource["url"]: resource["expansion"] for resource in resources}


@cache
def core(type_: str) -> tuple[Json, ...]:
    """The resources of a type in the core package."""
    files = [path for path in resource_files("hl7.fhir.r5.core") if path.name.startswith(f"{type_}-")]
    return tuple(loads(path.read_bytes()) for path in files)


def nested(entries: Iterable[Json], key: str) -> Iterator[Json]:
    """Every entry, with what is below it."""
    for entry in entries:
        yield entry
        yield from nested(entry.get(key, ()), key)


def official(url: str) -> Codes:
    """The codes of an official expansion."""
    return {(entry["system"], entry["code"]) for entry in nested(expansions()[url].get("contains", ()), "contains")}


def ours(url: str) -> Codes:
    """The codes that are surely in a value set."""
    return {(each.system.url, each.concept.code) for each in KNOWN.members(url)}


def test_every_value_set_is_composed() -> None:
    """Each of the value sets of R5, and those beside them that it is made of, can be followed."""
    assert {each["url"] for each in core("ValueSet")} <= {each["url"] for each in core_library().of_type("ValueSet")}
    for each in core_library().of_type("ValueSet"):
        KNOWN.members(each["url"])


def test_whole_expansions_are_the_same() -> None:
    """What can be listed here as a whole has exactly the codes of the official expansion."""
    compared = 0
    for url in expansions():
        if not KNOWN.members(url).gaps:
            assert ours(url) == official(url), url
            compared += 1
    assert compared >= 680


def test_other_expansions_are_a_part() -> None:
    """What cannot be listed as a whole lacks codes for a reason that is known by name, and has no others."""
    unexplained = {}
    for url in expansions():
        members = KNOWN.members(url)
        if not members.gaps:
            continue
        if url not in MORE:
            assert ours(url) <= official(url), url
        missing = {system for system, _ in official(url) - ours(url)}
        if missing - CANNOT.keys() and url not in LESS:
            unexplained[url] = missing - CANNOT.keys()
        # A code that the official expansion has is never called wrong here.
        wrong = [code for code in official(url) if members.has(*code) is False]
        assert wrong == [], url
    assert unexplained == {}
    assert {url for url in MORE if ours(url) <= official(url)} == set()
    assert {url for url in LESS if not {s for s, _ in official(url) - ours(url)} - CANNOT.keys()} == set()


def test_abstract_and_inactive_codes_are_marked_alike() -> None:
    """A code that the official expansion marks as abstract cannot be used here either."""
    for url, expansion in expansions().items():
        members = KNOWN.members(url)
        for entry in nested(expansion.get("contains", ()), "contains"):
            found = members.find(entry["system"], entry["code"])
            if found is not None and entry.get("abstract"):
                assert found.verdict.result is False, (url, entry)
            if found is not None and entry.get("inactive"):
                assert found.concept.inactive, (url, entry)


def test_required_bindings_agree() -> None:
    """The table of required bindings and the terminology say the same of each code in a closed value set."""
    different = set()
    for url, listed in required_value_sets().items():
        for system, codes in listed.systems.items():
            wrong = [code for code in codes if KNOWN.in_value_set(url, system, code).result is not True]
            if wrong:
                different.add(url)
        if listed.open is None and not KNOWN.members(url).gaps:
            more = {each.key for each in KNOWN.members(url) if each.verdict.result} - {
                (system, code) for system, codes in listed.systems.items() for code in codes
            }
            assert more == set(), url
    assert different == set()


def test_code_systems_are_whole() -> None:
    """Each code system of the core package has all its codes, displays and levels."""
    for resource in core("CodeSystem"):
        if resource["content"] in ("supplement", "not-present"):
            continue
        system = KNOWN.system(resource["url"])
        assert system is not None
        concepts = list(nested(resource.get("concept", ()), "concept"))
        assert {each["code"] for each in concepts} == {each.code for each in system.concepts.values()}
        for each in concepts:
            assert system.concept(each["code"]).display == each.get("display")
            for below in each.get("concept", ()):
                assert below["code"] in system.concept(each["code"]).children


@pytest.mark.parametrize("reverse", [False, True])
def test_concept_maps_translate(reverse: bool) -> None:
    """Every statement of every official map is found, forwards and backwards."""
    library = core_library()
    translator = Translator(
        lambda url: library.find("ConceptMap", url), lambda *asked: KNOWN.in_value_set(*asked).result
    )
    told = 0
    for resource in core("ConceptMap"):
        concept_map = library.find("ConceptMap", resource["url"])
        assert concept_map is not None
        for group, entry, target in _statements(resource):
            one, other = (group.get("source"), entry["code"]), (group.get("target"), target["code"])
            if reverse:
                one, other = other, one
            matches = translator.matches(concept_map, Wanted([Coded(one[1], one[0])], reverse=reverse))
            assert other[1] in {match.concept.get("code") for match in matches}, (resource["url"], one, other)
            told += 1
    assert told > 700


def _statements(concept_map: Json) -> Iterator[tuple[Json, Json, Json]]:
    for group in concept_map["group"]:
        for entry in group["element"]:
            for target in entry.get("target", ()):
                if "code" in entry and "code" in target:
                    yield group, entry, target
