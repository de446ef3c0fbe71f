"""ResearchStudy/[id]/$everything: a study with its arms, variables, results, report, citations, parties and sites.

Defined by OperationDefinition-everything.json of the registry's package. The answer is a searchset, in pages that hold
still while others write.
"""

from __future__ import annotations

from typing import Final

from service.errors import Invalid
from service.fhir.bundle import Entry, bundle
from service.fhir.dates import interval
from service.fhir.subset import unknown_types
from service.interactions.bundles import page_links
from service.interactions.everything import STUDY
from service.interactions.everything import everything as gather
from service.interactions.paging import Page, seal, unseal
from service.operations.call import Call
from service.operations.inputs import Inputs
from service.search.parse import Pairs
from service.store.base import Version

_MATCH: Final = {"search": {"mode": "match"}}


async def everything(call: Call) -> bytes:
    """Return a page of what belongs to the study; raises :class:`NotFound` or :class:`Gone` where there is none."""
    engine, inputs, id_ = call.engine, call.inputs, call.id or ""
    types, since = _types(inputs), _since(inputs)
    count = inputs.one("_count")
    if count is not None and count < 0:
        raise Invalid(f"_count is no negative number such as {count}.", code="value", expression="_count")
    limit = engine.limits.largest_page if count is None else min(count, engine.limits.largest_page)
    used: Pairs = [(name, str(value)) for name in ("_type", "_since", "_count") for value in inputs.every(name)]
    scope = f"everything {id_} {used}"
    page_text = inputs.text("_page")
    page = unseal(engine, page_text, scope) if page_text else Page((await engine.store.head()).seq, 0, None)
    found = await gather(engine, id_, page.seq, set())
    wanted = [each for each in found if _is_wanted(each, types, since)]
    end = page.shown + limit
    following = None
    if limit and end < len(wanted):
        following = seal(engine, Page(page.seq, 0, None, end), scope)
    entries = [Entry(each.json, f"{call.base}/{each.type}/{each.id}", _MATCH) for each in wanted[page.shown : end]]
    links = page_links(f"{call.base}/{STUDY}/{id_}/$everything", [*used, *call.shown], following)
    return bundle("searchset", entries, total=len(wanted), links=links)


def _is_wanted(version: Version, types: frozenset[str], since: int) -> bool:
    return version.instant >= since and (not types or version.type in types)


def _types(inputs: Inputs) -> frozenset[str]:
    types = [type_ for text in inputs.every("_type") for type_ in text.split(",")]
    if unknown := unknown_types(types, "_type"):
        raise Invalid(unknown)
    return frozenset(types)


def _since(inputs: Inputs) -> int:
    """Return the earliest instant that is wanted, in milliseconds since the epoch."""
    text = inputs.text("_since")
    try:
        return 0 if text is None else -(-interval(text)[0] // 1000)
    except ValueError as problem:
        raise Invalid(f"_since: {problem}.", expression="_since") from None
