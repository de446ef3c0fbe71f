"""A sample of the official examples, found over HTTP on every store by every value that they have.

All examples, by what another engine extracts from them, are for ``python -m tools.find_by_values``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.fhir import json
from service.search.index import values
from service.search.parameters import Catalogue, Parameter
from tests.conformance.invalid_examples import broken_rules
from tests.conformance.packages import resource_files
from tests.conformance.test_examples_round_trip import TOO_LARGE
from tests.support.stores import Place
from tools.oracle import Json
from tools.value_questions import Extract, ask, client_of, indexed, questions, requests, write

EVERY = 97
"""One example of so many is in the sample."""
CATALOGUE = Catalogue()


def sample() -> Iterator[tuple[str, Json]]:
    """File name and resource of every 97th example that the server takes."""
    files = [path for path in resource_files("hl7.fhir.r5.examples") if path.name not in TOO_LARGE]
    for path in files[::EVERY]:
        resource = json.loads(path.read_bytes())
        if not broken_rules(path.name, resource):
            yield path.name, resource


def extract(file: str, resource: Json, parameter: Parameter) -> Extract:
    """What this server's own engine finds."""
    found = values(resource, parameter) if parameter.indexed else [("id", resource["id"])]
    elements = [
        [
            [pair for source in component.sources for pair in source.within(value, fhir_type)]
            for component in parameter.components
        ]
        for fhir_type, value in found
        if parameter.components
    ]
    return Extract(file, resource["resourceType"], resource["id"], parameter, () if elements else found, elements)


@pytest.mark.anyio
async def test_every_value_finds_its_resource(lasting: Place) -> None:
    """search.html#ptypes: a resource is found by each of its values, in every form, and by no other in its place."""
    content = list(sample())
    extracts = [
        extract(file, resource, parameter)
        for file, resource in content
        for parameter in indexed(CATALOGUE, resource["resourceType"])
    ]
    types = {resource["resourceType"] for _, resource in content}
    ids = {type_: frozenset(held["id"] for _, held in content if held["resourceType"] == type_) for type_ in types}
    asked = questions(extracts, ids, CATALOGUE)
    async with client_of(await lasting.open()) as client:
        assert await write(client, content) == {}
        assert [difference async for difference in ask(client, requests(asked))] == []
    assert len(asked) > 1_500
    assert {each.parameter.type for each in asked} >= {"date", "quantity", "reference", "string", "token", "uri"}
