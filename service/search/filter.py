"""``_filter``: criteria as one logical expression (https://hl7.org/fhir/R5/search_filter.html).

    filter      = paramExp / logExp / ("not") "(" filter ")"
    logExp      = filter ("and" / "or") filter
    paramExp    = paramPath SP compareOp SP compValue
    paramPath   = paramName (("[" filter "]") "." paramPath)

``and`` binds tighter than ``or``, as the page says of the two.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NoReturn

from service.errors import Invalid
from service.search.query import And, Contains, Linked, Not, Or, Predicate, Query
from service.search.types.reference import refers_to

if TYPE_CHECKING:
    from service.search.criteria import Criteria

MAX_DEPTH: Final = 50
_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<mark>[()\[\]])|(?P<word>[^\s()\[\]"]+))""", re.DOTALL
)
_PREFIXES: Final = {"gt": "gt", "lt": "lt", "ge": "ge", "le": "le", "ap": "ap", "sa": "sa", "eb": "eb"}
_OPERATORS: Final = frozenset({"eq", "ne", "co", "sw", "ew", "pr", "po", "ss", "sb", "in", "ni", "re", *_PREFIXES})


@dataclass(frozen=True, slots=True)
class _Lexeme:
    text: str
    start: int
    quoted: bool = False


def parse_filter(criteria: Criteria, type_: str, text: str) -> Predicate:
    """Return the predicate of a filter on resources of a type; raises :class:`Invalid` with the place."""
    parser = _Parser(criteria, text)
    predicate = parser.alternatives(type_, 0)
    parser.end()
    return predicate


class _Parser:
    """Recursive descent over the lexemes of one filter."""

    def __init__(self, criteria: Criteria, text: str) -> None:
        self._criteria = criteria
        self._text = text
        self._lexemes = list(_lex(text))
        self._at = 0

    def alternatives(self, type_: str, depth: int) -> Predicate:
        """``a or b``."""
        if depth > MAX_DEPTH:
            raise Invalid(f"_filter is nested more than {MAX_DEPTH} deep.", code="too-costly", expression="_filter")
        parts = [self._all(type_, depth)]
        while self._takes("or"):
            parts.append(self._all(type_, depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def end(self) -> None:
        """Nothing is left."""
        if self._at < len(self._lexemes):
            self._fail("the end, 'and' or 'or'")

    def _all(self, type_: str, depth: int) -> Predicate:
        parts = [self._one(type_, depth)]
        while self._takes("and"):
            parts.append(self._one(type_, depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _one(self, type_: str, depth: int) -> Predicate:
        negated = self._peek() == "not" and self._peek(1) == "("
        if negated:
            self._at += 1
        if self._takes("("):
            inner = self.alternatives(type_, depth + 1)
            self._expect(")")
            return Not(inner) if negated else inner
        return self._path(type_, depth)

    def _path(self, type_: str, depth: int) -> Predicate:
        """``name op value``, ``name.rest op value`` and ``name[filter].rest op value``."""
        word = self._word("a search parameter")
        code, dot, rest = word.text.partition(".")
        if self._takes("["):
            parameter = self._criteria.find(type_, code, "_filter")
            if dot or parameter.type != "reference" or len(parameter.targets) != 1:
                self._fail("a reference to one type before '['", word)
            target = parameter.targets[0]
            condition = self.alternatives(target, depth + 1)
            self._expect("]")
            following = self._word("'.' and a search parameter")
            if not following.text.startswith(".") or len(following.text) == 1:
                self._fail("'.' and a search parameter", following)
            inner = self._comparison(target, following.text[1:])
            return refers_to(parameter, Query((target,), And((condition, inner))))
        return self._comparison(type_, word.text if dot and rest else code)

    def _comparison(self, type_: str, path: str) -> Predicate:
        operator = self._word("an operator")
        if operator.text not in _OPERATORS:
            self._fail(f"an operator ({', '.join(sorted(_OPERATORS))})", operator)
        value = self._word("a value", quoted=True)
        return self._compare(type_, path, operator, value)

    def _compare(self, type_: str, path: str, operator: _Lexeme, value: _Lexeme) -> Predicate:
        """Say the same as a parameter with a modifier or a prefix, so that a filter means what a search means."""
        kind = self._kind(type_, path)
        op = operator.text
        if op == "pr":
            if value.text not in ("true", "false"):
                self._fail("true or false", value)
            return self._criteria.parse((type_,), f"{path}:missing", "false" if value.text == "true" else "true")
        if op in ("eq", "re"):
            return self._say(type_, path, ":exact" if kind == "string" else "", "", value, kind)
        if op == "ne":
            return Not(self._say(type_, path, ":exact" if kind == "string" else "", "", value, kind))
        if op in _PREFIXES and kind in ("number", "date", "quantity"):
            return self._say(type_, path, "", op, value, kind)
        if op == "po" and kind == "date":
            present = self._criteria.parse((type_,), f"{path}:missing", "false")
            apart = Or((self._say(type_, path, "", "sa", value, kind), self._say(type_, path, "", "eb", value, kind)))
            return And((present, Not(apart)))
        if op == "ew" and kind == "string":
            return _at_end(self._say(type_, path, ":contains", "", value, kind))
        modifier = _MODIFIERS.get((op, kind))
        if modifier is None:
            self._fail(f"an operator that a {kind} parameter has", operator)
        return self._say(type_, path, modifier, "", value, kind)

    def _say(self, type_: str, path: str, modifier: str, prefix: str, value: _Lexeme, kind: str) -> Predicate:
        escaped = _ESCAPE_ALL.sub(r"\\\g<0>", value.text) if kind == "string" else _ESCAPE.sub(r"\\\g<0>", value.text)
        return self._criteria.parse((type_,) if type_ else (), f"{path}{modifier}", prefix + escaped)

    def _kind(self, type_: str, path: str) -> str:
        """The type of the parameter at the end of a path."""
        head, dot, rest = path.partition(".")
        code, _, target = head.partition(":")
        parameter = self._criteria.find(type_, code, "_filter")
        if not dot:
            return parameter.type
        for each in (target,) if target else parameter.targets:
            try:
                return self._kind(each, rest)
            except Invalid:
                continue
        raise Invalid(f"_filter: {path} leads nowhere.", expression="_filter")

    def _peek(self, ahead: int = 0) -> str | None:
        at = self._at + ahead
        return self._lexemes[at].text if at < len(self._lexemes) and not self._lexemes[at].quoted else None

    def _takes(self, text: str) -> bool:
        found = self._peek() == text
        self._at += found
        return found

    def _expect(self, text: str) -> None:
        if not self._takes(text):
            self._fail(repr(text))

    def _word(self, expected: str, *, quoted: bool = False) -> _Lexeme:
        if self._at == len(self._lexemes):
            self._fail(expected)
        lexeme = self._lexemes[self._at]
        if (lexeme.text in ("(", ")", "[", "]") and not lexeme.quoted) or (lexeme.quoted and not quoted):
            self._fail(expected)
        self._at += 1
        return lexeme

    def _fail(self, expected: str, at: _Lexeme | None = None) -> NoReturn:
        lexeme = at or (self._lexemes[self._at] if self._at < len(self._lexemes) else None)
        where = f"at character {lexeme.start + 1} ({lexeme.text!r})" if lexeme else "at its end"
        raise Invalid(f"_filter: {expected} is expected {where}.", expression="_filter")


def _at_end(predicate: Predicate) -> Predicate:
    """Return the same search for a text at the end of a value, wherever in a chain it stands."""
    match predicate:
        case Contains(key, text):
            return Contains(key, text, at_end=True)
        case Linked(query=query):
            return replace(predicate, query=replace(query, where=_at_end(query.where)))
        case Or(parts):
            return Or(tuple(map(_at_end, parts)))
    return predicate


_MODIFIERS: Final = {
    ("co", "string"): ":contains",
    ("sw", "string"): "",
    ("co", "uri"): ":contains",
    ("sb", "uri"): ":below",
    ("ss", "uri"): ":above",
    ("sb", "reference"): ":below",
    ("ss", "reference"): ":above",
    ("sb", "token"): ":below",
    ("ss", "token"): ":above",
    ("in", "token"): ":in",
    ("ni", "token"): ":not-in",
    ("sw", "token"): ":code-text",
}
_ESCAPE: Final = re.compile(r"[\\,$]")
_ESCAPE_ALL: Final = re.compile(r"[\\,$|]")


def _lex(text: str) -> Iterator[_Lexeme]:
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise Invalid(f"_filter: a string is not closed at character {at + 1}.", expression="_filter")
        start = found.start(found.lastgroup or 0)
        if found["string"] is not None:
            try:
                yield _Lexeme(json.loads(found["string"], strict=False), start, quoted=True)
            except ValueError:
                raise Invalid(f"_filter: bad escape in {found['string']}.", expression="_filter") from None
        else:
            yield _Lexeme(found["mark"] or found["word"], start)
        at = found.end()
