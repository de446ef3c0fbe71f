"""search: of a type or of the system (https://hl7.org/fhir/R5/http.html#search)."""

from __future__ import annotations

from dataclasses import dataclass

from service.errors import Invalid
from service.interactions.engine import Engine
from service.interactions.paging import Page, seal, unseal
from service.search.parse import Pairs, SearchRequest, parse
from service.store.base import Version


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Matches in the order of the log; how many there are in all, if counted; and the page after this one, if any."""

    request: SearchRequest
    versions: list[Version]
    total: int | None
    next_page: str | None


async def search(engine: Engine, type_: str | None, pairs: Pairs, *, lenient: bool = False) -> SearchPage:
    """Return a page of the search; raises :class:`Invalid` for a parameter that is not understood."""
    pages = [text for name, text in pairs if name == "_page"]
    if len(pages) > 1:
        raise Invalid("_page is given more than once.", expression="_page")
    request = parse(type_, [pair for pair in pairs if pair[0] != "_page"], lenient=lenient)
    scope = f"search {type_} {request.used}"
    if pages:
        page = unseal(engine, pages[0], scope)
    else:
        seq = (await engine.store.head()).seq
        counted = request.total != "none" or request.summary == "count"
        page = Page(seq, 0, await engine.store.count(request.query, seq) if counted else None)
    limit = engine.limits.page if request.count is None else min(request.count, engine.limits.largest_page)
    if limit == 0 or request.summary == "count":
        return SearchPage(request, [], page.total, None)
    found = await engine.store.search(request.query, page.seq, after=page.position, limit=limit + 1)
    following = None
    if len(found) > limit:
        following = seal(engine, Page(page.seq, found[limit - 1].position, page.total), scope)
    return SearchPage(request, found[:limit], page.total, following)
