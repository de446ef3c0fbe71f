"""Errors of two validators as places that can be compared.

A fault is one error: its kind (the rule of ours, the message id or shape of the HL7 validator's) and its place, in
FHIRPath. The two write the same place in different ways: :data:`SPELLINGS` are the ways that :func:`of_ours`,
:func:`of_hl7` and :func:`respelled` make alike. Two places that differ in anything else are different places.

Page: https://hl7.org/fhir/R5/operationoutcome-definitions.html#OperationOutcome.issue.expression
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from service.errors import Issue
from service.profiles.base import FORM

NOT_COMPARED: Final = (
    "Type_Specific_Checks_DT_URL_Resolve",
    "TYPE_SPECIFIC_CHECKS_DT_URL_EXAMPLE",
    "VALIDATION_HL7_",
    "IG_HL7_",
)
"""Beginnings of the ids of messages about what the HL7 validator cannot fetch offline, about example.org, and about
what HL7 asks of its own publications."""

SPELLINGS: Final = {
    "choice": "a choice is one element, X.value, also where it is value[x], value.ofType(Quantity) or valueQuantity",
    "cardinality": "what is missing or too often there is at that element; HL7: at its parent, the element in the text",
    "property": "what the definition lacks is at that property; HL7: at its parent, the name in the text",
    "named": "what a message says of url, system or id is at that element; HL7: at its parent, by the message",
    "item": "an item of a wrong JSON type in an array is at the item; HL7: at the array",
    "context": "an extension in the wrong place is at what has it; here: at the extension",
    "bundle": "a reference without its entry is at the reference; HL7: at the Bundle, the place in the text",
}
"""What is done to the places before they are compared, and why that does not change which element is meant."""

_COMMENT: Final = re.compile(r"/\*.*?\*/")
_TYPED: Final = re.compile(r"\.ofType\(\w+\)|\[x\]")
_CARDINALITY: Final = re.compile(r"^(?:Slice ')?([\w.:\[\]/-]+?)(?:: m|'[: ]| ')")
_ELEMENT: Final = re.compile(r"(\w+)(?:\[x\])?(?::[^.]*)?$")
_PROPERTY: Final = re.compile(r"^Unrecognized property '([^']+)'|^The type of element (\w+) is not known")
_SHAPE: Final = re.compile(r"'[^']*'|\([^)]*\)|property \w+")
_EXTENSION: Final = re.compile(r"\.(?:modifierE|e)xtension(?:\[\d+\])?$")
_IN_BUNDLE: Final = re.compile(r"\((Bundle\.[^)]*)\)")
_NAMED: Final = {
    "Extension_EXT_URL_Absolute": ".url",
    "Extension_EXT_Url_NotFound": ".url",
    "Resource_RES_ID_Missing": ".id",
    "Terminology_TX_System_Relative": ".system",
    "Type_Specific_Checks_DT_Identifier_System": ".system",
    "VALUESET_INCLUDE_SYSTEM_ABSOLUTE": ".system",
}
"""Id of a message -> the element that it speaks of, below the place that it is reported at."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An error: its kind, its place, its text, and the keys of :data:`SPELLINGS` that its place was changed by."""

    kind: str
    place: str
    text: str
    spelled: frozenset[str] = frozenset()


def of_ours(issues: Iterable[Issue]) -> list[Fault]:
    """The faults among our issues."""
    found = []
    for each in issues:
        if each.severity in ("fatal", "error"):
            fault = _plain(str(each.rule), each.expression[0], each.diagnostics)
            if each.rule == "extension-context":
                fault = _respelled(fault, "context", _EXTENSION.sub("", fault.place))
            found.append(fault)
    return found


def of_hl7(issues: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """The faults among the HL7 validator's issues, as ``validate.py`` gives them."""
    return [
        _fault(each)
        for each in issues
        if each["severity"] in ("fatal", "error")
        and not each.get("tx")
        and not (each.get("id") or "").startswith(NOT_COMPARED)
    ]


def _fault(issue: Mapping[str, Any]) -> Fault:
    text = issue.get("text") or ""
    key = (issue.get("id") or "").rpartition("#")[2]
    shape = " ".join(_SHAPE.sub("", text).split())[:50]
    fault = _plain(key or shape, _COMMENT.sub("", issue.get("expression") or ""), text)
    if key.startswith(("Validation_VAL_Profile_Minimum", "Validation_VAL_Profile_Maximum")):
        named = _CARDINALITY.match(text)
        element = _ELEMENT.search(named[1]) if named else None
        return _respelled(fault, "cardinality", f"{fault.place}.{element[1]}") if element else fault
    if unknown := _PROPERTY.match(text):
        return _respelled(fault, "property", f"{fault.place}.{unknown[1] or unknown[2]}")
    if key.startswith("BUNDLE_BUNDLE_ENTRY_NOTFOUND") and (where := _IN_BUNDLE.search(text)):
        return _respelled(fault, "bundle", f"{_TYPED.sub('', where[1])}.reference")
    return _respelled(fault, "named", fault.place + _NAMED[key]) if key in _NAMED else fault


def _plain(kind: str, place: str, text: str) -> Fault:
    return _respelled(Fault(kind, place, text), "choice", _TYPED.sub("", place))


def _respelled(fault: Fault, spelling: str, place: str) -> Fault:
    if place == fault.place:
        return fault
    return Fault(fault.kind, place, fault.text, fault.spelled | {spelling})


def respelled(ours: list[Fault], theirs: list[Fault]) -> list[Fault]:
    """Their faults with the place of a wrong type as we have written it."""
    types = {fault.place for fault in ours if fault.kind in ("choice", "type")}
    return [_as_ours(fault, types) for fault in theirs]


def differences(ours: list[Fault], theirs: list[Fault]) -> tuple[list[Fault], list[Fault]]:
    """The faults that only we have, and those that only they have; both empty where the places are the same."""
    places = {fault.place for fault in ours}
    other = {fault.place for fault in theirs}
    return (
        [fault for fault in ours if fault.place not in other],
        [fault for fault in theirs if fault.place not in places],
    )


def _as_ours(fault: Fault, types: set[str]) -> Fault:
    """The place of a wrong type as we write it: ``X.value`` for ``X.valueString``, ``X[0]`` for ``X``."""
    whole = re.fullmatch(r".*\.[a-z]\w*?[A-Z]\w*", fault.place)
    for place in types:
        rest = fault.place.removeprefix(place)
        if whole and rest != fault.place and rest[:1].isupper():
            return _respelled(fault, "choice", place)
        if fault.text.startswith("Error parsing JSON") and place.startswith(f"{fault.place}["):
            return _respelled(fault, "item", place)
    return fault


def after_form(ours: Iterable[Fault], theirs: Iterable[Fault]) -> bool:
    """Whether both find the form of one value wrong."""
    return not {fault.place for fault in ours if fault.kind in FORM}.isdisjoint(fault.place for fault in theirs)
