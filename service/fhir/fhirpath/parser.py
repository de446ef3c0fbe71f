"""From tokens to a syntax tree: the grammar of https://hl7.org/fhirpath/grammar.html by precedence climbing.

Two liberties that the specification of FHIR itself needs: a text may stand in double quotes (eld-11), and any word may
follow a dot (``text.div``).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from service.fhir.fhirpath.errors import PathSyntaxError
from service.fhir.fhirpath.lexer import Token, tokens
from service.fhir.fhirpath.quantity import CALENDAR_UNITS, Quantity
from service.fhir.fhirpath.syntax import (
    Binary,
    Call,
    Index,
    Invoke,
    Literal,
    Member,
    Polarity,
    Special,
    Syntax,
    TypeTest,
    Variable,
)
from service.fhir.fhirpath.temporal import Temporal, TemporalError

MAX_DEPTH: Final = 100
"""Levels of nesting; a chain of steps or operators counts a level for each, a union as a whole."""

_BINDING: Final = {
    "implies": 1,
    "or": 2,
    "xor": 2,
    "and": 3,
    "in": 4,
    "contains": 4,
    "=": 5,
    "~": 5,
    "!=": 5,
    "!~": 5,
    "<": 6,
    ">": 6,
    "<=": 6,
    ">=": 6,
    "|": 7,
    "is": 8,
    "as": 8,
    "+": 9,
    "-": 9,
    "&": 9,
    "*": 10,
    "/": 10,
    "div": 10,
    "mod": 10,
}
_SPECIALS: Final = frozenset(("$this", "$index", "$total"))


def parse(expression: str) -> Syntax:
    """The tree of an expression; raises :class:`PathSyntaxError`."""
    parser = _Parser(expression)
    tree = parser.expression(0)
    if parser.token.kind != "end":
        parser.unexpected()
    return tree


class _Parser:
    def __init__(self, text: str):
        self._text = text
        self._tokens = tokens(text)
        self._at = 0
        self._depth = 0
        self.token = self._tokens[0]

    def unexpected(self, wanted: str = "") -> None:
        what = repr(self.token.text) if self.token.kind != "end" else "the end"
        raise PathSyntaxError(f"{wanted} expected, not {what}" if wanted else f"unexpected {what}", *self._here())

    def expression(self, binding: int) -> Syntax:
        entered = self._depth
        self._descend()
        left = self._operand()
        while (power := self._power()) > binding:
            operator = self._advance()
            if operator.text != "|":
                self._descend()
            if operator.text in ("is", "as"):
                left = TypeTest(operator.position, operator.text, left, self._type_name())
            else:
                left = Binary(operator.position, operator.text, left, self.expression(power))
        self._depth = entered
        return left

    def _here(self) -> tuple[str, int]:
        return self._text, self.token.position

    def _descend(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise PathSyntaxError(f"the expression is nested more than {MAX_DEPTH} levels deep", *self._here())

    def _power(self) -> int:
        return _BINDING.get(self.token.text, 0) if self.token.kind in ("operator", "word") else 0

    def _advance(self) -> Token:
        token = self.token
        self._at += 1
        self.token = self._tokens[self._at]
        return token

    def _take(self, operator: str) -> bool:
        if self.token.kind == "operator" and self.token.text == operator:
            self._advance()
            return True
        return False

    def _expect(self, operator: str) -> None:
        if not self._take(operator):
            self.unexpected(repr(operator))

    def _operand(self) -> Syntax:
        if self.token.kind == "operator" and self.token.text in "+-":
            sign = self._advance()
            self._descend()
            return Polarity(sign.position, sign.text, self._operand())
        tree = self._term()
        while True:
            position = self.token.position
            if self._take("."):
                self._descend()
                tree = Invoke(position, tree, self._step())
            elif self._take("["):
                self._descend()
                tree = Index(position, tree, self.expression(0))
                self._expect("]")
            else:
                return tree

    def _step(self) -> Member | Call:
        if self.token.kind not in ("word", "quoted"):
            self.unexpected("a name")
        name = self._advance()
        if not self._take("("):
            return Member(name.position, name.text)
        arguments: list[Syntax] = []
        if not self._take(")"):
            arguments.append(self.expression(0))
            while self._take(","):
                arguments.append(self.expression(0))
            self._expect(")")
        return Call(name.position, name.text, tuple(arguments))

    def _term(self) -> Syntax:
        token = self.token
        if token.kind == "operator":
            return self._bracketed(token)
        if token.kind == "special":
            if token.text not in _SPECIALS:
                self.unexpected("$this, $index or $total")
            return Special(self._advance().position, token.text[1:])
        if token.kind == "quoted" or (token.kind == "word" and token.text not in ("true", "false")):
            return self._step()
        return self._literal(token)

    def _bracketed(self, token: Token) -> Syntax:
        if self._take("("):
            tree = self.expression(0)
            self._expect(")")
            return tree
        if self._take("{"):
            self._expect("}")
            return Literal(token.position, None)
        if self._take("%"):
            if self.token.kind not in ("word", "quoted", "string"):
                self.unexpected("a variable's name")
            return Variable(token.position, self._advance().text)
        self.unexpected("an expression")
        raise AssertionError

    def _literal(self, token: Token) -> Syntax:
        if token.kind == "end":
            self.unexpected("an expression")
        self._advance()
        value: object = token.text
        if token.kind == "word":
            value = token.text == "true"
        elif token.kind == "long":
            value = int(token.text[:-1])
        elif token.kind == "number":
            value = self._number(token.text)
        elif token.kind in ("datetime", "time"):
            try:
                value = Temporal.literal(token.text[1:])
            except TemporalError as problem:
                raise PathSyntaxError(str(problem), self._text, token.position) from None
        return Literal(token.position, value)

    def _number(self, text: str) -> int | Decimal | Quantity:
        if self.token.kind == "string":
            unit = self._advance().text
            return Quantity(Decimal(text), CALENDAR_UNITS.get(unit, unit), unit in CALENDAR_UNITS)
        if self.token.kind == "word" and self.token.text in CALENDAR_UNITS:
            return Quantity(Decimal(text), CALENDAR_UNITS[self._advance().text], calendar=True)
        return Decimal(text) if "." in text else int(text)

    def _type_name(self) -> str:
        parts: list[str] = []
        while True:
            if self.token.kind not in ("word", "quoted"):
                self.unexpected("a type")
            parts.append(self._advance().text)
            if not self._take("."):
                return ".".join(parts)
