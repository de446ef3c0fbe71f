"""Errors of two validators as places that can be compared.

A fault is one error: its kind (the rule of ours, the message id or shape of the HL7 validator's) and its place, in
FHIRPath. The two write the same place in different ways; what :func:`of_ours` and :func:`of_hl7` make alike is:

- a choice is ``value``, not ``value.ofType(Quantity)`` or ``value[x]``;
- what is missing, or too often there, is reported at the element (ours) or at its parent, with the element in the text;
- so is a property that the definition does not have, and a type that a choice does not have;
- a primitive of the wrong JSON type in an array is reported at the item (ours) or at the array;
- a system or URL that is not absolute is reported at the value (ours) or at what has it;
- an extension in the wrong place is reported where it is (ours) or at what has it;
- a reference that the entries of a Bundle do not resolve is reported there (ours) or at the Bundle, with the place in
  the text.

Page: https://hl7.org/fhir/R5/operationoutcome-definitions.html#OperationOutcome.issue.expression
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from service.errors import Issue

NOT_COMPARED: Final = (
    "Type_Specific_Checks_DT_URL_Resolve",
    "TYPE_SPECIFIC_CHECKS_DT_URL_EXAMPLE",
    "VALIDATION_HL7_",
    "IG_HL7_",
)
"""Beginnings of the ids of messages about what the HL7 validator cannot fetch offline, about example.org, and about
what HL7 asks of its own publications."""

FORM: Final = frozenset({"cardinality", "type", "unknown", "null", "content", "choice", "format", "range", "element"})
"""Our rules about the JSON form of a value; with such an error the two do not go on from the same value."""

_COMMENT: Final = re.compile(r"/\*.*?\*/")
_TYPED: Final = re.compile(r"\.ofType\(\w+\)|\[x\]")
_CARDINALITY: Final = re.compile(r"^(?:Slice ')?([\w.:\[\]/-]+?)(?:: m|'[: ]| ')")
_ELEMENT: Final = re.compile(r"(\w+)(?:\[x\])?(?::[^.]*)?$")
_PROPERTY: Final = re.compile(r"^Unrecognized property '([^']+)'|^The type of element (\w+) is not known")
_SHAPE: Final = re.compile(r"'[^']*'|\([^)]*\)|property \w+")
_EXTENSION: Final = re.compile(r"\.(?:modifierE|e)xtension(?:\[\d+\])?$")
_IN_BUNDLE: Final = re.compile(r"\((Bundle\.[^)]*)\)")
_BELOW: Final = {
    "Extension_EXT_URL_Absolute": ".url",
    "Terminology_TX_System_Relative": ".system",
    "VALUESET_INCLUDE_SYSTEM_ABSOLUTE": ".system",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """An error: its kind, its place, and its text."""

    kind: str
    place: str
    text: str


def of_ours(issues: Iterable[Issue]) -> list[Fault]:
    """The faults among our issues."""
    found = []
    for each in issues:
        if each.severity in ("fatal", "error"):
            place = _plain(each.expression[0])
            if each.rule == "extension-context":
                place = _EXTENSION.sub("", place)
            found.append(Fault(str(each.rule), place, each.diagnostics))
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
    place = _plain(_COMMENT.sub("", issue.get("expression") or ""))
    text = issue.get("text") or ""
    key = (issue.get("id") or "").rpartition("#")[2]
    if key.startswith(("Validation_VAL_Profile_Minimum", "Validation_VAL_Profile_Maximum")):
        named = _CARDINALITY.match(text)
        element = _ELEMENT.search(named[1]) if named else None
        if element:
            place += f".{element[1]}"
    elif unknown := _PROPERTY.match(text):
        place += f".{unknown[1] or unknown[2]}"
        key = key or "Unrecognized property"
    elif key.startswith("BUNDLE_BUNDLE_ENTRY_NOTFOUND") and (named := _IN_BUNDLE.search(text)):
        place = f"{_plain(named[1])}.reference"
    else:
        place += _BELOW.get(key, "")
    return Fault(key or " ".join(_SHAPE.sub("", text).split())[:50], place, text)


def _plain(place: str) -> str:
    return _TYPED.sub("", place)


def differences(ours: list[Fault], theirs: list[Fault]) -> tuple[list[Fault], list[Fault]]:
    """The faults that only we have, and those that only they have; both empty where the places are the same."""
    types = {fault.place for fault in ours if fault.kind in ("choice", "type")}
    places = {fault.place for fault in ours}
    theirs = [_as_ours(fault, types) for fault in theirs]
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
            return Fault(fault.kind, place, fault.text)
        if fault.text.startswith("Error parsing JSON") and place.startswith(f"{fault.place}["):
            return Fault(fault.kind, place, fault.text)
    return fault


def without_consequences(only: list[Fault], shared: set[str]) -> list[Fault]:
    """The faults that are not about something around or in a value whose form both find wrong."""
    return [
        fault
        for fault in only
        if not any(_around(fault.place, place) or _around(place, fault.place) for place in shared)
    ]


def _around(outer: str, inner: str) -> bool:
    return inner.startswith((f"{outer}.", f"{outer}["))
