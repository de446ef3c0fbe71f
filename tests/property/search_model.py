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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from tests.property.search_values import (
    Json,
    codings,
    composite_holds,
    cuts,
    date_holds,
    fold,
    literal,
    number_holds,
    quantity_holds,
    span,
    split,
    string_holds,
    strings,
    token_holds,
    token_text_holds,
    unit_of,
    uri_holds,
    walk,
)


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
        alternatives = split(text, ",")
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
                texts = [each for value in found for each in strings(value)]
                family = parameter.paths == ("name.family",)
                return string_holds([(each, family or own) for each, own in texts], modifier, literal(text))
            case "token" if modifier == "text":
                return any(token_text_holds(value, text) for value in found)
            case "token" if parameter.any_case:
                return any(token_holds(value.casefold(), "", text.casefold()) for value in found)
            case "token":
                return any(token_holds(value, parameter.system, text) for value in found)
            case "date":
                return any(date_holds(value, text) for value in found)
            case "number":
                return any(number_holds(value, text) for value in found)
            case "quantity":
                return any(quantity_holds(value, text) for value in found)
            case "uri":
                return any(uri_holds(resource, value, modifier, text) for value in found)
            case "composite":
                return any(composite_holds(value, text) for value in found)
        return any(self.reference(value, modifier, text) for value in found)

    def reference(self, value: Json, modifier: str, text: str) -> bool:
        """``id``, ``Type/id``, a URL, the ``:[type]`` of an id, or the ``:identifier`` of what is referred to."""
        if modifier == "identifier":
            return "identifier" in value and token_holds(value["identifier"], "", text)
        if "reference" not in value:
            return False
        asked = literal(text)
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
                    keys += [("", fold(text)) for text, _ in strings(value)]
                case "token":
                    keys += [("", code) for _, code in codings(value, "") if code]
                case "date":
                    keys.append(("", span(value)[end]))
                case "number":
                    keys.append(("", Decimal(value)))
                case "quantity" if "value" in value:
                    unit, factor = unit_of(value.get("system", ""), value.get("code", value.get("unit", "")))
                    keys.append((unit, cuts(value, factor)[end]))
                case "uri":
                    keys.append(("", value))
                case "reference" if "reference" in value:
                    base, type_, id_, _ = self.place(value["reference"]) or (None, "", value["reference"], None)
                    keys.append(("", "/".join(part for part in (base, type_, id_) if part)))
        return keys


def _parameter(resource: Json, code: str) -> Parameter:
    return COMMON.get(code) or PARAMETERS[resource["resourceType"]][code]


def _knows(resource: Json, name: str) -> bool:
    code = re.split("[.:]", name)[0]
    return code == "_has" or code in COMMON or code in PARAMETERS[resource["resourceType"]]


def _values(resource: Json, parameter: Parameter) -> list[Any]:
    return [value for path in parameter.paths for value in walk([resource], path)]


def _literals(resource: Json, code: str) -> list[str]:
    found = _values(resource, _parameter(resource, code))
    return [value["reference"] for value in found if "reference" in value]
