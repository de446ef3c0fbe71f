"""Every official search parameter over every official example."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from service.fhir import json
from service.search.index import rows, rows_of
from service.search.parameters import Catalogue
from service.search.rows import WordsRow
from service.search.types import kind
from service.search.types.reference import NAMES, names
from tests.conformance.packages import resource_files

CATALOGUE = Catalogue()

# Values that leave no row, by parameter type and FHIR type, and why there is nothing to find them by.
WITHOUT_ROWS = {
    ("reference", "Reference"): "to what is contained",
    ("reference", "canonical"): "to what is contained",
    ("token", "ContactPoint"): "without a value",
    ("token", "Identifier"): "without a value",
    ("date", "Timing"): "without a date",
}


@pytest.fixture(scope="module")
def examples() -> list[dict[str, Any]]:
    """All resources of the package."""
    found = [json.loads(path.read_bytes()) for path in resource_files("hl7.fhir.r5.examples")]
    return [resource for resource in found if isinstance(resource, dict) and "resourceType" in resource]


def test_every_value_of_every_parameter_is_indexed(examples: list[dict[str, Any]]) -> None:
    """Each parameter is evaluated, and each value lands in rows, unless the table says why it does not."""
    evaluations = 0
    silent: Counter[tuple[str, str]] = Counter()
    exercised: set[str] = set()
    for resource in examples:
        for parameter in CATALOGUE.for_type(resource["resourceType"]).values():
            if not parameter.indexed or parameter.words:
                continue
            evaluations += 1
            found = rows_of(resource, [parameter])
            if parameter.type == "composite":
                assert not found or found[-1] == WordsRow(parameter.present, ("",))
                continue
            values = [pair for source in parameter.sources for pair in source.typed(resource)]
            assert (WordsRow(parameter.present, ("",)) in found) is bool(values)
            exercised.update([parameter.url] if values else [])
            for type_, value in values:
                if not any(kind(parameter).rows(parameter)(type_, value)):
                    silent[parameter.type, type_] += 1
    assert set(silent) == set(WITHOUT_ROWS)
    assert sum(silent.values()) < 250
    assert evaluations > 74_000
    assert len(exercised) > 1_000


def test_all_parameters_at_once_find_what_each_finds(examples: list[dict[str, Any]]) -> None:
    """The rows of a resource are those of its parameters one by one, and of what canonicals call it."""
    for resource in examples:
        indexed = [each for each in CATALOGUE.for_type(resource["resourceType"]).values() if each.indexed]
        assert set(rows(resource, CATALOGUE)) == {*rows_of(resource, indexed), *names(resource)}


def test_no_row_of_an_example_is_written_twice(examples: list[dict[str, Any]]) -> None:
    """Rows are a set, and belong to parameters of the type; with a URL, there is also what canonicals call it."""
    for resource in examples:
        found = rows(resource, CATALOGUE)
        assert len(set(found)) == len(found)
        keys = {parameter.key for parameter in CATALOGUE.for_type(resource["resourceType"]).values()}
        others = {row.key.partition(":")[0].partition("$")[0] for row in found} - keys
        assert others == ({NAMES} if resource.get("url") else set())
