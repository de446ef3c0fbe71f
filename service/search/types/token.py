"""Token parameters: a code and the system that it comes from (https://hl7.org/fhir/R5/search.html#token)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from service.errors import Invalid
from service.search.escaping import split, unescape
from service.search.query import Not, Or, Predicate, Term
from service.search.rows import Row, TermRow

MODIFIERS: Final = frozenset({"not"})
SYSTEM_ONLY: Final = ":system"
"""The form of the key under which ``system|`` is found."""


def extract(key: str, value: Any, implied_system: str) -> Iterator[Row]:  # noqa: ANN401  # any JSON value
    """Yield the rows of one value: a code, boolean, id, Coding, CodeableConcept, Identifier or ContactPoint.

    ``implied_system`` is that of the required binding of a plain code, which does not name its own.
    """
    for system, code in _tokens(value, implied_system):
        if code:
            yield TermRow(key, code, system)
        if system:
            yield TermRow(key + SYSTEM_ONLY, system)


def parse(name: str, key: str, modifier: str | None, text: str) -> Predicate:
    """Return the predicate of ``name[:modifier]=text``: alternatives of ``c``, ``s|c``, ``|c`` and ``s|``."""
    alternatives = Or(tuple(_alternative(name, key, value) for value in split(text, ",")))
    return Not(alternatives) if modifier == "not" else alternatives


def _tokens(value: Any, implied_system: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401  # any JSON value
    if isinstance(value, bool):
        yield "", "true" if value else "false"
    elif isinstance(value, str):
        yield implied_system, value
    elif isinstance(value, dict):
        if "coding" in value:
            for coding in value["coding"]:
                yield from _tokens(coding, "")
        elif "code" in value:
            yield value.get("system", ""), value["code"]
        elif "value" in value or "system" in value:
            yield value.get("system", ""), value.get("value", "")


def _alternative(name: str, key: str, text: str) -> Predicate:
    parts = [unescape(name, part) for part in split(text, "|")]
    match parts:
        case [code] if code:
            return Term(key, code)
        case [system, ""] if system:
            return Term(key + SYSTEM_ONLY, system)
        case [system, code] if code:
            return Term(key, code, system)
    raise Invalid(f"{name}: {text!r} is not a token (code, system|code, |code or system|).", expression=name)
