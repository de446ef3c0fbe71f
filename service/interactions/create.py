"""create, also conditional (https://hl7.org/fhir/R5/http.html#create, https://hl7.org/fhir/R5/http.html#ccreate)."""

from __future__ import annotations

import uuid

from service.interactions.conditions import commit_one, find_one, matches, until_settled
from service.interactions.engine import Engine, Written
from service.interactions.prepare import parse_resource, prepare
from service.search.parse import Pairs


async def create(engine: Engine, type_: str, body: bytes, if_none_exist: Pairs | None = None) -> Written:
    """Create a resource under a new id; an id in the body is ignored.

    With criteria: where one resource meets them it is left as it is (``unchanged``), and of two creations at once with
    the same criteria one creates and the other finds. Raises :class:`PreconditionFailed` where several meet them.
    """
    document = parse_resource(engine, body, type_)
    prepared = await prepare(engine, document, str(uuid.uuid4()), "POST")
    if if_none_exist is None:
        return prepared.written((await engine.commit([prepared.change], ()))[0])

    async def attempt() -> Written:
        query, found = await find_one(engine, type_, if_none_exist)
        if found is not None:
            return Written(found, "unchanged")
        return prepared.written(await commit_one(engine, prepared.change, (), [matches(query)]))

    return await until_settled(attempt)
