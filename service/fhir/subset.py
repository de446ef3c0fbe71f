"""Parts of a resource: ``_summary`` and ``_elements`` (https://hl7.org/fhir/R5/search.html#summary)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final, Literal, get_args

from service.errors import Issue
from service.fhir import definitions

Summary = Literal["true", "text", "data", "count", "false"]
SUMMARIES: Final[tuple[Summary, ...]] = get_args(Summary)

_SUBSETTED: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
_ALWAYS: Final = frozenset({"resourceType", "id", "meta"})


def summarize(resource: dict[str, Any], mode: Summary) -> dict[str, Any]:
    """Return the part of a resource that a summary mode keeps, tagged as a subset.

    ``false`` keeps it whole, and so does ``count``, which is about a Bundle without its entries.
    """
    if mode in ("false", "count"):
        return resource
    type_ = resource["resourceType"]
    if mode == "data":
        kept = {name: value for name, value in resource.items() if name != "text"}
    elif mode == "text":
        kept = _mandatory_only(resource)
    else:
        kept = _summary(resource, type_, type_)
    return _tag(kept)


def pick(resource: dict[str, Any], elements: Iterable[str]) -> dict[str, Any]:
    """Return the named top-level elements of a resource with those that are mandatory or modify it, tagged."""
    known = _top(resource["resourceType"])
    wanted = {name.rpartition(".")[2] for name in elements}
    kept = {}
    for name, value in resource.items():
        element = known.get(name.removeprefix("_"))
        if name in _ALWAYS or (element and (element.name in wanted or element.min > 0 or element.modifier)):
            kept[name] = value
    return _tag(kept)


def unknown_types(types: Iterable[str], where: str) -> list[Issue]:
    """Return an issue, at a place of the request, for each name that is no resource type."""
    return [
        Issue("error", "value", f"{type_!r} is no resource type of R5.", (where,))
        for type_ in types
        if type_ not in definitions.resource_types()
    ]


def unknown_elements(types: Iterable[str], elements: Iterable[str]) -> list[str]:
    """Return those names that are no top-level element of any of the types, ``value[x]`` as ``value``.

    A name may have its type in front (``Group.name``).
    """
    known: set[str] = set()
    for type_ in types:
        names = {"resourceType", *(element.name for element in _top(type_).values())}
        known |= names | {f"{type_}.{name}" for name in names}
    return [name for name in elements if name not in known]


@cache
def _by_name(type_: str, path: str) -> Mapping[str, definitions.ElementDefinition]:
    children = definitions.type_definition(type_).children.get(path, ())
    return {name: element for element in children for name in element.json_names}


def _top(type_: str) -> Mapping[str, definitions.ElementDefinition]:
    return _by_name(type_, type_)


def _mandatory_only(resource: dict[str, Any]) -> dict[str, Any]:
    known = _top(resource["resourceType"])
    kept = {}
    for name, value in resource.items():
        element = known.get(name.removeprefix("_"))
        if name in _ALWAYS or name == "text" or (element and element.min > 0):
            kept[name] = value
    return kept


def _summary(node: dict[str, Any], type_: str, path: str) -> dict[str, Any]:
    known = _by_name(type_, path)
    kept: dict[str, Any] = {}
    for name, value in node.items():
        element = known.get(name.removeprefix("_"))
        if name in _ALWAYS:
            kept[name] = value
        elif element and element.summary:
            kept[name] = _inner(value, type_, element.path)
    return kept


def _inner(value: Any, type_: str, path: str) -> Any:  # noqa: ANN401  # any JSON value
    """Keep a data type whole, and of a backbone element the part that belongs to the summary."""
    if not _by_name(type_, path):
        return value
    if isinstance(value, list):
        return [_inner(item, type_, path) for item in value]
    return _summary(value, type_, path) if isinstance(value, dict) else value


def _tag(resource: dict[str, Any]) -> dict[str, Any]:
    """Mark a resource as a part, so that nobody writes it back as the whole."""
    meta = dict(resource.get("meta", {}))
    tags = meta.get("tag", [])
    if not any(tag.get("code") == _SUBSETTED["code"] and tag.get("system") == _SUBSETTED["system"] for tag in tags):
        meta["tag"] = [*tags, _SUBSETTED]
    head: dict[str, Any] = {name: resource[name] for name in ("resourceType", "id") if name in resource}
    return {**head, "meta": meta, **{name: value for name, value in resource.items() if name not in _ALWAYS}}
