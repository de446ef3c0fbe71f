"""$validate: what is wrong with a resource, without storing anything.

https://hl7.org/fhir/R5/resource-operation-validate.html. The answer is an OperationOutcome with status 200 whatever is
found; only an operation that is called wrongly, or a body that is no JSON at all, is an error of the request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from service.errors import Conflict, Invalid, Issue, RegistryError
from service.fhir.json import dumps, loads, open_body, parse
from service.fhir.outcome import operation_outcome
from service.interactions.engine import Engine, existing
from service.interactions.policy import FATAL
from service.operations.call import Call
from service.operations.inputs import Inputs
from service.store.base import Change, Version

Json = dict[str, Any]
Mode = Literal["create", "update", "delete", "profile"]

MODES: Final = get_args(Mode)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: of a type and an id as the level has them, and of a resource if one was sent."""

    type: str | None
    id: str | None
    resource: Json | None
    mode: str | None
    profiles: tuple[str, ...]
    contexts: tuple[Json, ...]


async def validate(call: Call) -> bytes:
    """Return the OperationOutcome of a validation at the level of the system, a type, or an instance.

    Raises :class:`Invalid` where the operation is called wrongly, and :class:`NotFound` or :class:`Gone` where a stored
    resource is asked about that is not there.
    """
    engine, inputs = call.engine, call.inputs
    request = _request(call, inputs)
    current = await engine.store.read(str(call.type), call.id) if call.id is not None else None
    issues: list[Issue] = []
    if request.mode == "delete":
        issues += _deletion(engine, request, current)
    else:
        resource = request.resource
        if resource is None:
            resource = loads(existing(current, str(call.type), str(call.id)).json or b"")
        issues += await _content(engine, resource, request)
        if request.mode == "update":
            issues += _update(request, resource, current)
        if request.mode in ("create", "update") and not _failed(issues):
            issues += _definition(engine, request, resource)
    if not _failed(issues):
        verdict = "It can be deleted." if request.mode == "delete" else "No error was found: the resource is valid."
        issues.append(Issue("information", "informational", verdict))
    return dumps(operation_outcome(issues))


def _request(call: Call, inputs: Inputs) -> Request:
    profiles = tuple(dict.fromkeys(inputs.every("profile")))
    contexts = tuple(inputs.every("usageContext"))
    request = Request(call.type, call.id, inputs.one("resource"), inputs.text("mode"), profiles, contexts)
    mode, resource = request.mode, request.resource
    if mode is not None and mode not in MODES:
        raise Invalid(f"mode is one of {', '.join(MODES)}, not {mode}.", code="code-invalid", expression="mode")
    if request.id is None and mode in ("update", "delete", "profile"):
        raise Invalid(f"mode={mode} is about one resource: it is asked at the instance level.", expression="mode")
    if mode == "profile" and (resource is not None or not request.profiles):
        raise Invalid("mode=profile checks what is stored against a profile, and takes no resource.", expression="mode")
    if resource is None and (request.id is None or mode in ("create", "update")):
        raise Invalid("There is no resource to validate.", code="required", expression="resource")
    if resource is not None and request.type not in (None, resource.get("resourceType")):
        found = resource.get("resourceType")
        raise Invalid(f"The resource is a {found}; this is the place for {request.type}.", expression="resourceType")
    return request


async def _content(engine: Engine, resource: Json, request: Request) -> list[Issue]:
    unusable = {each: reason for each in request.profiles if (reason := engine.policy.unusable(each))}
    issues = [Issue("error", "not-supported", reason, ("profile",)) for reason in unusable.values()]
    usable = [each for each in request.profiles if each not in unusable]
    return issues + await engine.policy.issues(resource, usable, engine.external, request.contexts)


def _update(request: Request, resource: Json, current: Version | None) -> list[Issue]:
    found: list[Issue] = []
    where = (f"{request.type}.id",)
    if resource.get("id") != request.id:
        text = f"The resource's id is {resource.get('id')!r}; an update of {request.id!r} would be refused."
        found.append(Issue("error", "invalid", text, where))
    if current is None or current.json is None:
        text = f"{request.type}/{request.id} does not exist; an update would create it."
        return [*found, Issue("information", "informational", text, where)]
    meta = resource.get("meta")
    version = meta.get("versionId") if isinstance(meta, dict) else None
    if version not in (None, str(current.version)):
        text = f"The resource was made from version {version}; the current one is {current.version}."
        found.append(Issue("warning", "conflict", text, (f"{request.type}.meta.versionId",)))
    return found


def _deletion(engine: Engine, request: Request, current: Version | None) -> list[Issue]:
    if current is None or current.json is None:
        text = f"{request.type}/{request.id} does not exist; to delete it would change nothing."
        return [Issue("information", "informational", text)]
    return _refusals(engine, Change(current.type, current.id, "DELETE", None))


def _definition(engine: Engine, request: Request, resource: Json) -> list[Issue]:
    """What the server would say to a definition that it has to obey from then on."""
    id_ = request.id or "new"
    return _refusals(engine, Change(str(resource["resourceType"]), id_, "PUT", open_body(parse(dumps(resource)), id_)))


def _refusals(engine: Engine, change: Change) -> list[Issue]:
    try:
        engine.parameters.check([change])
    except RegistryError as refusal:
        code = "conflict" if isinstance(refusal, Conflict) else None
        return [Issue("error", code or each.code, each.diagnostics, each.expression) for each in refusal.issues]
    return []


def _failed(issues: Sequence[Issue]) -> bool:
    return any(issue.severity in FATAL for issue in issues)
