"""search: of a type or of the system (https://hl7.org/fhir/R5/http.html#search)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from service.errors import Invalid
from service.interactions.engine import Engine
from service.interactions.include import LIMIT, include
from service.interactions.paging import Page, seal, unseal
from service.search.parse import Pairs, parse
from service.search.request import SearchRequest
from service.store.base import HistoryQuery, Version

COUNTED: Final = 1_000
"""How far matches are counted where the client does not ask for a total: beyond, there is none in the answer."""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A page of matches with what they bring along; how many match in all, if counted; and the next page, if any.

    ``truncated`` says that more than :data:`LIMIT` resources would have been brought along.
    """

    request: SearchRequest
    versions: list[Version]
    total: int | None
    next_page: str | None
    included: list[Version] = field(default_factory=list)
    truncated: bool = False


async def search(engine: Engine, type_: str | None, pairs: Pairs, *, lenient: bool = False) -> SearchPage:
    """Return a page of the search; raises :class:`Invalid` for a parameter that is not understood."""
    pages = [text for name, text in pairs if name == "_page"]
    if len(pages) > 1:
        raise Invalid("_page is given more than once.", expression="_page")
    asked = [pair for pair in pairs if pair[0] != "_page"]
    request = parse(engine.catalogue, type_, asked, engine.context, lenient=lenient)
    scope = f"search {type_} {request.used}"
    page = unseal(engine, pages[0], scope) if pages else await _first(engine, request)
    limit = engine.limits.page if request.count is None else min(request.count, engine.limits.largest_page)
    if request.most is not None:
        limit = min(limit, max(0, request.most - page.shown))
    if limit == 0 or request.summary == "count":
        return SearchPage(request, [], page.total, None)
    after = page.position or None
    found = await engine.store.search(request.query, page.seq, after=after, limit=limit + 1)
    shown = page.shown + limit
    following = None
    if len(found) > limit and (request.most is None or shown < request.most):
        following = seal(engine, Page(page.seq, found[limit - 1].position, page.total, shown), scope)
    matches = found[:limit]
    included = await include(engine, request.includes, matches, page.seq) if request.includes else []
    return SearchPage(request, matches, page.total, following, included[:LIMIT], len(included) > LIMIT)


async def _first(engine: Engine, request: SearchRequest) -> Page:
    seq = await seq_of(engine, request)
    if request.summary == "count" or request.total in ("accurate", "estimate"):
        return Page(seq, 0, await engine.store.count(request.query, seq))
    if request.total == "none":
        return Page(seq, 0, None)
    counted = await engine.store.count(request.query, seq, limit=COUNTED + 1)
    return Page(seq, 0, counted if counted <= COUNTED else None)


async def seq_of(engine: Engine, request: SearchRequest) -> int:
    """Return the commit at which a search is to be answered: the newest, or the last up to ``_asOf``."""
    if request.as_of is None:
        return (await engine.store.head()).seq
    return await seq_before(engine, request.as_of + 1)


async def seq_before(engine: Engine, instant: int) -> int:
    """Return the last commit before an instant in milliseconds, 0 where there is none."""
    newest = await engine.store.history(HistoryQuery(before=instant), limit=1)
    return newest[0].seq if newest else 0
