"""What a search brings along: ``_include`` and ``_revinclude`` (https://hl7.org/fhir/R5/search.html#include)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from service.fhir.json import loads
from service.interactions.engine import Engine
from service.search.index import values
from service.search.query import And, Or, Predicate, Query, Term, Types
from service.search.request import Include
from service.search.types.reference import CANONICAL, CANONICALS, NAMES, names
from service.store.base import Version

LIMIT: Final = 1000
"""Resources that a page brings along at the most."""
ROUNDS: Final = 20
"""Times that ``:iterate`` goes on from what was brought along."""

Key = tuple[str, str]


async def include(engine: Engine, includes: Sequence[Include], matches: Sequence[Version], seq: int) -> list[Version]:
    """Return the resources that the includes lead to from the matches, each once and none that is a match.

    Never more than :data:`LIMIT` + 1: one more than the limit says that there would be more.
    """
    found: dict[Key, Version] = {}
    known = {(version.type, version.id) for version in matches}
    latest: Sequence[Version] = matches
    for round_ in range(ROUNDS):
        step = includes if round_ == 0 else [each for each in includes if each.iterate]
        new: dict[Key, Version] = {}
        for each in step:
            for version in await _follow(engine, each, latest, seq):
                if (version.type, version.id) not in known and version.json is not None:
                    new[version.type, version.id] = version
        known |= new.keys()
        found |= new
        if not new or len(found) > LIMIT:
            break
        latest = list(new.values())
    return list(found.values())[: LIMIT + 1]


async def _follow(engine: Engine, include_: Include, versions: Sequence[Version], seq: int) -> Iterable[Version]:
    if include_.reverse:
        return await _back(engine, include_, [v for v in versions if include_.target in (None, v.type)], seq)
    keys: dict[Key, None] = {}
    canonicals: dict[Predicate, None] = {}
    for version in versions:
        if version.type != include_.type or version.json is None:
            continue
        resource = loads(version.json)
        for parameter in include_.parameters:
            for _, value in values(resource, parameter):
                if (key := _literal(engine, value)) is not None and include_.target in (None, key[0]):
                    keys[key] = None
                elif isinstance(value, str):
                    named = Term(NAMES, value.partition("#")[0])
                    targets = (include_.target,) if include_.target else parameter.targets
                    canonicals[And((Types(targets), named)) if targets else named] = None
    found = list((await engine.store.read_many(list(keys), seq)).values())
    if canonicals:
        found += await engine.store.search(Query((), Or(tuple(canonicals))), seq, limit=LIMIT + 1)
    return found


async def _back(engine: Engine, include_: Include, targets: Sequence[Version], seq: int) -> Sequence[Version]:
    """What points to one of these: to its place, or as a canonical to its URL and, where it names one, its version."""
    places = {f"{target.type}/{target.id}" for target in targets}
    alternatives = [Term(parameter.key, place) for parameter in include_.parameters for place in places]
    canonicals = [parameter for parameter in include_.parameters if not parameter.types.isdisjoint(CANONICALS)]
    if canonicals:
        called = {row.value for target in targets for row in names(loads(target.json or b"{}"))}
        alternatives += [Term(parameter.key + CANONICAL, name) for parameter in canonicals for name in called]
    if not alternatives:
        return []
    return await engine.store.search(Query((include_.type,), Or(tuple(alternatives))), seq, limit=LIMIT + 1)


def _literal(engine: Engine, value: Any) -> Key | None:  # noqa: ANN401  # any JSON value
    """The resource of this server that a Reference or CodeableReference names."""
    while isinstance(value, dict):
        value = value.get("reference")
    literal = engine.local(value)
    return None if literal is None else (literal.type, literal.id)
