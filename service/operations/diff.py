"""$diff: what changed between two versions of a resource, or between two resources.

Defined by OperationDefinition-diff.json of the registry's package. The answer is a FHIRPath Patch
(https://hl7.org/fhir/R5/fhirpatch.html); for people it is text.
"""

from __future__ import annotations

from service.errors import Invalid, NotFound, Unprocessable
from service.fhir.diff import Difference, patch
from service.fhir.diff import diff as compare
from service.fhir.json import dumps, loads
from service.interactions.engine import existing
from service.interactions.policy import FATAL
from service.interactions.read import read
from service.interactions.vread import vread
from service.operations.call import Call, Json
from service.profiles.base import check as check_base


async def diff(call: Call) -> bytes:
    """Return the Parameters of the patch that leads from the first to the second; see :func:`_differences`."""
    return dumps(patch(await _differences(call)))


async def diff_text(call: Call) -> str:
    """Return a line for each element that differs: - what is gone, + what is new, ~ what changed."""
    return "".join(f"{_line(each)}\n" for each in await _differences(call)) or "No difference.\n"


async def _differences(call: Call) -> list[Difference]:
    """Compare what is asked for.

    Raises :class:`NotFound` or :class:`Gone` for what is not there, and :class:`Invalid` where it is not said what to
    compare, or the types differ.
    """
    before, after = await (_versions(call) if call.id is not None else _resources(call))
    return compare(before, after)


async def _versions(call: Call) -> tuple[Json, Json]:
    type_, id_, inputs = str(call.type), str(call.id), call.inputs
    later = inputs.one("toVersion")
    if later is None:
        later = existing(await call.engine.store.read(type_, id_), type_, id_).version
    earlier = inputs.one("fromVersion")
    if earlier is None:
        if later == 1:
            raise NotFound(f"{type_}/{id_} has no version before the first.", expression="toVersion")
        earlier = later - 1
    before, after = [await vread(call.engine, type_, id_, str(number)) for number in (earlier, later)]
    return loads(before.json or b""), loads(after.json or b"")


async def _resources(call: Call) -> tuple[Json, Json]:
    first = await _resource(call, "from", "fromResource")
    return first, await _resource(call, "to", "toResource")


async def _resource(call: Call, by_name: str, inline: str) -> Json:
    inputs = call.inputs
    if inputs.exactly_one(by_name, inline) == inline:
        resource: Json = inputs.one(inline)
        problems = check_base(resource)
        if any(each.severity in FATAL for each in problems):  # what is no resource has no elements to compare
            raise Unprocessable(problems)
        return resource
    reference = inputs.text(by_name) or ""
    literal = call.engine.local(reference)
    if literal is None:
        raise Invalid(f"{reference!r} is not a resource of this server.", code="value", expression=by_name)
    if literal.version is None:
        version = await read(call.engine, literal.type, literal.id)
    else:
        version = await vread(call.engine, literal.type, literal.id, literal.version)
    found: Json = loads(version.json or b"")
    return found


def _line(difference: Difference) -> str:
    before, after = difference.before, difference.after
    if before is None:
        return f"+ {difference.element}: {after.text() if after else ''}"
    if after is None:
        return f"- {difference.element}: {before.text()}"
    return f"~ {difference.element}: {before.text()} -> {after.text()}"
