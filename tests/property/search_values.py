"""What the values of a resource mean to a search; see :mod:`tests.property.search_model`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

Json = dict[str, Any]
Range = tuple[Any, Any]
"""From one end to another; both ends are of one kind that can be compared: instants, or cuts between numbers."""
UCUM: Final = "http://unitsofmeasure.org"


def fold(text: str) -> str:
    """A text without case, combining marks, punctuation and idle space."""
    plain = [each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each)]
    kept = "".join(each for each in plain if not unicodedata.category(each).startswith("P"))
    return " ".join(kept.casefold().split())


def walk(nodes: list[Any], path: str) -> list[Any]:
    """The values at the end of a path, from these nodes on."""
    if path == ".":
        return nodes
    for member in path.split("."):
        held = [node[member] for node in nodes if member in node]
        nodes = [item for each in held for item in (each if isinstance(each, list) else [each])]
    return nodes


def split(text: str, separator: str) -> list[str]:
    """The parts of a value, by a separator that is not escaped."""
    return re.split(rf"(?<!\\){re.escape(separator)}", text)


def literal(text: str) -> str:
    """A value without its escapes."""
    return re.sub(r"\\(.)", r"\1", text)


def strings(value: Any) -> Iterator[tuple[str, bool]]:
    """The strings of a value, and whether each is the family name in a whole name."""
    if isinstance(value, str):
        yield value, False
        return
    for member in ("text", "family", "given", "prefix", "suffix"):
        for text in walk([value], member):
            yield text, member == "family"


def string_holds(values: list[tuple[str, bool]], modifier: str, asked: str) -> bool:
    """One of the strings begins with what is asked, or meets the modifier."""
    texts = [text for text, _ in values]
    match modifier:
        case "exact":
            return asked in texts
        case "contains":
            return any(fold(asked) in fold(text) for text in texts)
        case "text":
            words = [word for text in texts for word in fold(text).split()]
            return all(any(word.startswith(part) for word in words) for part in fold(asked).split())
    beginnings = [*texts, *(part for text, family in values if family for part in _later_parts(text))]
    return any(fold(text).startswith(fold(asked)) for text in beginnings)


def _later_parts(family: str) -> list[str]:
    """A family name from its second part on, from its third, and so on; a space or a hyphen is between two parts."""
    parts = re.split("[ -]", family)
    return [" ".join(parts[index:]) for index in range(1, len(parts))]


def codings(value: Any, system: str) -> list[tuple[str, str]]:
    """The pairs of system and code of a value; both may be missing."""
    if isinstance(value, bool):
        return [("", "true" if value else "false")]
    if isinstance(value, str):
        return [(system, value)]
    found = value.get("coding", []) if "coding" in value or "text" in value else [value]
    return [(each.get("system", ""), each.get("code", each.get("value", ""))) for each in found]


def token_holds(value: Any, system: str, text: str) -> bool:
    """``c`` has any system, ``s|c`` this one, ``|c`` none, and ``s|`` any code."""
    parts = [literal(part) for part in split(text, "|")]
    for own, code in codings(value, system):
        match parts:
            case [asked]:
                if code == asked:
                    return True
            case [asked, ""]:
                if own == asked:
                    return True
            case [asked, other]:
                if (own, code) == (asked, other):
                    return True
    return False


def token_text_holds(value: Json, text: str) -> bool:
    """The text of a concept, or the display of one of its codings, begins with what is asked."""
    said = [*walk([value], "text"), *walk([value], "coding.display")]
    return any(fold(each).startswith(fold(literal(text))) for each in said)


def uri_holds(resource: Json, value: str, modifier: str, text: str) -> bool:
    """Equal, or ``:below`` or ``:above`` in the path, or a part of it; ``url|version`` names both of a ValueSet."""
    asked = literal(text)
    match modifier:
        case "below":
            return value == asked or value.startswith(asked + "/")
        case "above":
            return value == asked or asked.startswith(value.rstrip("/") + "/")
        case "contains":
            return asked.casefold() in value.casefold()
    url, _, version = asked.partition("|")
    return value == asked or (value == url and bool(version) and resource.get("version") == version)


def _prefixed(text: str) -> tuple[str, str]:
    return (text[:2], text[2:]) if text[:1].isalpha() else ("eq", text)


def _holds(prefix: str, exact: Range, equal: Range, near: Range, held: Range) -> bool:
    """A prefix, by the ranges of what is asked and what is held; ``equal`` is as wide as what is asked is precise.

    https://hl7.org/fhir/R5/search.html#prefix: "fully contains", "the range above the parameter value intersects",
    "the parameter value does not overlap with the target value, and the range above it contains the target value".
    """

    def contains(asked: Range) -> bool:
        return bool(asked[0] <= held[0] and held[1] <= asked[1])

    above, below = bool(held[1] > exact[1]), bool(held[0] < exact[0])
    match prefix:
        case "eq":
            return contains(equal)
        case "ne":
            return not contains(equal)
        case "gt":
            return above
        case "lt":
            return below
        case "ge":
            return above or contains(exact)
        case "le":
            return below or contains(exact)
        case "sa":
            return bool(held[0] >= exact[1])
        case "eb":
            return bool(held[1] <= exact[0])
    return bool(held[0] < near[1] and held[1] > near[0])  # ap: they overlap


def date_holds(value: Any, text: str) -> bool:
    """A date or Period against what is asked, with its prefix."""
    prefix, asked = _prefixed(literal(text))
    start, end = _interval(asked)
    margin = max(start - datetime.now(UTC), datetime.now(UTC) - end, timedelta()) // 10
    return _holds(prefix, (start, end), (start, end), (start - margin, end + margin), span(value))


def span(value: Any) -> tuple[datetime, datetime]:
    """The range of a date or a Period, of which an end may be open."""
    if isinstance(value, str):
        return _interval(value)
    return (
        _interval(value["start"])[0] if "start" in value else datetime.min.replace(tzinfo=UTC),
        _interval(value["end"])[1] if "end" in value else datetime.max.replace(tzinfo=UTC),
    )


def _interval(text: str) -> tuple[datetime, datetime]:
    """From the first moment of a date, at its precision, to the first moment after it; without a zone it is UTC."""
    if "T" in text:
        start = datetime.fromisoformat(text).astimezone(UTC)
        if "." in text:
            return start, start + timedelta(milliseconds=1)
        return start, start + (
            timedelta(seconds=1) if text.count(":") - ("Z" not in text) == 2 else timedelta(minutes=1)
        )
    year, month, day = [*map(int, text.split("-")), 0, 0][:3]
    start = datetime(year, month or 1, day or 1, tzinfo=UTC)
    if day:
        return start, start + timedelta(days=1)
    if month:
        return start, datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return start, datetime(year + 1, 1, 1, tzinfo=UTC)


def number_holds(value: Any, text: str) -> bool:
    """A number against what is asked, with its prefix."""
    number = Decimal(value)
    return _numeric(literal(text), Decimal(1), ((number, 0), (number, 1)))


def _numeric(text: str, factor: Decimal, held: Range) -> bool:
    """A number is the range between the cuts just below and just above it: (number, 0) and (number, 1)."""
    prefix, digits = _prefixed(text)
    asked = Decimal(digits)
    half = Decimal(5).scaleb(int(asked.as_tuple().exponent) - 1)
    margin = max(half, abs(asked) / 10)
    return _holds(
        prefix,
        ((asked * factor, 0), (asked * factor, 1)),
        (((asked - half) * factor, 0), ((asked + half) * factor, 0)),
        (((asked - margin) * factor, 0), ((asked + margin) * factor, 1)),
        held,
    )


_FACTORS: Final = {
    "kg": ("mass", "1000"),
    "g": ("mass", "1"),
    "mg": ("mass", "0.001"),
    "cm": ("length", "0.01"),
    "m": ("length", "1"),
    "%": ("number", "0.01"),
    "1": ("number", "1"),
}
"""UCUM code -> what it measures, and how many of the base unit it is."""


def unit_of(system: str, code: str) -> tuple[str, Decimal]:
    """What a unit measures, and how many of the base unit it is."""
    if system == UCUM:
        dimension, factor = _FACTORS[code]
        return dimension, Decimal(factor)
    return f"{system}|{code}", Decimal(1)


def cuts(value: Json, factor: Decimal) -> Range:
    """The range of a quantity, in the base unit; a comparator opens it to one side."""
    number = Decimal(value["value"]) * factor
    least, greatest = (Decimal("-Infinity"), 0), (Decimal("Infinity"), 0)
    match value.get("comparator"):
        case "<":
            return least, (number, 0)
        case "<=":
            return least, (number, 1)
        case ">":
            return (number, 1), greatest
        case ">=":
            return (number, 0), greatest
    return (number, 0), (number, 1)


def quantity_holds(value: Json, text: str) -> bool:
    """``number`` in any unit, ``number||unit`` as it is written, or ``number|system|code``, with UCUM converted."""
    if "value" not in value:
        return False
    number, *unit = (literal(part) for part in split(text, "|"))
    one = Decimal(1)
    match unit:
        case []:
            return _numeric(number, one, cuts(value, one))
        case ["", code]:
            return code in (value.get("code"), value.get("unit")) and _numeric(number, one, cuts(value, one))
    own, factor = unit_of(value.get("system", ""), value.get("code", ""))
    asked, other = unit_of(*unit)
    return own == asked and _numeric(number, other, cuts(value, factor))


def composite_holds(element: Json, text: str) -> bool:
    """Code and value hold of one and the same element."""
    code, quantity = split(text, "$")
    return (
        "code" in element
        and "valueQuantity" in element
        and token_holds(element["code"], "", code)
        and quantity_holds(element["valueQuantity"], quantity)
    )
