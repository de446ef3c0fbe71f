"""Index rows of whole resources."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from service.fhir.dates import interval
from service.search.index import rows, rows_of
from service.search.rows import RangeRow, TermRow, WordsRow, above, below, sortable
from tests.unit.search.matching import CATALOGUE

# Parameters that no official example has a value for (tests/conformance/test_search_index.py covers the others).
STUDY: dict[str, Any] = {
    "resourceType": "ResearchStudy",
    "id": "s",
    "meta": {"tag": [{"system": "t", "code": "x"}]},
    "status": "active",
    "partOf": [{"reference": "ResearchStudy/parent"}],
    "protocol": [{"reference": "PlanDefinition/p"}],
    "region": [{"coding": [{"system": "urn:iso:std:iso:3166", "code": "DE"}]}],
    "period": {"start": "2020-01", "end": "2021"},
    "focus": [
        {"productCode": {"coding": [{"code": "drug"}]}},
        {"concept": {"coding": [{"code": "blina"}]}},
        {"reference": {"reference": "Medication/m"}},
    ],
    "recruitment": {"targetNumber": 100, "actualNumber": 97},
    "objective": [{"type": {"coding": [{"code": "primary"}]}, "description": "Survival"}],
}


def test_the_rows_of_a_study() -> None:
    """Every form of every value, a row for the presence of each parameter, and no row twice."""
    found = rows(STUDY, CATALOGUE)
    assert len(set(found)) == len(found)
    assert {row for row in found if not row.key.startswith("Resource._content")} == {
        WordsRow("Resource._tag:present", ("",)),
        TermRow("Resource._tag", "x", "t"),
        WordsRow("Resource._tag:system", ("t",)),
        WordsRow("ResearchStudy.status:present", ("",)),
        TermRow("ResearchStudy.status", "active", "http://hl7.org/fhir/publication-status"),
        WordsRow("ResearchStudy.status:system", ("http://hl7.org/fhir/publication-status",)),
        WordsRow("ResearchStudy.part-of:present", ("",)),
        TermRow("ResearchStudy.part-of", "ResearchStudy/parent"),
        WordsRow("ResearchStudy.protocol:present", ("",)),
        TermRow("ResearchStudy.protocol", "PlanDefinition/p"),
        WordsRow("ResearchStudy.region:present", ("",)),
        TermRow("ResearchStudy.region", "DE", "urn:iso:std:iso:3166"),
        TermRow("ResearchStudy.region:code", "de"),
        WordsRow("ResearchStudy.region:system", ("urn:iso:std:iso:3166",)),
        WordsRow("ResearchStudy.date:present", ("",)),
        RangeRow("ResearchStudy.date", sortable(interval("2020-01")[0]), sortable(interval("2021")[1])),
        WordsRow("ResearchStudy.focus-code:present", ("",)),
        TermRow("ResearchStudy.focus-code", "blina"),
        WordsRow("ResearchStudy.focus-reference:present", ("",)),
        TermRow("ResearchStudy.focus-reference", "Medication/m"),
        WordsRow("ResearchStudy.recruitment-target:present", ("",)),
        RangeRow("ResearchStudy.recruitment-target", below(100), above(100)),
        WordsRow("ResearchStudy.recruitment-actual:present", ("",)),
        RangeRow("ResearchStudy.recruitment-actual", below(97), above(97)),
        WordsRow("ResearchStudy.objective-type:present", ("",)),
        TermRow("ResearchStudy.objective-type", "primary"),
        WordsRow("ResearchStudy.objective-description:present", ("",)),
        TermRow("ResearchStudy.objective-description", "survival", "Survival"),
    }
    [content] = [row for row in found if row.key == "Resource._content"]
    assert isinstance(content, WordsRow)
    assert {"survival", "blina", "drug", "2020"} <= set(content.words)


def test_the_rows_of_one_parameter() -> None:
    """A new parameter is indexed alone."""
    parameter = CATALOGUE.for_type("ResearchStudy")["part-of"]
    assert rows_of(STUDY, [parameter]) == (
        WordsRow("ResearchStudy.part-of:present", ("",)),
        TermRow("ResearchStudy.part-of", "ResearchStudy/parent"),
    )


def test_references_to_this_server_are_local() -> None:
    """What is absolute but leads here is indexed as what is relative, so that chains can follow it."""
    study = {"resourceType": "ResearchStudy", "partOf": [{"reference": "https://here/fhir/ResearchStudy/p/_history/2"}]}
    parameter = CATALOGUE.for_type("ResearchStudy")["part-of"]
    assert TermRow(parameter.key, "ResearchStudy/p", "2") in rows_of(study, [parameter], ("https://here/fhir",))
    assert TermRow(parameter.key, "https://here/fhir/ResearchStudy/p", "2") in rows_of(study, [parameter])


def test_a_primitive_without_a_value_is_missing() -> None:
    """An element that has only an extension has no value to find."""
    study = {"resourceType": "ResearchStudy", "_status": {"extension": [{"url": "x", "valueCode": "y"}]}}
    assert not [row for row in rows(study, CATALOGUE) if row.key.startswith("ResearchStudy.")]


def test_one_odd_element_hides_no_other() -> None:
    """A resource that is not what its type promises keeps the rows of all parameters that can still be evaluated."""
    study = {**STUDY, "label": "no array", "relatedArtifact": "none", "result": [1]}
    assert {row for row in rows(study, CATALOGUE) if row.key != "Resource._content"} >= {
        row for row in rows(STUDY, CATALOGUE) if row.key != "Resource._content"
    }


def test_the_components_of_an_odd_element_are_found_one_by_one() -> None:
    """What cannot be evaluated in one element of a composite keeps neither it nor the others from being indexed."""
    odd = {"state": {"coding": [{"code": "active"}]}, "actual": True, "period": "2020"}
    plain = {"state": {"coding": [{"code": "closed"}]}, "actual": True}
    study = {"resourceType": "ResearchStudy", "progressStatus": [odd, plain]}
    found = rows(study, CATALOGUE)
    assert TermRow("ResearchStudy.progress-status-state-actual$0", "active", part=1) in found
    assert TermRow("ResearchStudy.progress-status-state-actual$0", "closed", part=2) in found


@given(st.decimals(allow_nan=False, allow_infinity=False), st.decimals(allow_nan=False, allow_infinity=False))
def test_cuts_lie_between_the_numbers(one: Decimal, other: Decimal) -> None:
    """The cuts around a number are below those around any greater one."""
    if one < other:
        assert below(one) < above(one) < below(other) < above(other)
