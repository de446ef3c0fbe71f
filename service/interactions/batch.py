"""batch: the entries of a Bundle, each for itself (https://hl7.org/fhir/R5/http.html#brules)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from service.errors import RegistryError
from service.fhir.bundle import Entry, bundle
from service.fhir.json import dumps
from service.interactions.create import create
from service.interactions.delete import conditional_delete, delete
from service.interactions.engine import Engine
from service.interactions.entries import STATUS, Step, answer_error, answer_read, answer_write, located, parse_entry
from service.interactions.update import conditional_update, update


async def batch(engine: Engine, entries: Sequence[dict[str, Any]], base: str) -> bytes:
    """Process the entries one after the other and return the response Bundle; each fails or succeeds alone."""
    return bundle(
        "batch-response", [await _batch_entry(engine, index, entry, base) for index, entry in enumerate(entries)]
    )


async def _batch_entry(engine: Engine, index: int, entry: dict[str, Any], base: str) -> Entry:
    try:
        step = parse_entry(index, entry, base)
        with located(step):
            return await _alone(engine, step, base)
    except RegistryError as error:
        return answer_error(error)


async def _alone(engine: Engine, step: Step, base: str) -> Entry:
    type_, body = step.type or "", dumps(step.resource)
    absent = step.if_none_match == "*"
    match step.verb:
        case "POST":
            return answer_write(await create(engine, type_, body, step.if_none_exist), base)
        case "PUT" if step.id is not None:
            return answer_write(await update(engine, type_, step.id, body, if_match=step.if_match, absent=absent), base)
        case "PUT":
            written = await conditional_update(
                engine, type_, step.criteria, body, if_match=step.if_match, absent=absent
            )
            return answer_write(written, base)
        case "DELETE" if step.id is not None:
            return answer_write(await delete(engine, type_, step.id, if_match=step.if_match, absent=absent), base)
        case "DELETE":
            await conditional_delete(engine, type_, step.criteria, if_match=step.if_match, absent=absent)
            return Entry(None, None, {"response": {"status": STATUS["deleted"]}})
        case _:
            return await answer_read(engine, step, base)
