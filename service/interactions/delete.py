"""delete, also conditional (https://hl7.org/fhir/R5/http.html#delete, https://hl7.org/fhir/R5/http.html#3.2.0.7.1)."""

from __future__ import annotations

from service.errors import PreconditionFailed
from service.interactions.conditions import commit, commit_one, matches, until_settled, version_guard
from service.interactions.engine import Engine, Written
from service.search.parse import Pairs, parse_criteria
from service.store.base import Change


async def delete(engine: Engine, type_: str, id_: str, *, if_match: str | None = None, absent: bool = False) -> Written:
    """Delete a resource; its history stays. To delete what is not there changes nothing and is no error.

    ``absent`` is ``If-None-Match: *``, which only what is not there meets.
    """
    change = Change(type_, id_, "DELETE", None)
    committed = await commit_one(engine, change, version_guard(type_, id_, if_match, absent=absent))
    return Written(committed.version, committed.effect)


async def conditional_delete(
    engine: Engine, type_: str, criteria: Pairs, *, if_match: str | None = None, absent: bool = False
) -> list[Written]:
    """Delete what meets the criteria: one resource, or as many as the setting allows.

    Raises :class:`PreconditionFailed` where more do, and nothing is deleted.
    """
    query = parse_criteria(engine.catalogue, type_, criteria, engine.context)
    limit = engine.limits.conditional_delete

    async def attempt() -> list[Written]:
        found = await engine.store.search(query, limit=limit + 1)
        if len(found) > limit:
            raise PreconditionFailed(
                f"More than {limit} {type_} meet the criteria: nothing was deleted.", code="multiple-matches"
            )
        if if_match is not None and len(found) != 1:
            raise PreconditionFailed(
                f"If-Match is about one version, and {len(found)} {type_} meet the criteria.", expression="If-Match"
            )
        client = [guard for version in found for guard in version_guard(type_, version.id, if_match, absent=absent)]
        changes = [Change(type_, version.id, "DELETE", None) for version in found]
        committed = await commit(engine, changes, client, [matches(query, *found)])
        return [Written(each.version, each.effect) for each in committed]

    return await until_settled(attempt)
