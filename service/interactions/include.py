"""What a search brings along: ``_include`` and ``_revinclude`` (https://hl7.org/fhir/R5/search.html#include)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from service.fhir.json import loads
from service.fhir.references import parse_literal
from service.interactions.engine import Engine
from service.search.index import values
from service.search.parameters import Parameter
from service.search.query import And, Or, Predicate, Query, Term, Types
from service.search.request import Include
from service.search.types.reference import CANONICALS
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
                    canonicals.update(dict.fromkeys(_canonical(engine, parameter, include_.target, value)))
    found = list((await engine.store.read_many(list(keys), seq)).values())
    if canonicals:
        found += await engine.store.search(Query((), Or(tuple(canonicals))), seq, limit=LIMIT + 1)
    return found


async def _back(engine: Engine, include_: Include, targets: Sequence[Version], seq: int) -> list[Version]:
    """What points to one of these: to its place, or as a canonical to its url and, where it names one, its version."""
    places = {f"{target.type}/{target.id}" for target in targets}
    canonicals = [p for p in include_.parameters if not p.types.isdisjoint(CANONICALS)]
    urls: dict[str, set[str]] = {}
    for target in targets if canonicals else ():
        resource = loads(target.json or b"{}")
        if url := resource.get("url"):
            urls.setdefault(url, {url}).add(f"{url}|{resource.get('version', '')}")
    alternatives = [Term(p.key, place) for p in include_.parameters for place in places]
    alternatives += [Term(p.key, url) for p in canonicals for url in urls]
    if not alternatives:
        return []
    found = await engine.store.search(Query((include_.type,), Or(tuple(alternatives))), seq, limit=LIMIT + 1)
    if not urls:
        return found
    named = places.union(*urls.values())
    return [version for version in found if named & set(_names(engine, include_, version))]


def _names(engine: Engine, include_: Include, version: Version) -> Iterable[str]:
    """What a resource points to: places on this server and canonicals."""
    resource = loads(version.json or b"{}")
    for parameter in include_.parameters:
        for _, value in values(resource, parameter):
            if (key := _literal(engine, value)) is not None:
                yield "/".join(key)
            if isinstance(value, str):
                yield value


def _literal(engine: Engine, value: Any) -> Key | None:  # noqa: ANN401  # any JSON value
    """The resource of this server that a Reference or CodeableReference names."""
    while isinstance(value, dict):
        value = value.get("reference")
    literal = parse_literal(value) if isinstance(value, str) else None
    if literal is None or not (literal.base is None or literal.base in engine.bases):
        return None
    return literal.type, literal.id


def _canonical(engine: Engine, parameter: Parameter, target: str | None, canonical: str) -> Iterable[Predicate]:
    """What finds the resources that a canonical names: those with this url and, where it has one, this version."""
    url, _, version = canonical.partition("#")[0].partition("|")
    for type_ in (target,) if target else parameter.targets:
        known = engine.catalogue.for_type(type_)
        if "url" in known and known["url"].type == "uri":
            parts: list[Predicate] = [Types((type_,)), Term(known["url"].key, url)]
            if version and "version" in known:
                parts.append(Term(known["version"].key, version.casefold()))
            yield And(tuple(parts))
