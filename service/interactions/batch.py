"""batch: the entries of a Bundle, each for itself (https://hl7.org/fhir/R5/http.html#brules)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from service.errors import RegistryError
from service.fhir.bundle import Entry, bundle
from service.fhir.json import dumps
from service.interactions.create import create
from service.interactions.delete import conditional_delete, delete
from service.interactions.engine import Engine, Written
from service.interactions.entries import STATUS, Returns, Step, answer_error, answer_write, located, parse_entry
from service.interactions.entry_reads import Operations, answer_read
from service.interactions.patch import conditional_patch, patch, patch_of
from service.interactions.update import conditional_update, update


async def batch(
    engine: Engine, entries: Sequence[dict[str, Any]], base: str, operations: Operations, returns: Returns
) -> bytes:
    """Process the entries one after the other and return the response Bundle; each fails or succeeds alone."""
    answers = [
        await _batch_entry(engine, index, entry, base, operations, returns) for index, entry in enumerate(entries)
    ]
    return bundle("batch-response", answers)


async def _batch_entry(
    engine: Engine, index: int, entry: dict[str, Any], base: str, operations: Operations, returns: Returns
) -> Entry:
    try:
        step = parse_entry(index, entry, base)
        with located(step):
            if not step.writes:
                return await answer_read(engine, step, base, operations)
            if step.verb == "DELETE" and step.id is None:
                await conditional_delete(
                    engine, step.type or "", step.criteria, if_match=step.if_match, absent=step.if_none_match == "*"
                )
                return Entry(None, None, {"response": {"status": STATUS["deleted"]}})
            return answer_write(await _alone(engine, step), base, returns)
    except RegistryError as error:
        return answer_error(error)


async def _alone(engine: Engine, step: Step) -> Written:
    type_, id_, resource = step.type or "", step.id, step.resource or {}
    if_match, absent = step.if_match, step.if_none_match == "*"
    match step.verb:
        case "POST":
            return await create(engine, type_, dumps(resource), step.if_none_exist)
        case "PUT" if id_ is not None:
            return await update(engine, type_, id_, dumps(resource), if_match=if_match, absent=absent)
        case "PUT":
            body = dumps(resource)
            return await conditional_update(engine, type_, step.criteria, body, if_match=if_match, absent=absent)
        case "PATCH" if id_ is not None:
            form, body = patch_of(resource)
            return await patch(engine, type_, id_, body, form, if_match=if_match, absent=absent)
        case "PATCH":
            form, body = patch_of(resource)
            return await conditional_patch(engine, type_, step.criteria, body, form, if_match=if_match, absent=absent)
        case _:
            return await delete(engine, type_, id_ or "", if_match=if_match, absent=absent)
