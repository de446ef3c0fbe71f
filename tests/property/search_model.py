"""What a search means, written down from https://hl7.org/fhir/R5/search.html as slowly and plainly as it can be.

The evaluator knows no index: it looks at every resource and reads its JSON, and it shares nothing with the search of
the registry. It knows the few types and parameters of :data:`PARAMETERS` and nothing of errors: it is asked only what
is right. Where the specification leaves a choice, the rule taken here is the one that the registry documents:

* strings are folded: compatibility forms, case, combining marks and punctuation do not matter, nor does idle space;
* a later part of a family name is found as the name itself is;
* ``ge`` is what ``gt`` or ``eq`` finds, with the value taken exactly for numbers; ``le`` likewise;
* ``ap`` is a tenth of the number, or a tenth of the gap between the date and now;
* a plain ``code`` has the code system of its required binding;
* ties of an order stay as they were written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

Json = dict[str, Any]
Range = tuple[Any, Any]
"""From one end to another; both ends are of one kind that can be compared: instants, or cuts between numbers."""
UCUM: Final = "http://unitsofmeasure.org"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter: its type, the paths of its elements, and the code system of what is a plain code.

    ``any_case`` is a token whose element is a string: "the search is not case sensitive".
    """

    kind: str
    paths: tuple[str, ...]
    system: str = ""
    any_case: bool = False


def _of(kind: str, *paths: str, system: str = "", any_case: bool = False) -> Parameter:
    return Parameter(kind, paths, system, any_case)


PARAMETERS: Final[dict[str, dict[str, Parameter]]] = {
    "Patient": {
        "active": _of("token", "active"),
        "address-city": _of("string", "address.city"),
        "birthdate": _of("date", "birthDate"),
        "family": _of("string", "name.family"),
        "gender": _of("token", "gender", system="http://hl7.org/fhir/administrative-gender"),
        "general-practitioner": _of("reference", "generalPractitioner"),
        "given": _of("string", "name.given"),
        "identifier": _of("token", "identifier"),
        "link": _of("reference", "link.other"),
        "name": _of("string", "name"),
        "organization": _of("reference", "managingOrganization"),
    },
    "Organization": {
        "active": _of("token", "active"),
        "identifier": _of("token", "identifier"),
        "name": _of("string", "name", "alias"),
        "partof": _of("reference", "partOf"),
        "type": _of("token", "type"),
    },
    "Observation": {
        "category": _of("token", "category"),
        "code": _of("token", "code"),
        "code-value-quantity": _of("composite", "."),
        "combo-code": _of("token", "code", "component.code"),
        "combo-code-value-quantity": _of("composite", ".", "component"),
        "combo-value-quantity": _of("quantity", "valueQuantity", "component.valueQuantity"),
        "component-code": _of("token", "component.code"),
        "component-code-value-quantity": _of("composite", "component"),
        "component-value-quantity": _of("quantity", "component.valueQuantity"),
        "date": _of("date", "effectiveDateTime", "effectivePeriod", "effectiveInstant"),
        "has-member": _of("reference", "hasMember"),
        "status": _of("token", "status", system="http://hl7.org/fhir/observation-status"),
        "subject": _of("reference", "subject"),
        "value-quantity": _of("quantity", "valueQuantity"),
    },
    "RiskAssessment": {
        "date": _of("date", "occurrenceDateTime"),
        "probability": _of("number", "prediction.probabilityDecimal"),
        "subject": _of("reference", "subject"),
    },
    "ValueSet": {
        "date": _of("date", "date"),
        "status": _of("token", "status", system="http://hl7.org/fhir/publication-status"),
        "title": _of("string", "title"),
        "url": _of("uri", "url"),
        "version": _of("token", "version", any_case=True),
    },
}
COMMON: Final = {"_id": _of("token", "id"), "_tag": _of("token", "meta.tag")}
"""The parameters of every type."""


@dataclass(frozen=True, slots=True)
class Registry:
    """Resources in the order in which they were written, on the server that is known under ``base``."""

    resources: Sequence[Json]
    base: str

    def search(self, type_: str, pairs: Sequence[tuple[str, str]]) -> list[str] | None:
        """Return the ids of the matches in their order; None where it is one that nobody defines (see ``sorted``)."""
        criteria = [pair for pair in pairs if pair[0] not in ("_sort", "_count")]
        found = [
            each
            for each in self.resources
            if each["resourceType"] == type_ and all(self.matches(each, name, text) for name, text in criteria)
        ]
        order = dict(pairs).get("_sort")
        ordered = found if order is None else self.sorted(found, order)
        return None if ordered is None else [each["id"] for each in ordered]

    def matches(self, resource: Json, name: str, text: str) -> bool:
        """``name=text`` holds: a reverse chain, a chain, or a parameter of the resource itself."""
        if name.startswith("_has:"):
            _, type_, code, rest = name.split(":", 3)
            return any(
                other["resourceType"] == type_
                and self.refers(other, code, resource)
                and self.matches(other, rest, text)
                for other in self.resources
            )
        head, dot, rest = name.partition(".")
        code, _, modifier = head.partition(":")
        if not dot:
            return self.simple(resource, code, modifier, text)
        return any(
            (not modifier or target["resourceType"] == modifier)
            and self.refers(resource, code, target)
            and _knows(target, rest)
            and self.matches(target, rest, text)
            for target in self.resources
        )

    def refers(self, source: Json, code: str, target: Json) -> bool:
        """The source's parameter leads to the target, whichever version of it the reference names."""
        wanted = (None, target["resourceType"], target["id"])
        places = [self.place(each) for each in _literals(source, code)]
        return any(place is not None and place[:3] == wanted for place in places)

    def place(self, reference: str) -> tuple[str | None, str, str, str | None] | None:
        """The server (None: this one), type, id and version that a literal reference leads to."""
        found = re.fullmatch(r"(?:(https?://.+)/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.-]+)(?:/_history/(.+))?", reference)
        if found is None:
            return None
        return None if found[1] == self.base else found[1], found[2], found[3], found[4]

    def simple(self, resource: Json, code: str, modifier: str, text: str) -> bool:
        """A parameter of the resource itself holds: missing, or one of the alternatives, or with ``:not`` none."""
        parameter = _parameter(resource, code)
        if modifier == "missing":
            return self.present(resource, parameter) == (text == "false")
        alternatives = _split(text, ",")
        if modifier == "not":
            return not any(self.alternative(resource, parameter, "", each) for each in alternatives)
        return any(self.alternative(resource, parameter, modifier, each) for each in alternatives)

    def present(self, resource: Json, parameter: Parameter) -> bool:
        """The parameter has a value; a composite has one where an element has all components."""
        found = _values(resource, parameter)
        if parameter.kind == "composite":
            return any("code" in each and "value" in each.get("valueQuantity", {}) for each in found)
        return bool(found)

    def alternative(self, resource: Json, parameter: Parameter, modifier: str, text: str) -> bool:
        """One alternative holds for one of the values (for all words together, with the ``:text`` of a string)."""
        found = _values(resource, parameter)
        match parameter.kind:
            case "string":
                texts = [each for value in found for each in _strings(value)]
                family = parameter.paths == ("name.family",)
                return _string([(each, family or own) for each, own in texts], modifier, _literal(text))
            case "token" if modifier == "text":
                return any(_token_text(value, text) for value in found)
            case "token" if parameter.any_case:
                return any(_token(value.casefold(), "", text.casefold()) for value in found)
            case "token":
                return any(_token(value, parameter.system, text) for value in found)
            case "date":
                return any(_date(value, text) for value in found)
            case "number":
                return any(_number(value, text) for value in found)
            case "quantity":
                return any(_quantity(value, text) for value in found)
            case "uri":
                return any(_uri(resource, value, modifier, text) for value in found)
            case "composite":
                return any(_composite(value, text) for value in found)
        return any(self.reference(value, modifier, text) for value in found)

    def reference(self, value: Json, modifier: str, text: str) -> bool:
        """``id``, ``Type/id``, a URL, the ``:[type]`` of an id, or the ``:identifier`` of what is referred to."""
        if modifier == "identifier":
            return "identifier" in value and _token(value["identifier"], "", text)
        if "reference" not in value:
            return False
        asked = _literal(text)
        if modifier and "/" not in asked:
            asked = f"{modifier}/{asked}"
        held, wanted = self.place(value["reference"]), self.place(asked)
        if "/" not in asked:
            return held is not None and held[0] is None and held[2] == asked
        if held is None or wanted is None:
            return bool(value["reference"] == asked)
        # A relative reference without a version finds every version, an absolute one only what names none.
        any_version = wanted[3] is None and "://" not in asked
        return held[:3] == wanted[:3] and (any_version or held[3] == wanted[3])

    def sorted(self, found: list[Json], order: str) -> list[Json] | None:
        """The resources by the least value of each key, or from the greatest down; those without a value come last.

        None for quantities of different dimensions, which are neither less nor greater than each other.
        """
        ordered = list(found)
        for each in reversed(order.split(",")):
            code, down = each.removeprefix("-"), each.startswith("-")
            keys = {id(resource): self.keys(resource, code, down) for resource in ordered}
            if len({unit for values in keys.values() for unit, _ in values}) > 1:
                return None
            having = [resource for resource in ordered if keys[id(resource)]]
            lacking = [resource for resource in ordered if not keys[id(resource)]]
            extreme: Callable[[Any], Any] = max if down else min
            having.sort(key=lambda resource: extreme(keys[id(resource)]), reverse=down)  # used at once
            ordered = having + lacking
        return ordered

    def keys(self, resource: Json, code: str, down: bool) -> list[tuple[str, Any]]:
        """What a resource is sorted by: the unit, where there is one, and the value."""
        parameter = _parameter(resource, code)
        end = 1 if down else 0
        keys: list[tuple[str, Any]] = []
        for value in _values(resource, parameter):
            match parameter.kind:
                case "string":
                    keys += [("", fold(text)) for text, _ in _strings(value)]
                case "token":
                    keys += [("", code) for _, code in _codings(value, "") if code]
                case "date":
                    keys.append(("", _span(value)[end]))
                case "number":
                    keys.append(("", Decimal(value)))
                case "quantity" if "value" in value:
                    unit, factor = _unit(value.get("system", ""), value.get("code", value.get("unit", "")))
                    keys.append((unit, _cuts(value, factor)[end]))
                case "uri":
                    keys.append(("", value))
                case "reference" if "reference" in value:
                    base, type_, id_, _ = self.place(value["reference"]) or (None, "", value["reference"], None)
                    keys.append(("", "/".join(part for part in (base, type_, id_) if part)))
        return keys


def fold(text: str) -> str:
    """A text without case, combining marks, punctuation and idle space."""
    plain = [each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each)]
    kept = "".join(each for each in plain if not unicodedata.category(each).startswith("P"))
    return " ".join(kept.casefold().split())


def _parameter(resource: Json, code: str) -> Parameter:
    return COMMON.get(code) or PARAMETERS[resource["resourceType"]][code]


def _knows(resource: Json, name: str) -> bool:
    code = re.split("[.:]", name)[0]
    return code == "_has" or code in COMMON or code in PARAMETERS[resource["resourceType"]]


def _values(resource: Json, parameter: Parameter) -> list[Any]:
    return [value for path in parameter.paths for value in _walk([resource], path)]


def _walk(nodes: list[Any], path: str) -> list[Any]:
    if path == ".":
        return nodes
    for member in path.split("."):
        held = [node[member] for node in nodes if member in node]
        nodes = [item for each in held for item in (each if isinstance(each, list) else [each])]
    return nodes


def _literals(resource: Json, code: str) -> list[str]:
    found = _values(resource, _parameter(resource, code))
    return [value["reference"] for value in found if "reference" in value]


def _split(text: str, separator: str) -> list[str]:
    return re.split(rf"(?<!\\){re.escape(separator)}", text)


def _literal(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _strings(value: Any) -> Iterator[tuple[str, bool]]:
    """The strings of a value, and whether each is the family name in a whole name."""
    if isinstance(value, str):
        yield value, False
        return
    for member in ("text", "family", "given", "prefix", "suffix"):
        for text in _walk([value], member):
            yield text, member == "family"


def _string(values: list[tuple[str, bool]], modifier: str, asked: str) -> bool:
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


def _codings(value: Any, system: str) -> list[tuple[str, str]]:
    """The pairs of system and code of a value; both may be missing."""
    if isinstance(value, bool):
        return [("", "true" if value else "false")]
    if isinstance(value, str):
        return [(system, value)]
    found = value.get("coding", []) if "coding" in value or "text" in value else [value]
    return [(each.get("system", ""), each.get("code", each.get("value", ""))) for each in found]


def _token(value: Any, system: str, text: str) -> bool:
    """``c`` has any system, ``s|c`` this one, ``|c`` none, and ``s|`` any code."""
    parts = [_literal(part) for part in _split(text, "|")]
    for own, code in _codings(value, system):
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


def _token_text(value: Json, text: str) -> bool:
    """The text of a concept, or the display of one of its codings, begins with what is asked."""
    said = [*_walk([value], "text"), *_walk([value], "coding.display")]
    return any(fold(each).startswith(fold(_literal(text))) for each in said)


def _uri(resource: Json, value: str, modifier: str, text: str) -> bool:
    """Equal, or ``:below`` or ``:above`` in the path, or a part of it; ``url|version`` names both of a ValueSet."""
    asked = _literal(text)
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


def _date(value: Any, text: str) -> bool:
    prefix, asked = _prefixed(_literal(text))
    start, end = _interval(asked)
    margin = max(start - datetime.now(UTC), datetime.now(UTC) - end, timedelta()) // 10
    return _holds(prefix, (start, end), (start, end), (start - margin, end + margin), _span(value))


def _span(value: Any) -> tuple[datetime, datetime]:
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


def _number(value: Any, text: str) -> bool:
    number = Decimal(value)
    return _numeric(_literal(text), Decimal(1), ((number, 0), (number, 1)))


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


def _unit(system: str, code: str) -> tuple[str, Decimal]:
    if system == UCUM:
        dimension, factor = _FACTORS[code]
        return dimension, Decimal(factor)
    return f"{system}|{code}", Decimal(1)


def _cuts(value: Json, factor: Decimal) -> Range:
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


def _quantity(value: Json, text: str) -> bool:
    """``number`` in any unit, ``number||unit`` as it is written, or ``number|system|code``, with UCUM converted."""
    if "value" not in value:
        return False
    number, *unit = (_literal(part) for part in _split(text, "|"))
    one = Decimal(1)
    match unit:
        case []:
            return _numeric(number, one, _cuts(value, one))
        case ["", code]:
            return code in (value.get("code"), value.get("unit")) and _numeric(number, one, _cuts(value, one))
    own, factor = _unit(value.get("system", ""), value.get("code", ""))
    asked, other = _unit(*unit)
    return own == asked and _numeric(number, other, _cuts(value, factor))


def _composite(element: Json, text: str) -> bool:
    """Code and value hold of one and the same element."""
    code, quantity = _split(text, "$")
    return (
        "code" in element
        and "valueQuantity" in element
        and _token(element["code"], "", code)
        and _quantity(element["valueQuantity"], quantity)
    )
