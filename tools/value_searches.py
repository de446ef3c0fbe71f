"""The searches that a value of a resource must answer (https://hl7.org/fhir/R5/search.html#ptypes).

Written from the specification alone, so that it can judge the search types of the server: nothing of
``service.search.types`` is used here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from service.fhir import definitions
from service.search.parameters import Parameter

Value = Any
"""Any value of JSON, with exact decimals."""
FIND_NOTHING: Final = "no-such-value-zzqx"
_NO_URL: Final = f"http://nowhere.example.org/{FIND_NOTHING}"
_NO_NUMBER: Final = "-987654.321"
_NO_DATE: Final = "1066-10-14"
_REFERENCE: Final = re.compile(r"(?:(https?://.+|urn:.+)/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(/_history/.+)?(#.*)?")
_NO_TEXT: Final = frozenset({"use", "type", "period", "extension", "id"})
"""Elements of names and addresses that are no text of theirs."""
_LONGEST: Final = 40
"""Characters of a text that is asked for by its beginning."""


@dataclass(frozen=True, slots=True)
class Search:
    """A criterion ``code[:modifier]=text`` that a value answers; the text has its escapes.

    ``nothing`` is a text of the same form that no value answers. Where it is empty, the search asks for equality:
    nothing answers it but values that give the same search.
    """

    code: str
    modifier: str
    text: str
    nothing: str = ""

    @property
    def name(self) -> str:
        """The parameter as it is written in a URL."""
        return f"{self.code}:{self.modifier}" if self.modifier else self.code


Elements = list[list[list[tuple[str, Value]]]]
"""Of a composite: per element and component the values with their FHIR types."""


def searches(parameter: Parameter, fhir_type: str, value: Value) -> Iterator[Search]:
    """Yield what a value of a parameter answers; nothing where it has nothing that could be asked for."""
    for search in _OF[parameter.type](parameter, fhir_type, value):
        if search.text.strip():
            yield search


def tuple_searches(parameter: Parameter, elements: Elements) -> Iterator[Search]:
    """Yield what the elements of a composite answer: every combination of the values of their components."""
    for element in elements:
        parts = [
            [next(_plain(component, *value), None) for value in held]
            for component, held in zip(parameter.components, element, strict=True)
        ]
        for combination in itertools.product(*parts):
            found = [part for part in combination if part is not None]
            if len(found) == len(parts):
                texts = [part.text for part in found]
                never = found[-1].nothing or escaped(FIND_NOTHING)
                yield Search(parameter.code, "", "$".join(texts), "$".join([*texts[:-1], never]))


def escaped(text: str) -> str:
    """The text with escapes where it has separators (https://hl7.org/fhir/R5/search.html#escaping)."""
    return re.sub(r"([\\,|$])", r"\\\1", text)


def _plain(parameter: Parameter, fhir_type: str, value: Value) -> Iterator[Search]:
    """The searches without a modifier, the most precise first: those that can be part of a composite."""
    found = [each for each in searches(parameter, fhir_type, value) if not each.modifier]
    return iter(sorted(found, key=lambda each: -each.text.count("|")))


def _token(parameter: Parameter, fhir_type: str, value: Value) -> Iterator[Search]:
    code = parameter.code
    any_case = "string" in parameter.types
    if isinstance(value, bool):
        yield Search(code, "", "true" if value else "false")
    elif isinstance(value, str):
        # "If the underlying datatype is string then the search is not case sensitive."
        text = value.upper() if fhir_type == "string" else value
        yield Search(code, "", escaped(text), FIND_NOTHING if any_case and len(parameter.types) > 1 else "")
    elif fhir_type == "CodeableConcept":
        for coding in value.get("coding", ()):
            yield from _token(parameter, "Coding", coding)
        yield from _token_text(code, value.get("text", ""))
    elif fhir_type == "CodeableReference":
        yield from _token(parameter, "CodeableConcept", value.get("concept", {}))
    elif fhir_type == "ContactPoint":
        if "value" in value:
            yield Search(code, "", escaped(value["value"]))
    elif fhir_type == "Identifier":
        yield from _coded(parameter, value.get("system", ""), value.get("value", ""))
        for coding in value.get("type", {}).get("coding", ()):
            if "value" in value and {"system", "code"} <= coding.keys():
                yield Search(
                    code, "of-type", "|".join(map(escaped, (coding["system"], coding["code"], value["value"])))
                )
    else:
        yield from _coded(parameter, value.get("system", ""), value.get("code", ""))
        yield from _token_text(code, value.get("display", ""))


def _coded(parameter: Parameter, system: str, code: str) -> Iterator[Search]:
    """``code``, ``system|code`` or ``|code``, and ``system|``, which plain codes answer that imply the system."""
    nothing = FIND_NOTHING if parameter.implied_system or "string" in parameter.types else ""
    if code:
        yield Search(parameter.code, "", escaped(code), nothing)
        with_system = f"{escaped(system)}|"
        yield Search(parameter.code, "", with_system + escaped(code), nothing and with_system + nothing)
    if system:
        yield Search(parameter.code, "", f"{escaped(system)}|", nothing and f"{_NO_URL}|")


def _token_text(code: str, text: str) -> Iterator[Search]:
    yield Search(code, "text", escaped(_beginning(text)), FIND_NOTHING)


def _string(parameter: Parameter, fhir_type: str, value: Value) -> Iterator[Search]:  # noqa: ARG001  # as all
    for text in _texts(value):
        if parameter.phonetic:
            yield Search(parameter.code, "", escaped(text), FIND_NOTHING)
            continue
        yield Search(parameter.code, "exact", escaped(text))
        yield Search(parameter.code, "", escaped(_beginning(text)), FIND_NOTHING)
        middle = text[len(text) // 3 :][:_LONGEST].strip()
        yield Search(parameter.code, "contains", escaped(middle or text), FIND_NOTHING)


def _texts(value: Value) -> Iterator[str]:
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, dict):
        for name, held in value.items():
            if name not in _NO_TEXT and not name.startswith("_"):
                yield from _texts(held)
    elif isinstance(value, list):
        for held in value:
            yield from _texts(held)
    elif value is not None:
        yield str(value)


def _beginning(text: str) -> str:
    return text[: max(3, min(_LONGEST, len(text) // 2))].strip() or text


def _uri(parameter: Parameter, fhir_type: str, value: Value) -> Iterator[Search]:  # noqa: ARG001  # as all
    code = parameter.code
    yield Search(code, "", escaped(value))
    yield Search(code, "contains", escaped(value[len(value) // 3 :]), FIND_NOTHING)
    if "://" in value:
        parent = value.rstrip("/").rpartition("/")[0]
        if not parent.endswith("/"):
            yield Search(code, "below", escaped(parent), _NO_URL)
        yield Search(code, "above", escaped(f"{value.rstrip('/')}/{FIND_NOTHING}"), _NO_URL)


def _reference(parameter: Parameter, fhir_type: str, value: Value) -> Iterator[Search]:
    code = parameter.code
    if isinstance(value, str):
        yield from _canonical(parameter, value)
    elif fhir_type == "CodeableReference":
        yield from _reference(parameter, "Reference", value.get("reference", {}))
    elif "resourceType" in value:
        yield from _literal(parameter, f"{value['resourceType']}/{value.get('id', '')}")
    else:
        yield from _literal(parameter, value.get("reference", ""))
        identifier = value.get("identifier", {})
        if "value" in identifier:
            yield Search(code, "identifier", f"{escaped(identifier.get('system', ''))}|{escaped(identifier['value'])}")
            yield Search(code, "identifier", escaped(identifier["value"]))
        yield Search(code, "text", escaped(_beginning(value.get("display", ""))), FIND_NOTHING)


def _canonical(parameter: Parameter, value: str) -> Iterator[Search]:
    if value.startswith("#"):
        return  # to what is contained
    url, bar, version = value.partition("|")
    yield Search(parameter.code, "", escaped(url))
    if bar and version:
        with_url = f"{escaped(url)}|"
        yield Search(parameter.code, "", with_url + escaped(version), with_url + FIND_NOTHING)


def _literal(parameter: Parameter, reference: str) -> Iterator[Search]:
    code = parameter.code
    found = _REFERENCE.fullmatch(reference)
    if reference.startswith("#"):
        return  # to what is contained
    if found is None or found[2] not in definitions.resource_types() or found[5]:
        yield Search(code, "", escaped(reference), f"Patient/{FIND_NOTHING}")
        return
    base, type_, id_, version = found[1], found[2], found[3], found[4]
    if version:
        yield Search(code, "", escaped(reference), f"Patient/{FIND_NOTHING}")
    if base:
        if not version:  # which version is meant is left open by a relative reference only
            yield Search(code, "", escaped(reference))
        return
    yield Search(code, "", f"{type_}/{id_}")
    if not parameter.targets or type_ in parameter.targets:
        yield Search(code, type_, id_)
        yield Search(code, "", id_, FIND_NOTHING)


def _date(parameter: Parameter, fhir_type: str, value: Value) -> Iterator[Search]:
    code = parameter.code
    if isinstance(value, str):
        yield Search(code, "", value, _NO_DATE)
        if "T" in value:
            yield Search(code, "", f"ge{value}", f"eb{_NO_DATE}")
        else:
            yield Search(code, "", value[:4], _NO_DATE)
        return
    starts, ends = [value["start"]] if "start" in value else [], [value["end"]] if "end" in value else []
    if fhir_type == "Timing":
        bounds = value.get("repeat", {}).get("boundsPeriod", {})
        starts = [*value.get("event", ()), *([bounds["start"]] if "start" in bounds else [])]
        ends = [*value.get("event", ()), *([bounds["end"]] if "end" in bounds else [])]
    for start in starts:
        yield Search(code, "", f"ge{start}", f"eb{_NO_DATE}")
    for end in ends:
        yield Search(code, "", f"le{end}", "sa9998")
    if len(starts) == len(ends) == 1 and starts[0][:4] == ends[0][:4] and "T" not in starts[0] + ends[0]:
        yield Search(code, "", starts[0][:4], _NO_DATE)


def _number(parameter: Parameter, fhir_type: str, value: Value) -> Iterator[Search]:  # noqa: ARG001  # as all
    yield from _amount(parameter, "", value, "")
    yield from _amount(parameter, "ge", value, "")
    yield from _amount(parameter, "ap", value, "")


def _amount(parameter: Parameter, prefix: str, value: Value, unit: str) -> Iterator[Search]:
    yield Search(parameter.code, "", f"{prefix}{value}{unit}", f"{_NO_NUMBER}{unit}")


def _quantity(parameter: Parameter, fhir_type: str, value: Value) -> Iterator[Search]:
    if not isinstance(value, dict):
        yield from _number(parameter, fhir_type, value)
        return
    if fhir_type == "Range":
        ends = {"ge": value.get("low", {}), "le": value.get("high", {})}
        units = {(end.get("system"), end.get("code"), end.get("unit")) for end in ends.values() if "value" in end}
        for prefix, end in ends.items():
            if "value" in end:
                yield from _measured(parameter, (prefix,), end["value"], end if len(units) == 1 else {})
    elif fhir_type == "SampledData":
        origin = value.get("origin", {})
        scale, offset = Decimal(value.get("factor", 1)), Decimal(origin.get("value", 0))
        points = [offset + scale * Decimal(point) for point in value.get("data", "").split() if point not in "ELU"]
        if points:
            yield from _measured(parameter, ("ge",), min(points), origin)
            yield from _measured(parameter, ("le",), max(points), origin)
    elif "value" in value:
        prefixes = {"<": ("lt", "le"), "<=": ("le",), ">": ("gt", "ge"), ">=": ("ge",), "ad": ("ge",)}
        yield from _measured(
            parameter, prefixes.get(value.get("comparator", ""), ("", "ge", "le")), value["value"], value
        )


def _measured(
    parameter: Parameter, prefixes: tuple[str, ...], amount: Value, unit: Mapping[str, str]
) -> Iterator[Search]:
    """An amount alone, with system and code, and with its code or unit as it is written."""
    currency = unit.get("currency")
    system, code = ("urn:iso:std:iso:4217", currency) if currency else (unit.get("system", ""), unit.get("code", ""))
    for prefix in prefixes:
        yield from _amount(parameter, prefix, amount, "")
        if system and code:
            yield from _amount(parameter, prefix, amount, f"|{escaped(system)}|{escaped(code)}")
        for text in dict.fromkeys((code, unit.get("unit", ""))):
            if text:
                yield from _amount(parameter, prefix, amount, f"||{escaped(text)}")


_OF: Final[Mapping[str, Callable[[Parameter, str, Value], Iterator[Search]]]] = {
    "date": _date,
    "number": _number,
    "quantity": _quantity,
    "reference": _reference,
    "string": _string,
    "token": _token,
    "uri": _uri,
}
