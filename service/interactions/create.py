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
    change, warnings = prepare(engine, document, str(uuid.uuid4()), "POST")
    if if_none_exist is None:
        committed = (await engine.commit([change], ()))[0]
        return Written(committed.version, committed.effect, warnings)

    async def attempt() -> Written:
        query, found = await find_one(engine, type_, if_none_exist)
        if found is not None:
            return Written(found, "unchanged")
        committed = await commit_one(engine, change, (), [matches(query)])
        return Written(committed.version, committed.effect, warnings)

    return await until_settled(attempt)
