"""From the text of a FHIRPath expression to tokens (https://hl7.org/fhirpath/grammar.html)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from service.fhir.fhirpath.errors import PathSyntaxError

MAX_LENGTH: Final = 20_000
"""Characters of an expression: far more than any published one has, and few enough to parse at once."""

_TIME: Final = r"\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?"
_TOKEN: Final = re.compile(
    rf"""
    (?P<space>\s+|//[^\r\n]*|/\*(?s:.*?)\*/)
  | (?P<datetime>@\d{{4}}(?:-\d\d-\d\dT{_TIME}(?:Z|[+-]\d\d:\d\d)?|(?:-\d\d(?:-\d\d)?)?T?))
  | (?P<time>@T{_TIME})
  | (?P<long>\d+L\b)
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
  | (?P<quoted>`(?:[^`\\]|\\.)*`)
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<special>\$[a-z]+)
  | (?P<operator><=|>=|!=|!~|[.,()\[\]{{}}|&=~<>+\-*/%])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPED: Final = {"f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_LITERAL: Final = frozenset("\\/'\"`")


@dataclass(frozen=True, slots=True)
class Token:
    """``kind`` is a group of the token pattern, or ``end``; ``text`` is without quotes and escapes."""

    kind: str
    text: str
    position: int


def tokens(expression: str) -> list[Token]:
    """All tokens, without white space and comments, closed by one of the kind ``end``."""
    if len(expression) > MAX_LENGTH:
        raise PathSyntaxError(f"the expression is longer than {MAX_LENGTH} characters", expression, MAX_LENGTH)
    found: list[Token] = []
    position = 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None or (match.lastgroup == "operator" and expression.startswith("/*", position)):
            raise PathSyntaxError(_complaint(expression, position), expression, position)
        kind = match.lastgroup or ""
        if kind != "space":
            text = match.group()
            if kind in ("string", "quoted"):
                text = _unescape(text[1:-1], expression, position)
            found.append(Token(kind, text, position))
        position = match.end()
    found.append(Token("end", "", position))
    return found


def _complaint(expression: str, position: int) -> str:
    start = expression[position]
    if start in "'\"`":
        return f"a text that begins with {start} does not end"
    if expression.startswith("/*", position):
        return "a comment does not end"
    return f"{start!r} cannot stand here"


def _unescape(text: str, expression: str, position: int) -> str:
    def plain(match: re.Match[str]) -> str:
        escape = match[1]
        if len(escape) == 5:
            return chr(int(escape[1:], 16))
        if escape in _ESCAPED or escape in _LITERAL:
            return _ESCAPED.get(escape, escape)
        # Published invariants hold regular expressions with a single backslash: "\." is kept as it is.
        if escape.isalnum() and escape not in "sSdDwWbB":
            raise PathSyntaxError(f"\\{escape} is not an escape", expression, position)
        return match[0]

    return _ESCAPE.sub(plain, text) if "\\" in text else text
