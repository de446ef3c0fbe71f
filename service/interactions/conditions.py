"""Conditions of a write: criteria that name a resource, and the version that it must have.

https://hl7.org/fhir/R5/http.html#cond-update and https://hl7.org/fhir/R5/http.html#concurrency. A condition is looked
at twice: here, to prepare the write, and as a guard by the writer, so that nothing can come in between. Where something
did, the interaction starts again.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from service.errors import Conflict, Invalid, PreconditionFailed
from service.interactions.engine import Engine
from service.search.parse import Pairs, parse_criteria
from service.search.query import Ids, Query
from service.store.base import Change, Committed, Guard, GuardFailed, Matches, Version, VersionIs

ATTEMPTS: Final = 20
_VERSION: Final = re.compile(r"[1-9][0-9]{0,8}")
_ETAG: Final = re.compile(r'(?:W/)?"([^"]*)"')

T = TypeVar("T")


async def find_one(engine: Engine, type_: str, criteria: Pairs) -> tuple[Query, Version | None]:
    """Return the query of the criteria and the one resource that matches, or None.

    Raises :class:`PreconditionFailed` where several do.
    """
    query = parse_criteria(engine.catalogue, type_, criteria, engine.context)
    found = await engine.store.search(query, limit=2)
    if len(found) > 1:
        raise PreconditionFailed(f"More than one {type_} meets the criteria.", code="multiple-matches")
    return query, found[0] if found else None


def matches(query: Query, *versions: Version) -> Matches:
    """Return the guard that exactly these resources still meet the criteria."""
    return Matches(query, frozenset(f"{version.type}/{version.id}" for version in versions))


async def unused(engine: Engine, type_: str, id_: str) -> list[Guard]:
    """Return the guard that an id is not in use; raises :class:`Conflict` where it is."""
    current = await engine.store.read(type_, id_)
    if current is not None and current.json is not None:
        raise Conflict(f"No {type_} meets the criteria, but {type_}/{id_} exists.", expression="id")
    return [VersionIs(type_, id_, None)]


def parse_if_match(text: str) -> int:
    """Return the version that an ``If-Match`` header names; raises :class:`Invalid`."""
    found = _ETAG.fullmatch(text.strip())
    if found is None:
        raise Invalid(f'If-Match is one version, as W/"3", or *, not {text}.', expression="If-Match")
    # A version id that is no number here, or one written otherwise, is well-formed and never current.
    return int(found[1]) if _VERSION.fullmatch(found[1]) else -1


def version_guard(type_: str, id_: str, if_match: str | None, *, absent: bool = False) -> list[Guard]:
    """Return the guards of an ``If-Match`` header, and of ``If-None-Match: *`` (``absent``).

    ``If-Match: *`` is met by any current version (RFC 9110, 13.1.1).
    """
    guards: list[Guard] = []
    if if_match is not None and if_match.strip() == "*":
        guards.append(Matches(Query((type_,), Ids((id_,))), frozenset({f"{type_}/{id_}"})))
    elif if_match is not None:
        guards.append(VersionIs(type_, id_, parse_if_match(if_match)))
    if absent:
        guards.append(VersionIs(type_, id_, None))
    return guards


def refusal(guard: Guard) -> PreconditionFailed:
    """Return what a client is told whose condition does not hold."""
    if isinstance(guard, VersionIs) and guard.version is None:
        return PreconditionFailed(f"{guard.type}/{guard.id} exists already.", expression="If-None-Match")
    if isinstance(guard, Matches):
        return PreconditionFailed(f"{' and '.join(guard.expected)} does not exist.", expression="If-Match")
    return PreconditionFailed("The version that If-Match names is not the current one.", expression="If-Match")


async def commit_one(engine: Engine, change: Change, client: Sequence[Guard], own: Sequence[Guard] = ()) -> Committed:
    """Commit one change; see :func:`commit`."""
    return (await commit(engine, [change], client, own))[0]


async def commit(
    engine: Engine, changes: Sequence[Change], client: Sequence[Guard], own: Sequence[Guard] = ()
) -> list[Committed]:
    """Commit under the client's guards and those of the interaction itself.

    Raises :class:`PreconditionFailed` where one of the client's does not hold, and lets :class:`GuardFailed` pass for
    the interaction's own: the registry has changed since it looked.
    """
    try:
        return await engine.commit(changes, [*client, *own])
    except GuardFailed as failed:
        if failed.guard in client:
            raise refusal(failed.guard) from None
        raise


async def until_settled(attempt: Callable[[], Awaitable[T]]) -> T:
    """Run an attempt again for as long as another write comes in between.

    Raises :class:`Conflict` after :data:`ATTEMPTS`.
    """
    for _ in range(ATTEMPTS):
        try:
            return await attempt()
        except GuardFailed:
            continue
    raise Conflict("Other writes to the same resources keep coming in between; try again.", code="transient")
