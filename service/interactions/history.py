"""history: of a resource, a type or the system (https://hl7.org/fhir/R5/http.html#history)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.errors import Invalid, Issue, NotFound
from service.fhir.dates import interval
from service.interactions.engine import Engine
from service.interactions.paging import Page, seal, unseal
from service.search.parse import Pairs
from service.search.request import parse_count
from service.store.base import HistoryQuery, Version


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Versions, newest first; the number of all, the parameters used, and the page after this one, if any.

    ``created`` are the positions of those that made a resource, be it anew after its deletion.
    """

    versions: list[Version]
    created: frozenset[int]
    total: int
    used: list[tuple[str, str]]
    next_page: str | None


async def history(engine: Engine, type_: str | None, id_: str | None, pairs: Pairs) -> HistoryPage:
    """Return a page of the history; parameters are ``_count``, ``_since``, ``_at`` and the page of a link.

    Raises :class:`Invalid` for any other, and :class:`NotFound` for a resource that never was.
    """
    parameters = _parse(pairs)
    used = [(name, text) for name, text in pairs if name != "_page"]
    query = _query(type_, id_, parameters)
    scope = f"history {type_} {id_} {used}"
    if "_page" in parameters:
        page = unseal(engine, parameters["_page"], scope)
    else:
        if id_ is not None and await engine.store.read(type_ or "", id_) is None:
            raise NotFound(f"{type_}/{id_} is not known here.")
        seq = (await engine.store.head()).seq
        page = Page(seq, 0, await engine.store.history_count(query, seq))
    limit = engine.limits.page
    if "_count" in parameters:
        limit = min(parse_count("_count", parameters["_count"]), engine.limits.largest_page)
    total = page.total or 0
    if limit == 0:
        return HistoryPage([], frozenset(), total, used, None)
    found = await engine.store.history(query, page.seq, before=page.position or None, limit=limit + 1)
    following = seal(engine, Page(page.seq, found[limit - 1].position, total), scope) if len(found) > limit else None
    return HistoryPage(found[:limit], await _created(engine, found, limit), total, used, following)


async def _created(engine: Engine, found: Sequence[Version], limit: int) -> frozenset[int]:
    """Return the positions of those versions, up to the limit, before which there was nothing or a deletion."""
    known = {(each.type, each.id, each.version): each for each in found}
    created: set[int] = set()
    for each in found[:limit]:
        if each.version == 1 and each.json is not None:
            created.add(each.position)
        elif each.method == "PUT":
            before = known.get((each.type, each.id, each.version - 1))
            before = before or await engine.store.read_version(each.type, each.id, each.version - 1)
            if before is not None and before.json is None:
                created.add(each.position)
    return frozenset(created)


def _parse(pairs: Pairs) -> dict[str, str]:
    parameters: dict[str, str] = {}
    issues: list[Issue] = []
    for name, text in pairs:
        if name not in {"_count", "_since", "_at", "_page"}:
            issues.append(Issue("error", "invalid", f"{name} is not a parameter of history.", (name,)))
        elif name in parameters:
            issues.append(Issue("error", "invalid", f"{name} is given more than once.", (name,)))
        parameters[name] = text
    if issues:
        raise Invalid(issues)
    return parameters


def _query(type_: str | None, id_: str | None, parameters: dict[str, str]) -> HistoryQuery:
    since = before = current_from = None
    if "_since" in parameters:
        since = -(-_interval("_since", parameters["_since"])[0] // 1000)
    if "_at" in parameters:
        start, end = _interval("_at", parameters["_at"])
        current_from, before = start // 1000, -(-end // 1000)
    return HistoryQuery(type_, id_, since, before, current_from)


def _interval(name: str, text: str) -> tuple[int, int]:
    try:
        return interval(text)
    except ValueError as problem:
        raise Invalid(f"{name}: {problem}.", expression=name) from None
