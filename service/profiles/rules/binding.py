"""Required bindings: https://hl7.org/fhir/R5/terminologies.html#required.

A closed value set is a table of codes. Of an open one (MIME types, languages) only the grammar of a code can be
checked, and where it has none of its own, only that there is a code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from service.fhir.definitions import ValueSetCodes
from service.profiles.rules.primitive import Accepts, Complaint
from service.profiles.rules.reference import Extra
from service.profiles.run import SINGLE, Object, Run, Where, quoted
from service.terminology.grammars import LANGUAGE, MIME

Allows: TypeAlias = Callable[[Any, Any], bool]
"""Whether a system and a code are in a value set."""

_DATA_ABSENT: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

_CODE: Final = re.compile(r"[^\s\x00-\x1f]+(?: [^\s\x00-\x1f]+)*")
"""What holds for any code."""

_GRAMMARS: Final = {"mime": MIME, "language": LANGUAGE, "unchecked": _CODE}


def allows_code(codes: ValueSetCodes) -> Accepts:
    """Return the test of a bare code, whose system is implied by the value set."""
    if codes.open is not None:
        return _GRAMMARS[codes.open].fullmatch
    return codes.codes.__contains__


def _allows(codes: ValueSetCodes) -> Allows:
    allows = allows_code(codes)
    if codes.open is not None:
        return lambda _, code: isinstance(code, str) and bool(allows(code))

    def closed(system: Any, code: Any) -> bool:  # noqa: ANN401  # any JSON values
        return isinstance(system, str) and isinstance(code, str) and code in codes.systems.get(system, ())

    return closed


def coding(codes: ValueSetCodes, value_set: str) -> Extra:
    """Check a Coding, or a Quantity, whose unit is coded in the same two properties."""
    allows = _allows(codes)

    def check(value: Object, where: Where, run: Run) -> None:
        if not allows(value.get("system"), value.get("code")) and not absent(value):
            _refuse(f"{_shown(value)} is not in", value_set, (where, "code", SINGLE), run)

    return check


def codeable_concept(codes: ValueSetCodes, value_set: str) -> Extra:
    """Check a CodeableConcept: one of its codings has to be in the value set, a text does not do."""
    allows = _allows(codes)

    def check(value: Object, where: Where, run: Run) -> None:
        listed = value.get("coding")
        codings = [c for c in listed if isinstance(c, dict)] if isinstance(listed, list) else []
        if any(allows(c.get("system"), c.get("code")) for c in codings) or absent(value):
            return
        shown = ", ".join(map(_shown, codings))
        _refuse(f"{shown}: none is in" if shown else "has no code from", value_set, where, run)

    return check


def codeable_reference(codes: ValueSetCodes, value_set: str) -> Extra:
    """Check the concept of a CodeableReference, where it has one."""
    check_concept = codeable_concept(codes, value_set)

    def check(value: Object, where: Where, run: Run) -> None:
        concept = value.get("concept")
        if isinstance(concept, dict):
            check_concept(concept, (where, "concept", SINGLE), run)

    return check


def collected(type_name: str, value_set: str) -> Extra:
    """Note a value that has an extensible binding, for whoever has a terminology to judge it."""

    def check(value: Object, where: Where, run: Run) -> None:
        run.bound.append((value, where, type_name, value_set))

    return check


BY_TYPE: Final[dict[str, Callable[[ValueSetCodes, str], Extra]]] = {
    "CodeableConcept": codeable_concept,
    "CodeableReference": codeable_reference,
    "Coding": coding,
    "Quantity": coding,
}
"""Data type -> how a binding of an element of this type is checked; a bare ``code`` is checked with its value."""


def refused_code(code: object, value_set: str) -> Complaint:
    """Return the complaint about a bare code that is not in the value set."""
    return Complaint("code-invalid", "binding", f"{quoted(code)} is not in the required value set {value_set}")


def _refuse(problem: str, value_set: str, where: Where, run: Run) -> None:
    run.report("code-invalid", "binding", where, f"{problem} the required value set {value_set}")


def _shown(value: Object) -> str:
    return quoted(f"{value.get('system', '')}|{value.get('code', '')}")


def absent(value: Object) -> bool:
    """Whether an extension says why there is no code."""
    extensions = value.get("extension")
    if not isinstance(extensions, list):
        return False
    return any(isinstance(extension, dict) and extension.get("url") == _DATA_ABSENT for extension in extensions)
