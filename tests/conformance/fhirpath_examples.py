"""The official examples as the tests of FHIRPath read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from service.fhir import definitions
from service.fhir.definitions import SearchParameter
from service.fhir.json import parse
from tests.conformance.packages import resource_files

MAX_BYTES = 40_000
"""Larger examples are mostly generated definitions: they take most of the time and show little that is new."""


def examples() -> Iterator[tuple[str, dict[str, Any]]]:
    """File name and resource of the small examples."""
    small = [path for path in resource_files("hl7.fhir.r5.examples") if path.stat().st_size <= MAX_BYTES]
    for path in small:
        yield path.name, parse(path.read_bytes()).data


def parameters_of(resource_type: str) -> list[SearchParameter]:
    """The search parameters of a type that have an expression."""
    found = definitions.search_parameters_for(resource_type).values()
    return [parameter for parameter in found if parameter.expression is not None]
