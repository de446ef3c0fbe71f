"""Every store finds what a search means, for resources and searches that nobody has thought of.

Each store is compared with one and the same reference, :mod:`tests.property.search_model`, in everything that a client
sees: which resources come, in which order (ties too), on pages that lead to the end, and how many there are. What
agrees with it on both stores is the same on both.

``TRIAL_REGISTRY_PROPERTY_EXAMPLES=20000`` compares that many searches on each store; without it, a few hundred.
"""

from __future__ import annotations

import itertools
import os
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from service.compose import build_engine
from service.fhir.json import dumps, loads, parse
from service.interactions.engine import Engine
from service.interactions.prepare import prepare
from service.interactions.search import search
from service.settings import Settings
from service.store.base import Change
from tests.property.search_generated import BASE, SUFFIX, Example, Json, Pairs, Search, examples
from tests.property.search_model import Registry
from tests.support.stores import Place

SEARCHES: Final = 8
"""Searches that are asked of one set of resources."""
COMPARISONS: Final = int(os.environ.get("TRIAL_REGISTRY_PROPERTY_EXAMPLES", "480"))
ROUND: Final = 2_000
"""Searches of one store at the most: the next ones have a new one, as the stand-in for MongoDB reads all it has."""

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(1800)]

_serial = itertools.count()


@pytest.fixture
async def engine(lasting: Place) -> Engine:
    """The search over a store of each kind, on a server that knows its own URL.

    What is generated has the form of FHIR and breaks its invariants at random, which is nothing to a search.
    """
    return build_engine(await lasting.open(), Settings(base_url=BASE, validation="off"))


async def stored(engine: Engine, made: Example, serial: str) -> Registry:
    """Write the resources over what stood there before, and return the reference that has read the same JSON."""
    before = [await change(engine, resource, serial) for resource in made.former]
    now = [await change(engine, resource, serial) for resource in made.resources]
    kept = {(each.type, each.id) for each in now}
    gone = [Change(each.type, each.id, "DELETE", None) for each in before if (each.type, each.id) not in kept]
    if before:
        await engine.store.commit(before)
    written = [each.version for each in await engine.store.commit([*now, *gone])]
    # What is written with the content that it has already stays in its place.
    versions = sorted((each for each in written if each and each.json), key=lambda each: each.position)
    return Registry([loads(each.json or b"") for each in versions], BASE)


async def change(engine: Engine, resource: Json, serial: str) -> Change:
    """The change that puts a resource of an example, which must be valid."""
    document = parse(dumps(resource).decode().replace(SUFFIX, serial).encode())
    return (await prepare(engine, document, document.data["id"], "PUT")).change


async def found(engine: Engine, asked: Search) -> tuple[list[str], int | None]:
    """Return the ids of all pages, and the total of the first, which every page must repeat."""
    pairs: Pairs = [*asked.pairs, ("_total", "accurate")]
    page = await search(engine, asked.type, pairs)
    ids = [version.id for version in page.versions]
    total = page.total
    while page.next_page is not None:
        page = await search(engine, asked.type, [*pairs, ("_page", page.next_page)])
        assert page.versions, "an empty page"
        assert page.total == total
        ids += [version.id for version in page.versions]
    return ids, total


@settings(
    max_examples=-(-min(COMPARISONS, ROUND) // SEARCHES),
    deadline=None,
    phases=[phase for phase in Phase if phase is not Phase.explain],
    suppress_health_check=list(HealthCheck),
)
@given(made=examples(SEARCHES))
@pytest.mark.parametrize("round_", range(-(-COMPARISONS // ROUND)))
async def test_a_search_finds_what_it_means(engine: Engine, round_: int, made: Example) -> None:  # noqa: ARG001
    """search.html: the matches, their order, their pages and their total, as the plain reading of the JSON has them."""
    serial = f"-{next(_serial)}"
    reference = await stored(engine, made, serial)
    for each in made.searches:
        await compare(engine, reference, each.of(serial))


async def compare(engine: Engine, reference: Registry, asked: Search) -> None:
    """Ask one search of the store and of the reference."""
    ids, total = await found(engine, asked)
    expected = reference.search(asked.type, asked.pairs)
    if expected is None:  # an order that nobody defines: then it is only the matches
        unordered = [pair for pair in asked.pairs if pair[0] != "_sort"]
        expected, ids = sorted(reference.search(asked.type, unordered) or []), sorted(ids)
    assert ids == expected, asked
    assert total == len(expected), asked
