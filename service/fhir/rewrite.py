"""Replacing links inside a resource by what they have become (https://hl7.org/fhir/R5/http.html#trules).

A resource of a transaction may name another by a temporary URL. Wherever the definitions of FHIR say that a value is a
link (a reference, a uri or url, or a link or image in a narrative, extensions and contained resources included) it is
replaced; a canonical never is, and neither is a text that only looks like a link. An oid or uuid stays, as nothing that
a server could put there is one (docs/adr/0007-identifiers-in-transactions.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from html import escape, unescape
from typing import Any, Final, NamedTuple

from service.fhir import definitions

Replace = Callable[[str], str | None]
"""Returns what a link becomes, or None where it stays."""

_LINK_TYPES: Final = frozenset({"uri", "url"})
_TAG: Final = re.compile(r"<(?:a|img)\b[^>]*>")
_ATTRIBUTE: Final = re.compile(r"""(\s(?:href|src)\s*=\s*)("[^"]*"|'[^']*')""")


class _Field(NamedTuple):
    """What a JSON member holds: a primitive, or an element of ``type`` at ``path`` (None: a resource of its own)."""

    primitive: str | None
    type: str | None
    path: str | None


def rewrite(resource: dict[str, Any], replace: Replace) -> dict[str, Any]:
    """Return the resource with its links replaced; what has none is shared with the original, which stays as it is."""
    type_ = resource.get("resourceType")
    if not isinstance(type_, str) or type_ not in definitions.resource_types():
        return resource  # no resource: validation has the words for it
    return _element(resource, type_, type_, replace)


@cache
def _fields(type_: str, path: str) -> Mapping[str, _Field]:
    fields: dict[str, _Field] = {}
    children = definitions.type_definition(type_).children
    for element in children.get(path, ()):
        for name, reference in element.json_names.items():
            if element.content is not None:
                fields[name] = _Field(None, element.content.partition(".")[0], element.content)
            elif element.path in children:
                fields[name] = _Field(None, type_, element.path)
            elif reference is None or reference.code == "Resource" or _is_resource(reference.code):
                fields[name] = _Field(None, None, None)
            elif definitions.type_definition(reference.code).kind == "primitive-type":
                fields[name] = _Field(reference.code, None, None)
                fields["_" + name] = _Field(None, "Element", "Element")
            else:
                fields[name] = _Field(None, reference.code, reference.code)
    return fields


def _is_resource(code: str) -> bool:
    return definitions.type_definition(code).kind == "resource"


def _element(node: dict[str, Any], type_: str, path: str, replace: Replace) -> dict[str, Any]:
    fields = _fields(type_, path)
    changed: dict[str, Any] = {}
    for name, value in node.items():
        field = fields.get(name)
        if field is None:
            continue
        if type_ == "Reference" and name == "reference":
            field = field._replace(primitive="uri")
        new = _value(value, field, replace)
        if new is not value:
            changed[name] = new
    return {name: changed.get(name, value) for name, value in node.items()} if changed else node


def _value(value: Any, field: _Field, replace: Replace) -> Any:  # noqa: ANN401  # any JSON value
    if isinstance(value, list):
        items = [_value(item, field, replace) for item in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    if isinstance(value, str):
        if field.primitive in _LINK_TYPES:
            new = replace(value)
            return value if new is None else new
        return _narrative(value, replace) if field.primitive == "xhtml" else value
    if isinstance(value, dict):
        if field.type is None and field.primitive is None:
            return rewrite(value, replace)
        if field.type is not None and field.path is not None:
            return _element(value, field.type, field.path, replace)
    return value


def _narrative(xhtml: str, replace: Replace) -> str:
    def attribute(found: re.Match[str]) -> str:
        new = replace(unescape(found[2][1:-1]))
        return found[0] if new is None else f'{found[1]}"{escape(new)}"'

    return _TAG.sub(lambda tag: _ATTRIBUTE.sub(attribute, tag[0]), xhtml)
