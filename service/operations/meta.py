"""$meta, $meta-add and $meta-delete: profiles, security labels and tags.

https://hl7.org/fhir/R5/resource-operation-meta.html, https://hl7.org/fhir/R5/resource-operation-meta-add.html and
https://hl7.org/fhir/R5/resource-operation-meta-delete.html. What changes a resource's meta makes a new version of it
here (docs/adr/0013-meta-operations-make-versions.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from service.errors import Unprocessable
from service.fhir.json import dumps, loads, parse, with_member
from service.interactions.engine import Written
from service.interactions.patch import change
from service.interactions.policy import FATAL
from service.interactions.read import read
from service.operations.call import Call, Json, answer
from service.profiles.base import check as check_base

SETS: Final = ("profile", "security", "tag")
"""The elements of a Meta that are sets; the others are the server's, or of one resource alone."""
_MENTIONED: Final = tuple(f'"{name}"'.encode() for name in SETS)

Edit = Callable[[list[Any], list[Any]], list[Any]]
"""From what a resource has and what is given to what it has then."""


async def meta(call: Call) -> bytes:
    """Return the meta of a resource, or every profile, label and tag that those of a type, or all, have."""
    if call.id is not None:
        version = await read(call.engine, str(call.type), call.id)
        return _answer(loads(version.json or b"{}").get("meta", {}))
    found: dict[str, dict[Any, Any]] = {name: {} for name in SETS}
    async for version in call.engine.store.scan((call.type,) if call.type else ()):
        if version.json is None or not any(name in version.json for name in _MENTIONED):
            continue
        own = loads(version.json).get("meta", {})
        for name in SETS:
            found[name].update((_identity(each), each) for each in own.get(name, ()))
    return _answer({name: [items[key] for key in sorted(items)] for name, items in found.items() if items})


async def meta_add(call: Call) -> bytes:
    """Add profiles, labels and tags that the resource does not have; see :func:`_edit`."""
    return await _edit(call, lambda had, given: had + [each for each in _distinct(given) if not _has(had, each)])


async def meta_delete(call: Call) -> bytes:
    """Take away profiles, labels and tags, those that it does not have being no matter; see :func:`_edit`."""
    return await _edit(call, lambda had, given: [each for each in had if not _has(given, each)])


async def _edit(call: Call, edit: Edit) -> bytes:
    """Change the sets of a resource's meta and return the meta that it has then.

    Raises :class:`NotFound` or :class:`Gone` where it is not there, and :class:`Unprocessable` for what is no Meta, and
    where the resource would not be valid, as with a profile that it does not meet.
    """
    given = _given(call.inputs.one(call.inputs.exactly_one("meta")))

    def changed(resource: Json) -> bytes:
        before = resource.get("meta", {})
        after = {name: edit(before.get(name, []), given.get(name, [])) for name in SETS}
        rest = {name: value for name, value in before.items() if name not in SETS}
        document = parse(dumps(resource))
        return with_member(
            document, "meta", rest | {name: items for name, items in after.items() if items}
        ).text.encode()

    written: Written = await change(call.engine, str(call.type), str(call.id), lambda resource, _: changed(resource))
    assert written.version is not None  # noqa: S101  # only a deletion can find nothing
    return _answer(loads(written.version.json or b"{}").get("meta", {}))


def _given(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a Meta that was sent, if it is one: as that of a resource that has nothing else."""
    problems = check_base({"resourceType": "Patient", "meta": value})
    if any(each.severity in FATAL for each in problems):
        raise Unprocessable(problems)
    return value


def _distinct(items: list[Any]) -> list[Any]:
    return list({_identity(each): each for each in items}.values())


def _has(items: list[Any], item: Any) -> bool:  # noqa: ANN401  # a canonical or a Coding
    return _identity(item) in map(_identity, items)


def _identity(item: Any) -> tuple[str, ...]:  # noqa: ANN401  # a canonical or a Coding
    """What makes an item of a set the same as another: of a Coding its system, version and code."""
    if isinstance(item, dict):
        return tuple(str(item.get(name, "")) for name in ("system", "version", "code"))
    return (str(item),)


def _answer(found: Json) -> bytes:
    return answer([{"name": "return", **({"valueMeta": found} if found else {})}])
