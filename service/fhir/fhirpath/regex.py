"""Regular expressions (https://hl7.org/fhirpath/#matchesregex--string--boolean), kept from running away.

Python's engine backtracks and cannot be interrupted, so what could take exponential time is refused before it runs: a
repeated group in which another repetition can match the same characters in several ways. A repeated group whose turns
begin with a character that occurs nowhere else in it is fine (``(\\.[a-z]+)*``). What is left is polynomial at worst,
and the length of the text is limited for patterns with several unbounded repetitions.
"""

from __future__ import annotations

import re
from functools import lru_cache
from re import _constants as opcodes  # type: ignore[attr-defined]  # the standard library's own reading of a pattern
from re import _parser as reader  # type: ignore[attr-defined]
from typing import Any, Final

from service.fhir.fhirpath.errors import EvaluationError

MAX_PATTERN: Final = 2_000
MAX_TEXT: Final = 20_000
"""Characters of a text for a pattern that may take more than linear time."""

_MANY: Final = 10
"""From so many turns on, a repetition counts as unbounded."""
_GROUP_REFERENCE: Final = re.compile(r"\$(?:(\d+)|\{(\w+)\})")


class RegexError(EvaluationError):
    """A pattern that is wrong, or that could keep the server busy."""


def compile_regex(pattern: str, length: int) -> re.Pattern[str]:
    """The compiled pattern for a text of this length; raises :class:`RegexError`."""
    compiled, repetitions = _compile(pattern)
    if repetitions > 1 and length > MAX_TEXT:
        raise RegexError(f"A pattern with several repetitions is not matched with more than {MAX_TEXT} characters.")
    return compiled


@lru_cache(maxsize=512)
def _compile(pattern: str) -> tuple[re.Pattern[str], int]:
    if len(pattern) > MAX_PATTERN:
        raise RegexError(f"A regular expression is longer than {MAX_PATTERN} characters.")
    try:
        tree = reader.parse(pattern, re.DOTALL)
        compiled = re.compile(pattern, re.DOTALL)
    except (re.error, RecursionError, OverflowError) as problem:
        raise RegexError(f"The regular expression {pattern!r} is not understood: {problem}.") from None
    repetitions = _repetitions(tree)
    for body in _repeated(tree):
        if _repetitions(body) and not _separated(body):
            raise RegexError(f"The regular expression {pattern!r} repeats a repetition and may take for ever.")
    return compiled, repetitions


def replacement(text: str) -> str:
    """A substitution in Python's syntax: ``$1`` and ``${name}`` stand for groups."""
    plain = text.replace("\\", "\\\\")
    return _GROUP_REFERENCE.sub(lambda match: rf"\g<{match[1] or match[2]}>", plain)


def _is_repetition(operator: Any, argument: Any) -> bool:  # noqa: ANN401  # what the reader returns
    return operator in (opcodes.MAX_REPEAT, opcodes.MIN_REPEAT) and int(argument[1]) >= _MANY


def _inner(argument: Any) -> list[Any]:  # noqa: ANN401  # what the reader returns
    """The patterns inside of an operator's argument."""
    if isinstance(argument, reader.SubPattern):
        return [argument]
    if isinstance(argument, tuple | list):
        return [found for item in argument for found in _inner(item)]
    return []


def _repetitions(tree: Any) -> int:  # noqa: ANN401  # what the reader returns
    count = 0
    for operator, argument in tree:
        count += _is_repetition(operator, argument) + sum(_repetitions(inner) for inner in _inner(argument))
    return count


def _repeated(tree: Any) -> list[Any]:  # noqa: ANN401  # what the reader returns
    """The bodies of all repetitions."""
    found = []
    for operator, argument in tree:
        if _is_repetition(operator, argument):
            found.append(argument[2])
        for inner in _inner(argument):
            found.extend(_repeated(inner))
    return found


def _separated(body: Any) -> bool:  # noqa: ANN401  # what the reader returns
    """Whether every turn begins with a character that nothing else in the turn can match."""
    items = list(body)
    while len(items) == 1 and items[0][0] is opcodes.SUBPATTERN:
        items = list(items[0][1][3])
    if len(items) < 2 or items[0][0] is not opcodes.LITERAL:
        return False
    character = chr(items[0][1])
    return not any(_can_match(operator, argument, character) for operator, argument in items[1:])


def _can_match(operator: Any, argument: Any, character: str) -> bool:  # noqa: ANN401  # what the reader returns
    if operator is opcodes.LITERAL:
        return bool(chr(argument) == character)
    if operator is opcodes.NOT_LITERAL:
        return bool(chr(argument) != character)
    if operator is opcodes.IN:
        return _class_matches(argument, character)
    if operator is opcodes.AT:
        return False
    inner = _inner(argument)
    return not inner or any(_can_match(code, rest, character) for tree in inner for code, rest in tree)


def _class_matches(items: Any, character: str) -> bool:  # noqa: ANN401  # what the reader returns
    negated, found = False, False
    for operator, argument in items:
        if operator is opcodes.NEGATE:
            negated = True
        elif operator is opcodes.LITERAL:
            found |= chr(argument) == character
        elif operator is opcodes.RANGE:
            found |= argument[0] <= ord(character) <= argument[1]
        else:  # a category such as \s: asked of the engine itself
            found |= re.match(_CATEGORY.get(str(argument), "."), character) is not None
    return found is not negated


_CATEGORY: Final = {
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}
