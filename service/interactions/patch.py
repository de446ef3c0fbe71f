"""patch with JSON Patch or FHIRPath Patch, also conditional.

https://hl7.org/fhir/R5/http.html#patch, https://hl7.org/fhir/R5/fhirpatch.html
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import jsonpatch
from jsonpointer import JsonPointerException

from service.errors import Invalid, NotFound, TooLarge, Unprocessable
from service.fhir import fhirpath_patch
from service.fhir.json import dumps, loads
from service.interactions.conditions import commit_one, find_one, matches, until_settled, version_guard
from service.interactions.engine import Engine, Written, existing
from service.interactions.prepare import parse_resource, prepare
from service.search.parse import Pairs
from service.store.base import Guard, Version, VersionIs

JSON_PATCH: Final = "application/json-patch+json"
Form = Literal["json", "fhirpath"]
Patcher = Callable[[Any, int], bytes]
"""From the current content, and a limit in bytes, to the text of the next; raises :class:`Unprocessable`."""

_IMPOSSIBLE: Final = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What an operation on a place that it cannot be done in ends with, beside the library's own errors."""


async def patch(
    engine: Engine,
    type_: str,
    id_: str,
    body: bytes,
    form: Form = "json",
    *,
    if_match: str | None = None,
    absent: bool = False,
) -> Written:
    """Apply a patch to the current version.

    ``absent`` is ``If-None-Match: *``, which nothing that can be patched meets.

    Raises :class:`NotFound` or :class:`Gone` where there is none, :class:`Invalid` for what is no patch, and
    :class:`Unprocessable` for one that cannot be applied or whose result is not valid.
    """
    return await change(engine, type_, id_, parse_patch(body, form), if_match=if_match, absent=absent)


async def change(
    engine: Engine, type_: str, id_: str, patcher: Patcher, *, if_match: str | None = None, absent: bool = False
) -> Written:
    """Give a resource the content that is made from its current one, however often others write in between."""

    async def attempt() -> Written:
        current = existing(await engine.store.read(type_, id_), type_, id_)
        client = version_guard(type_, id_, if_match, absent=absent)
        return await _write(engine, current, patcher, client, ())

    return await until_settled(attempt)


async def conditional_patch(
    engine: Engine,
    type_: str,
    criteria: Pairs,
    body: bytes,
    form: Form = "json",
    *,
    if_match: str | None = None,
    absent: bool = False,
) -> Written:
    """Patch the one resource that meets the criteria; raises :class:`NotFound` where none does."""
    patcher = parse_patch(body, form)

    async def attempt() -> Written:
        query, found = await find_one(engine, type_, criteria)
        if found is None:
            raise NotFound(f"No {type_} meets the criteria.")
        client = version_guard(type_, found.id, if_match, absent=absent)
        return await _write(engine, found, patcher, client, [matches(query, found)])

    return await until_settled(attempt)


def patch_of(resource: dict[str, Any]) -> tuple[Form, bytes]:
    """Return the patch that a Bundle's entry has: a FHIRPath Patch, or a Binary with a JSON Patch in it.

    Raises :class:`Invalid` where it is neither.
    """
    if resource.get("resourceType") == "Parameters":
        return "fhirpath", dumps(resource)
    media, data = resource.get("contentType"), resource.get("data")
    if resource.get("resourceType") != "Binary" or media != JSON_PATCH or not isinstance(data, str):
        raise Invalid(f"A patch in a Bundle is a Parameters resource, or a Binary of {JSON_PATCH} with data.")
    try:
        return "json", b64decode(data, validate=True)
    except ValueError:
        raise Invalid("The data of a Binary are base64.", expression="Binary.data") from None


def parse_patch(body: bytes, form: Form) -> Patcher:
    """Parse a JSON Patch (RFC 6902) or a FHIRPath Patch; raises :class:`Invalid`."""
    operations = loads(body)
    if form == "fhirpath":
        if not isinstance(operations, dict):
            raise Invalid("A FHIRPath Patch is a Parameters resource.", code="structure")
        return lambda resource, _: dumps(fhirpath_patch.apply(resource, operations))
    if not isinstance(operations, list) or not all(isinstance(operation, dict) for operation in operations):
        raise Invalid("A JSON Patch is an array of operations.", code="structure")
    try:
        parsed = jsonpatch.JsonPatch(operations)
    except (jsonpatch.JsonPatchException, JsonPointerException, TypeError) as problem:
        raise Invalid(f"This is not a JSON Patch: {problem}.", code="structure") from None
    return lambda resource, limit: _apply(parsed, resource, limit)


async def _write(
    engine: Engine,
    current: Version,
    patcher: Patcher,
    client: Sequence[Guard],
    own: Sequence[Guard],
) -> Written:
    patched = patcher(loads(current.json or b""), engine.limits.resource_size)
    document = parse_resource(engine, patched, current.type)
    if document.data.get("id") != current.id:
        raise Unprocessable("A patch cannot change a resource's id.", expression="id")
    prepared = await prepare(engine, document, current.id, "PATCH")
    unchanged_since = VersionIs(current.type, current.id, current.version)
    committed = await commit_one(engine, prepared.change, client, [*own, unchanged_since])
    return prepared.written(committed)


def _apply(operations: jsonpatch.JsonPatch, resource: Any, limit: int) -> bytes:  # noqa: ANN401  # any JSON value
    try:
        for operation in operations.patch:
            resource = jsonpatch.JsonPatch([operation]).apply(resource, in_place=True)
            if operation["op"] == "copy":  # thirty of them, each of the whole, would make a thousand million
                _refuse_too_large(len(dumps(resource)), limit)
        return dumps(resource)
    except (jsonpatch.JsonPatchException, JsonPointerException, *_IMPOSSIBLE) as problem:
        raise Unprocessable(f"The patch cannot be applied: {problem}.") from None


def _refuse_too_large(size: int, limit: int) -> None:
    if size > limit:
        raise TooLarge(f"The patched resource has {size} bytes; the limit is {limit}.")
