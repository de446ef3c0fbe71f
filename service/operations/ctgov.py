"""A record of ClinicalTrials.gov into the registry: one study, one transaction.

What the record no longer has is kept and marked: ``retired``, or inactive where a type has no such status. To import
the same record again writes nothing. See ADR 11 for a study that the registry knows from elsewhere.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from service.errors import Conflict, Issue, Unprocessable
from service.fhir.json import loads
from service.interactions.engine import Engine
from service.interactions.entries import parse_entries
from service.interactions.policy import FATAL
from service.interactions.transaction import write
from service.registry import codes
from service.search.parse import parse_criteria
from service.store.base import Version

if TYPE_CHECKING:
    from service.registry.ctgov.account import Account

Json = dict[str, Any]

RETIRED: Final[Mapping[str, Json]] = {
    "Citation": {"status": "retired"},
    "Evidence": {"status": "retired"},
    "EvidenceReport": {"status": "retired"},
    "EvidenceVariable": {"status": "retired"},
    "ResearchStudy": {"status": "retired"},
    "Group": {"active": False},
    "Location": {"status": "inactive"},
}
"""How a resource of each type is marked that the record no longer has. Organizations belong to several studies."""
PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: resources by effect, those that were marked, and what could not be taken as it was."""

    nct: str
    study: str
    effects: Counter[str]
    retired: int
    account: Account
    warnings: tuple[Issue, ...] = ()


async def import_record(engine: Engine, data: Json) -> Imported:
    """Store what a record says, as one commit.

    Raises :class:`Unprocessable` for what is no record, :class:`Conflict` where two other studies have its number, and
    what the transaction raises; then nothing is stored.
    """
    # fhir.resources takes a third of a second to load: who imports waits for it, and nobody else.
    from service.registry.ctgov.build import build, nct_of
    from service.registry.ctgov.trial import own_id, source_of

    nct = nct_of(data)
    known = await _existing(engine, nct, own_id(nct))
    built = await asyncio.to_thread(build, data, known)  # seconds for a large record: others are served
    ids = {(each["resourceType"], each["id"]) for each in built.resources}
    gone = [each async for each in _gone(engine, source_of(nct), ids)]
    resources = list(built.resources)
    warnings: list[Issue] = []
    try:
        written = await _write(engine, nct, resources, gone)
    except Unprocessable:
        resources, warnings = _without_claims(engine, resources)
        written = await _write(engine, nct, resources, gone)
    retired = sum(effect == "updated" for effect in written[len(resources) :])
    effects = Counter(written[: len(resources)])
    return Imported(nct, known or own_id(nct), effects, retired, built.account, tuple(warnings))


async def _existing(engine: Engine, nct: str, own: str) -> str | None:
    """The id of the ResearchStudy that has this number and does not come from ClinicalTrials.gov."""
    criteria = [("identifier", f"{codes.NCT}|{nct}")]
    query = parse_criteria(engine.catalogue, "ResearchStudy", criteria, engine.context)
    found = await engine.store.search(query, limit=3)
    others = [each.id for each in found if each.id != own]
    if len(others) > 1:
        names = " and ".join(f"ResearchStudy/{each}" for each in others)
        raise Conflict(f"{names} have the number {nct}; a record belongs to one study.", code="multiple-matches")
    return others[0] if others else None


async def _gone(engine: Engine, source: str, ids: set[tuple[str, str]]) -> AsyncIterator[Json]:
    """Yield what earlier records of the study had and this one has not, marked as such."""
    for type_, mark in RETIRED.items():
        async for version in _from(engine, type_, source):
            if (type_, version.id) not in ids:
                yield {**loads(version.json or b""), **mark}


async def _from(engine: Engine, type_: str, source: str) -> AsyncIterator[Version]:
    query = parse_criteria(engine.catalogue, type_, [("_source", source)], engine.context)
    async for page in engine.pages(query, (await engine.store.head()).seq, PAGE):
        for version in page:
            yield version


async def _write(engine: Engine, nct: str, resources: list[Json], gone: list[Json]) -> list[str]:
    """Put all of it in one transaction; returns what became of each, in the same order."""
    entries = [_entry(each, nct) for each in resources]
    entries += [_entry(each, None) for each in gone]
    steps = parse_entries(entries, codes.BASE)
    return [each.effect for _, each in sorted((await write(engine, steps, codes.BASE)).items())]


def _entry(resource: Json, nct: str | None) -> Json:
    type_ = resource["resourceType"]
    url = f"{type_}/{resource['id']}"
    if type_ == "ResearchStudy" and nct is not None:  # by its number, so that nobody makes a second one meanwhile
        url = f"{type_}?identifier={quote(f'{codes.NCT}|{nct}')}"
    return {"resource": resource, "request": {"method": "PUT", "url": url}}


def _without_claims(engine: Engine, resources: list[Json]) -> tuple[list[Json], list[Issue]]:
    """Let what the record has wrong in without the profile that it breaks, and say so; FHIR's own rules stay."""
    kept: list[Json] = []
    warnings: list[Issue] = []
    for resource in resources:
        broken = [each for each in engine.policy.check(resource).issues if each.severity in FATAL]
        profiles = resource.get("meta", {}).get("profile")
        if broken and profiles:
            meta = {name: value for name, value in resource["meta"].items() if name != "profile"}
            name = f"{resource['resourceType']}/{resource['id']}"
            warnings += [
                Issue("warning", each.code, f"{name} does not claim its profile: {each.diagnostics}", each.expression)
                for each in broken
            ]
            kept.append({**resource, "meta": meta})
        else:
            kept.append(resource)
    return kept, warnings
