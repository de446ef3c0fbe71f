"""update, also conditional (https://hl7.org/fhir/R5/http.html#update, https://hl7.org/fhir/R5/http.html#cond-update)."""

from __future__ import annotations

import uuid

from service.errors import Invalid
from service.fhir.references import is_id
from service.interactions.conditions import commit_one, find_one, matches, until_settled, unused, version_guard
from service.interactions.engine import Engine, Written
from service.interactions.prepare import parse_resource, prepare
from service.search.parse import Pairs
from service.store.base import Guard


async def update(
    engine: Engine, type_: str, id_: str, body: bytes, *, if_match: str | None = None, absent: bool = False
) -> Written:
    """Give a resource new content, or create it under this id; the same content makes no new version.

    ``absent`` is ``If-None-Match: *``. Raises :class:`Invalid` where the body's id is another, and
    :class:`PreconditionFailed` where the current version is not the one that the client names.
    """
    if not is_id(id_):
        raise Invalid(f"{id_!r} is not a resource id: 1 to 64 letters, digits, - and .", expression="id")
    document = parse_resource(engine, body, type_)
    if document.data.get("id") != id_:
        raise Invalid(f"The body's id is {document.data.get('id')!r}, the request's {id_!r}.", expression="id")
    prepared = await prepare(engine, document, id_, "PUT")
    guards = version_guard(type_, id_, if_match, absent=absent)
    return prepared.written(await commit_one(engine, prepared.change, guards))


async def conditional_update(
    engine: Engine, type_: str, criteria: Pairs, body: bytes, *, if_match: str | None = None, absent: bool = False
) -> Written:
    """Update the one resource that meets the criteria, or create it where none does.

    Raises :class:`PreconditionFailed` where several meet them, :class:`Invalid` where the body's id is not that of the
    match, and :class:`Conflict` where none meets them and the body's id is taken.
    """
    document = parse_resource(engine, body, type_)
    own_id = document.data.get("id")

    async def attempt() -> Written:
        query, found = await find_one(engine, type_, criteria)
        guards: list[Guard] = [matches(query, *([found] if found else []))]
        if found is None:
            id_ = str(uuid.uuid4()) if own_id is None else str(own_id)
            if own_id is not None:
                guards += await unused(engine, type_, id_)
        elif own_id not in (None, found.id):
            raise Invalid(f"The criteria lead to {found.id!r}, the body's id is {own_id!r}.", expression="id")
        else:
            id_ = found.id
        client = version_guard(type_, id_, if_match, absent=absent)
        prepared = await prepare(engine, document, id_, "PUT")
        return prepared.written(await commit_one(engine, prepared.change, client, guards))

    return await until_settled(attempt)
