"""JSON to XML: https://hl7.org/fhir/R5/xml.html.

Elements come in the order of their definition, whatever the order in JSON was. A number keeps its digits, and the
narrative its text, apart from named entities, which XML does not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import html5
from itertools import zip_longest
from typing import Any, Final
from xml.parsers import expat

from service.errors import Issue, NotAcceptable
from service.fhir.json import JsonNumber
from service.fhir.xml.shape import FHIR, RESOURCE, Place, elements, is_primitive, place_of

Json = dict[str, Any]

_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES: Final = {
    ord(character): replacement
    for character, replacement in {
        "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;",
    }.items()
}  # fmt: skip
_ENTITY: Final = re.compile(r"&([A-Za-z][A-Za-z0-9]*;)")
_OF_XML: Final = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})


def to_xml(resource: Json, *, pretty: bool = False) -> bytes:
    """Return a resource, given as JSON, as XML in UTF-8; ``pretty`` gives each element a line of its own.

    What the definitions do not know is not there in XML; a valid resource has nothing of that kind. Raises
    :class:`NotAcceptable` where a text has characters that XML cannot hold, or a narrative is not well-formed.
    """
    out = ['<?xml version="1.0" encoding="UTF-8"?>']
    _resource(resource, out, f' xmlns="{FHIR}"', resource["resourceType"])
    return ("\n".join(_indented(out)) if pretty else "".join(out)).encode()


def _indented(tags: list[str]) -> Iterator[str]:
    """Each tag, or whole narrative, as far to the right as it is deep; no white space comes into a narrative."""
    depth = 0
    for number, tag in enumerate(tags):
        closes = tag.startswith("</")
        depth -= closes
        yield "  " * depth + tag
        whole = tag.endswith("/>") or "</" in tag  # in an attribute it is escaped
        depth += not whole and number > 0  # the first is the declaration


def _resource(resource: Json, out: list[str], namespace: str, where: str) -> None:
    type_ = resource["resourceType"]
    out.append(f"<{type_}{namespace}>")
    _children(resource, (type_, type_), out, where)
    out.append(f"</{type_}>")


def _children(value: Json, place: Place, out: list[str], where: str) -> None:
    for element in elements(place):
        if element.attribute:
            continue
        for name, ref in element.json_names.items():
            item, beside = value.get(name), value.get("_" + name)
            if item is None and beside is None:
                continue
            there = f"{where}.{name}"
            if ref is not None and is_primitive(ref.code):
                for each, extra in zip_longest(_listed(item), _listed(beside)):
                    _primitive(name, each, extra, out, there)
            elif ref is not None and ref.code == "xhtml":
                out.append(_narrative(str(item), there))
            else:
                inner = None if ref is not None and ref.code == RESOURCE else place_of(place, element, ref)
                for index, each in enumerate(_listed(item)):
                    _object(name, each, inner, out, f"{there}[{index}]" if element.repeats else there)


def _object(name: str, value: Json, place: Place | None, out: list[str], where: str) -> None:
    if place is None:
        out.append(f"<{name}>")
        _resource(value, out, "", where)
    else:
        out.append(f"<{name}{_attributes(value, place, where)}>")
        _children(value, place, out, where)
    out.append(f"</{name}>")


def _primitive(name: str, value: object, beside: Json | None, out: list[str], where: str) -> None:
    extra = beside or {}
    text = "" if value is None else f' value="{_escaped(_lexeme(value), where)}"'
    opening = f"<{name}{_attributes(extra, ('Element', 'Element'), where)}{text}"
    if "extension" in extra:
        out.append(f"{opening}>")
        _children(extra, ("Element", "Element"), out, where)
        out.append(f"</{name}>")
    else:
        out.append(f"{opening}/>")


def _attributes(value: Json, place: Place, where: str) -> str:
    names = (element.name for element in elements(place) if element.attribute)
    return "".join(f' {name}="{_escaped(str(value[name]), where)}"' for name in names if name in value)


def _listed(value: Any) -> list[Any]:  # noqa: ANN401  # any JSON value
    return value if isinstance(value, list) else [] if value is None else [value]


def _lexeme(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.lexeme if isinstance(value, JsonNumber) else str(value)


def _escaped(text: str, where: str) -> str:
    if _ILLEGAL.search(text):
        raise _impossible("has a character that XML cannot hold", where)
    return text.translate(_ESCAPES)


def _narrative(text: str, where: str) -> str:
    written = _ENTITY.sub(_numeric, text.strip())
    parser = expat.ParserCreate("utf-8")
    try:
        parser.Parse(written.encode(), True)
    except (expat.ExpatError, UnicodeEncodeError) as problem:
        raise _impossible(f"is not well-formed XML ({problem})", where) from None
    return written


def _numeric(found: re.Match[str]) -> str:
    name = found[1]
    if name in _OF_XML or name not in html5:
        return found[0]
    return "".join(f"&#{ord(character)};" for character in html5[name])


def _impossible(problem: str, where: str) -> NotAcceptable:
    text = f"{where} {problem}; ask for application/fhir+json."
    return NotAcceptable([Issue("error", "not-supported", text, (where,))])
