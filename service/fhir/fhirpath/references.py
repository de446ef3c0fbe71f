"""``resolve()``, without fetching anything (https://hl7.org/fhir/R5/fhirpath.html#functions).

A caller may know the resource (the other entries of a Bundle). If not, a contained resource is found in the resource
itself, and for anything else the type is all that is known, from the reference's text or its ``type``: then the outcome
is a stub that holds no more than type and id. ``where(resolve() is Patient)`` needs no more.
"""

from __future__ import annotations

import re
from typing import Any, Final

from service.fhir.fhirpath import model
from service.fhir.fhirpath.context import Context
from service.fhir.fhirpath.node import Node, children, root

_REFERENCE: Final = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9.\-]{1,64})(?:/_history/[^/]+)?$")


def target_type(text: str) -> str | None:
    """The resource type in the text of a reference or canonical, None if it names none."""
    found = _target(text)
    return found[0] if found else None


def _target(text: str) -> tuple[str, str] | None:
    match = _REFERENCE.search(text.partition("#")[0].partition("|")[0])
    if match is None or not model.is_resource(match[1]) or model.is_abstract(match[1]):
        return None
    return match[1], match[2]


def contained_type(resource: dict[str, Any], text: str) -> str | None:
    """The type of what ``#id`` points to in a resource, None if there is no such contained resource."""
    if text == "#":
        return str(resource.get("resourceType"))
    for held in resource.get("contained") or ():
        if isinstance(held, dict) and held.get("id") == text[1:]:
            return str(held.get("resourceType"))
    return None


def resolve(node: Node, context: Context) -> Node | None:
    """The node of the resource that a Reference, canonical or uri points to, None if nothing is known of it."""
    value = node.value
    reference = value.get("reference") if isinstance(value, dict) else value
    text = reference if isinstance(reference, str) else ""
    if text.startswith("#"):
        return _contained(text, context)
    if text and context.resolver is not None:
        resource = context.resolver(text, node)
        if resource is not None:
            return root(resource)
    target = _target(text)
    if target is not None:
        return root({"resourceType": target[0], "id": target[1]})
    declared = value.get("type") if isinstance(value, dict) else None
    if isinstance(declared, str) and model.is_resource(declared):
        return root({"resourceType": declared})
    return None


def _contained(text: str, context: Context) -> Node | None:
    if text == "#":
        return context.root
    for holder in (context.root, context.resource):
        for child in children(holder):
            if child.name == "contained" and isinstance(child.value, dict) and child.value.get("id") == text[1:]:
                return child
    return None
