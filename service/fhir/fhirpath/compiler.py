"""From a syntax tree to closures, and what can be known of their outcome on the way.

Every closure takes the state of the evaluation and the collection that the expression starts with. Wherever an
expression starts anew (an operand, an argument), that collection is ``$this``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from service.fhir.fhirpath import model, operators
from service.fhir.fhirpath.arithmetic import negate
from service.fhir.fhirpath.constant import is_constant, once
from service.fhir.fhirpath.context import Context, Hooks, single
from service.fhir.fhirpath.environment import constant_value
from service.fhir.fhirpath.errors import PathNotSupported, PathSemanticError
from service.fhir.fhirpath.functions import FUNCTIONS
from service.fhir.fhirpath.node import EMPTY as NOTHING
from service.fhir.fhirpath.node import Collection, computed, follow, truth
from service.fhir.fhirpath.registry import Compiled, Scope, Site, take
from service.fhir.fhirpath.static import BOOLEAN, EMPTY, INTEGER, STRING, UNKNOWN, Static, merge, of
from service.fhir.fhirpath.static_operators import check_arithmetic, check_comparison
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
    union_parts,
)

_ENVIRONMENT: Final[dict[str, tuple[Callable[[Context], Collection], bool]]] = {
    "context": (lambda context: [context.node], True),
    "resource": (lambda context: [context.resource], True),
    "rootResource": (lambda context: [context.root], False),
}
"""How a variable of FHIR is read, and whether it is of the type that the expression is compiled for."""
_SERVICES: Final = frozenset(("terminologies", "factory", "server"))


class Compiler:
    """Compiles one expression for one type."""

    def __init__(self, text: str, root: Static, hooks: Hooks, *, strict: bool):
        self.text = text
        self.root = root
        self.hooks = hooks
        self.strict = strict

    def error(self, problem: str, position: int) -> PathSemanticError:
        """A semantic error at a place in the expression."""
        return PathSemanticError(problem, self.text, position)

    def types(self, specifier: str, position: int) -> tuple[str, ...]:
        """The types that a type specifier names."""
        found = model.resolve_type(specifier)
        if found is None:
            raise self.error(f"there is no type {specifier!r}", position)
        return found

    def compile(self, tree: Syntax, scope: Scope) -> Compiled:
        """Compile any tree; inside of a loop, what is the same for every item is evaluated once."""
        compiled = _COMPILE[type(tree)](self, tree, scope)
        if scope.indexed and isinstance(tree, Invoke | Binary) and is_constant(tree):
            return compiled._replace(run=once(compiled.run))
        return compiled

    def literal(self, tree: Literal, scope: Scope) -> Compiled:
        """A value, or the empty collection."""
        if tree.value is None:
            return Compiled(lambda _context, _focus: NOTHING, EMPTY, scope)
        nodes = [computed(tree.value)]
        return Compiled(lambda _context, _focus: nodes, of(nodes[0].type), scope)

    def special(self, tree: Special, scope: Scope) -> Compiled:
        """``$this``, ``$index`` and ``$total``."""
        if tree.name == "this":
            return Compiled(lambda context, _focus: context.this, scope.this, scope)
        if tree.name == "index":
            if not scope.indexed:
                raise self.error("$index means something only where an expression is evaluated per item", tree.position)
            return Compiled(lambda context, _focus: [computed(context.index)], INTEGER, scope)
        if scope.total is None:
            raise self.error("$total means something only in aggregate()", tree.position)
        return Compiled(lambda context, _focus: context.total, scope.total, scope)

    def variable(self, tree: Variable, scope: Scope) -> Compiled:
        """``%name``: defined in the expression, by FHIR, or by the caller."""
        name = tree.name
        if name in scope.variables:
            return Compiled(lambda context, _focus: context.defined[name], scope.variables[name], scope)
        if name in _ENVIRONMENT:
            read, kept = _ENVIRONMENT[name]
            known = self.root if kept and (name != "resource" or self._on_resource()) else UNKNOWN.single()
            return Compiled(lambda context, _focus: read(context), known, scope)
        constant = constant_value(name)
        if constant is not None:
            nodes = [computed(constant)]
            return Compiled(lambda _context, _focus: nodes, STRING, scope)
        if name in self.hooks.variables or scope.open:
            return Compiled(lambda context, _focus: context.lookup(name), UNKNOWN, scope)
        if name in _SERVICES:
            raise PathNotSupported(f"%{name}", "this server offers no services to expressions")
        raise self.error(f"the variable %{name} is not defined here", tree.position)

    def _on_resource(self) -> bool:
        return bool(self.root.types) and all(model.is_resource(name) for name in self.root.types or ())

    def head(self, tree: Member, scope: Scope) -> Compiled:
        """A name at the start of a path: the type of what the path starts with, or an element of it."""
        name = tree.name
        if not model.is_type(name) or not name[0].isupper():
            return self.member(tree, scope.this, scope)
        types = scope.this.types
        if types is not None and not any(model.is_abstract(kind) for kind in types):
            fitting = frozenset(kind for kind in types if name in model.supertypes(kind))
            if not fitting:
                if self.strict:
                    raise self.error(f"the context is {_names(types)}, not {name}", tree.position)
                return Compiled(lambda _context, _focus: NOTHING, EMPTY, scope)
            static = replace(scope.this, types=fitting)
        else:
            static = Static(frozenset((name,)), scope.this.many)

        def run(_context: Context, focus: Collection) -> Collection:
            return [node for node in focus if name in model.supertypes(node.type)]

        return Compiled(run, static, scope)

    def member(self, tree: Member, target: Static, scope: Scope) -> Compiled:
        """An element of whatever the path has led to."""
        name = tree.name
        known: dict[str, model.Step | None] = {}

        def run(_context: Context, focus: Collection) -> Collection:
            found: Collection = []
            for node in focus:
                kind = node.type
                if kind not in known:
                    known[kind] = model.step(kind, name)
                step = known[kind]
                if step is not None:
                    follow(node, step, found)
            return found

        return Compiled(run, self._element(tree, target), scope)

    def _element(self, tree: Member, target: Static) -> Static:
        if target.types is None or any(model.is_abstract(kind) for kind in target.types):
            return Static(None, ordered=target.ordered)
        found = [model.step(kind, tree.name, json_names=not self.strict) for kind in target.types]
        steps = [step for step in found if step is not None]
        if not steps and target.types and self.strict:
            raise self.error(f"{_names(target.types)} has no element {tree.name!r}", tree.position)
        types = frozenset(entry.type for step in steps for entry in step.entries)
        many = target.many or any(step.repeats for step in steps)
        return Static(types, many, target.ordered)

    def call(self, tree: Call, target: Static, scope: Scope) -> Compiled:
        """A function on whatever the path has led to."""
        function = FUNCTIONS.get(tree.name)
        if function is None:
            raise PathNotSupported(f"{tree.name}()", "there is no function of this name")
        if not function.minimum <= len(tree.arguments) <= function.maximum:
            wanted = (
                str(function.minimum)
                if function.minimum == function.maximum
                else (f"{function.minimum} to {function.maximum}")
            )
            raise self.error(f"{tree.name}() takes {wanted} arguments, not {len(tree.arguments)}", tree.position)
        return function.build(Site(self, tree, target, scope))

    def invoke(self, tree: Invoke, scope: Scope) -> Compiled:
        """``target.step``."""
        target = self.compile(tree.target, scope)
        step = self._step(tree.step, target.static, target.scope)
        first, then = target.run, step.run
        return Compiled(lambda context, focus: then(context, first(context, focus)), step.static, step.scope)

    def _step(self, tree: Member | Call, target: Static, scope: Scope) -> Compiled:
        if isinstance(tree, Member):
            return self.member(tree, target, scope)
        return self.call(tree, target, scope)

    def index(self, tree: Index, scope: Scope) -> Compiled:
        """``target[index]``."""
        target, index = self.compile(tree.target, scope), self.compile(tree.index, scope)
        self.check_order(target.static, "[ ]", tree.position)
        if index.static.never("System.Integer"):
            raise self.error("an index is an Integer", tree.position)
        first, position = target.run, index.run

        def run(context: Context, focus: Collection) -> Collection:
            at = take(position(context, focus), "integer", "[ ]")
            found = first(context, focus)
            return [found[at]] if at is not None and 0 <= at < len(found) else NOTHING

        return Compiled(run, target.static.single(), target.scope)

    def check_order(self, static: Static, what: str, position: int) -> None:
        """In strict mode, refuse to pick by position out of what has no order."""
        if self.strict and not static.ordered:
            raise self.error(f"{what} on items that have no order", position)

    def polarity(self, tree: Polarity, scope: Scope) -> Compiled:
        """A sign."""
        operand = self.compile(tree.operand, scope)
        if operand.static.never("System.Integer", "System.Decimal", "System.Quantity"):
            raise self.error(f"{tree.operator} before {_names(operand.static.types)}", tree.position)
        inner, minus = operand.run, tree.operator == "-"

        def run(context: Context, focus: Collection) -> Collection:
            value = take(inner(context, focus), "amount", "a sign")
            return NOTHING if value is None else [computed(negate(value) if minus else value)]

        return Compiled(run, operand.static.single(), scope)

    def type_test(self, tree: TypeTest, scope: Scope) -> Compiled:
        """``is`` and ``as``.

        Published search parameters apply ``as`` to lists (AdverseEvent ``substance``), which the specification makes an
        error. Only strict mode insists on a single item; otherwise those of another type are left out.
        """
        operand = self.compile(tree.operand, scope)
        wanted, inner = self.types(tree.type, tree.position), operand.run
        if tree.operator == "is":

            def test(context: Context, focus: Collection) -> Collection:
                node = single(inner(context, focus), "is")
                return NOTHING if node is None else truth(model.matches(node.type, wanted, exact_primitives=False))

            return Compiled(test, BOOLEAN, scope)

        strict = self.strict

        def cast(context: Context, focus: Collection) -> Collection:
            found = inner(context, focus)
            if strict:
                single(found, "as")
            return [node for node in found if model.matches(node.type, wanted, exact_primitives=True)]

        return Compiled(cast, of(*wanted, many=operand.static.many and not strict), scope)

    def binary(self, tree: Binary, scope: Scope) -> Compiled:
        """Any operator between two expressions."""
        operator = tree.operator
        if operator == "|":
            parts = [self.compile(part, scope) for part in union_parts(tree)]
            return Compiled(operators.union([part.run for part in parts]), merge(part.static for part in parts), scope)
        left, right = self.compile(tree.left, scope), self.compile(tree.right, scope)
        static = BOOLEAN
        if operator in operators.BOOLEAN_OPERATORS:
            run = operators.logic(operator, left.run, right.run)
        elif operator in ("=", "!=", "~", "!~"):
            run = operators.equality(operator, left.run, right.run)
        elif operator in operators.COMPARISONS:
            self._require(check_comparison(left.static, right.static), tree)
            run = operators.comparison(operator, left.run, right.run)
        elif operator in ("in", "contains"):
            run = operators.membership(operator, left.run, right.run)
        elif operator == "&":
            run, static = operators.concatenation(left.run, right.run), STRING
        else:
            static = check_arithmetic(operator, left.static, right.static) or self._refuse(tree, left, right)
            run = operators.arithmetic(operator, left.run, right.run)
        return Compiled(run, static, scope)

    def _require(self, holds: bool, tree: Binary) -> None:
        if not holds:
            raise self.error(f"{tree.operator} between types that have no order", tree.position)

    def _refuse(self, tree: Binary, left: Compiled, right: Compiled) -> Static:
        sides = f"{_names(left.static.types)} and {_names(right.static.types)}"
        raise self.error(f"{tree.operator} is not defined between {sides}", tree.position)


def _names(types: frozenset[str] | None) -> str:
    return ", ".join(sorted(types or ())) or "nothing"


_COMPILE: Final[dict[type[Syntax], Callable[[Compiler, Any, Scope], Compiled]]] = {
    Literal: Compiler.literal,
    Special: Compiler.special,
    Variable: Compiler.variable,
    Member: Compiler.head,
    Call: lambda compiler, tree, scope: compiler.call(tree, scope.this, scope),
    Invoke: Compiler.invoke,
    Index: Compiler.index,
    Polarity: Compiler.polarity,
    TypeTest: Compiler.type_test,
    Binary: Compiler.binary,
}
