"""Token parameters: a code and the system that it comes from (https://hl7.org/fhir/R5/search.html#token).

"Matches are literal", and case-sensitive; "if the underlying datatype is string then the search is not case sensitive".
``:not`` and ``:not-in`` negate all alternatives together, so that is done by the caller: see :data:`NEGATED`.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any, Final

from service.errors import Invalid
from service.search.escaping import split, unescape
from service.search.folding import fold, unmarked
from service.search.parameters import Parameter
from service.search.query import Or, Predicate, Prefix, Sort, Term, Word
from service.search.rows import Row, TermRow, WordsRow
from service.search.types.base import ANYWHERE, Context, Make, literal, unsupported
from service.search.types.closure import in_value_set, subsumed
from service.search.types.string import words_begin

MODIFIERS: Final = frozenset({"not", "text", "text-advanced", "code-text", "of-type", "in", "not-in", "above", "below"})
NEGATED: Final = frozenset({"not", "not-in"})
"""Modifiers whose predicate is that of the value; the caller negates the alternatives as one."""
SYSTEM: Final = ":system"
"""The form of the key under which ``system|`` is found."""
TEXT: Final = ":text"
CODE: Final = ":code"
"""The form of the key for a folded code, where folding changes it."""
OF_TYPE: Final = ":of-type"
MODIFIED: Final = frozenset({TEXT, CODE, OF_TYPE})
_SHORT: Final = 100
"""Characters of a text that may well be met again."""


def rows(parameter: Parameter) -> Make:
    """Return what makes the rows of a Coding, CodeableConcept, Identifier, ContactPoint, or of a primitive value."""
    key, implied_system = parameter.key, parameter.implied_system

    def make(fhir_type: str, value: Any) -> Collection[Row]:  # noqa: ANN401  # any JSON value
        if isinstance(value, dict):
            if fhir_type == "CodeableConcept":
                return _concept(key, value)
            if fhir_type == "Identifier":
                return _identifier(key, value)
            if fhir_type == "CodeableReference":
                return _concept(key, value.get("concept") or {})
            if fhir_type == "ContactPoint":
                return _pair(key, value.get("system", ""), value.get("value", ""))
            return _coding(key, value)
        if isinstance(value, str):
            if fhir_type == "code":
                return _coding_rows(key, implied_system, value, None)
            return _pair(key, "", value.casefold() if fhir_type == "string" else value)
        return (TermRow(key, "true" if value else "false"),) if isinstance(value, bool) else ()

    return make


def predicate(
    parameter: Parameter,
    modifier: str | None,
    text: str,
    name: str,
    context: Context = ANYWHERE,
) -> Predicate:
    """Return the predicate of ``c``, ``s|c``, ``|c`` or ``s|``, or of what a modifier makes of the text."""
    match modifier:
        case None | "not":
            return token(parameter.key, text, name, any_case="string" in parameter.types)
        case "text":
            return Prefix(parameter.key + TEXT, fold(literal(name, text)))
        case "text-advanced":
            return words_begin(parameter.key + TEXT, fold(literal(name, text)))
        case "code-text":
            start = unmarked(literal(name, text))
            return Or((Prefix(parameter.key, start), Prefix(parameter.key + CODE, start)))
        case "in" | "not-in":
            return in_value_set(parameter, text, name, context)
        case "above" | "below":
            return subsumed(parameter, modifier, text, name, context)
        case "of-type" if not parameter.types or "Identifier" in parameter.types:
            return _of_type(parameter, text, name)
        case "of-type":
            raise Invalid(
                f"{name}: :of-type is only for identifiers, and {parameter.code} is none.",
                code="not-supported",
                expression=name,
            )
    raise unsupported(parameter, modifier, name)


def token(key: str, text: str, name: str, *, any_case: bool = False) -> Predicate:
    """Return the predicate of ``c``, ``s|c``, ``|c`` or ``s|``."""
    parts = [unescape(name, part) for part in split(text, "|")]
    match parts:
        case [code] if code:
            return _code(key, code, None, any_case=any_case)
        case [system, ""] if system:
            return Word(key + SYSTEM, system)
        case [system, code] if code:
            return _code(key, code, system, any_case=any_case)
    raise Invalid(f"{name}: {text!r} is not a token (code, system|code, |code or system|).", expression=name)


def sort(parameter: Parameter, descending: bool) -> Sort:
    """Return the order by code."""
    return Sort("value", parameter.key, descending)


def _code(key: str, code: str, system: str | None, *, any_case: bool) -> Predicate:
    folded = code.casefold()
    if not any_case or folded == code:
        return Term(key, code, system)
    return Or((Term(key, code, system), Term(key, folded, system)))


def _of_type(parameter: Parameter, text: str, name: str) -> Predicate:
    parts = [unescape(name, part) for part in split(text, "|")]
    if len(parts) != 3 or not all(parts):
        raise Invalid(f"{name}: {text!r} is not system|code|value, of which none may be missing.", expression=name)
    system, code, value = parts
    return Term(parameter.key + OF_TYPE, value, f"{system}|{code}")


def _concept(key: str, value: dict[str, Any]) -> tuple[Row, ...]:
    codings, text = value.get("coding"), value.get("text")
    if codings and len(codings) == 1:
        found = _coding(key, codings[0])
    else:
        found = tuple(dict.fromkeys(row for coding in codings or () for row in _coding(key, coding)))
    if text is None or (row := _text(key, text)) in found:
        return found
    return (*found, row)


def _coding(key: str, value: dict[str, Any]) -> tuple[Row, ...]:
    return _coding_rows(key, value.get("system", ""), value.get("code", ""), value.get("display"))


@lru_cache(maxsize=16_384)  # the same few codes are in every resource
def _coding_rows(key: str, system: str, code: str, display: str | None) -> tuple[Row, ...]:
    found = _pair(key, system, code)
    return tuple(found if display is None else (*found, TermRow(key + TEXT, fold(display))))


def _text(key: str, text: str) -> Row:
    return _short_text(key, text) if len(text) <= _SHORT else TermRow(key + TEXT, fold(text))


@lru_cache(maxsize=16_384)  # and the same few texts
def _short_text(key: str, text: str) -> Row:
    return TermRow(key + TEXT, fold(text))


def _pair(key: str, system: str, code: str) -> list[Row]:
    """The rows of a code and its system, either of which may be missing."""
    found: list[Row] = []
    if code:
        found.append(TermRow(key, code, system))
        folded = code if code.isdigit() and code.isascii() else unmarked(code)
        if folded != code:
            found.append(TermRow(key + CODE, folded))
    if system:
        found.append(WordsRow(key + SYSTEM, (system,)))
    return found


def _identifier(key: str, value: dict[str, Any]) -> list[Row]:
    text = value.get("value", "")
    found = _pair(key, value.get("system", ""), text)
    kind, assigner = value.get("type"), value.get("assigner")
    if not kind and not assigner:
        return found
    if kind:
        for coding in kind.get("coding") or ():
            if "display" in coding:
                found.append(_text(key, coding["display"]))
            if text and "code" in coding:
                found.append(TermRow(key + OF_TYPE, text, f"{coding.get('system', '')}|{coding['code']}"))
    for described in (kind and kind.get("text"), assigner and assigner.get("display")):
        if described:
            found.append(_text(key, described))
    return list(dict.fromkeys(found))
