"""How a function is declared and compiled.

A function is built once for every place where it is called: its builder gets a :class:`Site`, which compiles the
arguments in the right scope, and returns a closure. A function of single values is declared with :func:`scalar`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from service.fhir.fhirpath import model
from service.fhir.fhirpath.context import Context, Hooks, single
from service.fhir.fhirpath.equality import describe
from service.fhir.fhirpath.errors import EvaluationError, PathSemanticError
from service.fhir.fhirpath.node import EMPTY, Collection, computed, system_value
from service.fhir.fhirpath.quantity import Quantity
from service.fhir.fhirpath.static import Static, of
from service.fhir.fhirpath.syntax import Call, Invoke, Member, Syntax
from service.fhir.fhirpath.syntax import Literal as LiteralSyntax
from service.fhir.fhirpath.temporal import Temporal

if TYPE_CHECKING:
    from service.fhir.fhirpath.compiler import Compiler

Run: TypeAlias = Callable[[Context, Collection], Collection]
"""A compiled expression: from the context and the collection that it starts with to its outcome."""

Kind = Literal["any", "string", "integer", "number", "amount", "boolean", "temporal", "measured"]

_ACCEPTS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "string": ("System.String",),
    "integer": ("System.Integer",),
    "number": ("System.Integer", "System.Decimal"),
    "amount": ("System.Integer", "System.Decimal", "System.Quantity"),
    "boolean": ("System.Boolean",),
    "temporal": ("System.Date", "System.DateTime", "System.Time"),
    "measured": (
        "System.Integer",
        "System.Decimal",
        "System.Quantity",
        "System.Date",
        "System.DateTime",
        "System.Time",
    ),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What is visible where an expression stands.

    ``this`` is what a path starts with, ``variables`` are those that ``defineVariable`` has made; ``open`` says that
    there may be more, whose names are computed.
    """

    this: Static
    variables: Mapping[str, Static]
    open: bool = False
    indexed: bool = False
    total: Static | None = None


class Compiled(NamedTuple):
    """A compiled expression, what is known of its outcome, and the scope for what follows it in a path."""

    run: Run
    static: Static
    scope: Scope


@dataclass(frozen=True, slots=True)
class Site:
    """A place where a function is called, on an input of which ``input`` is known."""

    compiler: Compiler
    call: Call
    input: Static
    scope: Scope

    @property
    def count(self) -> int:
        """The number of arguments."""
        return len(self.call.arguments)

    @property
    def hooks(self) -> Hooks:
        """What the caller provides."""
        return self.compiler.hooks

    def result(self, run: Run, static: Static) -> Compiled:
        """A function that changes nothing about the scope."""
        return Compiled(run, static, self.scope)

    def argument(self, index: int) -> Compiled:
        """An argument that is evaluated once, where the call stands."""
        return self.compiler.compile(self.call.arguments[index], self.scope)

    def per_item(self, index: int, *, total: Static | None = None) -> Compiled:
        """An argument that is evaluated for every item, which is its ``$this``."""
        return self.per_item_of(self.call.arguments[index], total=total)

    def per_item_of(self, tree: Syntax, *, item: Static | None = None, total: Static | None = None) -> Compiled:
        """Any expression evaluated for every item."""
        this = (item or self.input).single()
        inner = replace(self.scope, this=this, indexed=True, total=total or self.scope.total)
        return self.compiler.compile(tree, inner)

    def on_input(self, index: int) -> Compiled:
        """An argument that is evaluated once, on the whole input."""
        return self.compiler.compile(self.call.arguments[index], replace(self.scope, this=self.input))

    def text(self, index: int) -> str | None:
        """The argument, if it is a literal text."""
        argument = self.call.arguments[index]
        return argument.value if isinstance(argument, LiteralSyntax) and isinstance(argument.value, str) else None

    def types(self, index: int) -> tuple[str, ...]:
        """The types that an argument names."""
        return self.compiler.types(_specifier(self.call.arguments[index]), self.call.arguments[index].position)

    def error(self, problem: str) -> PathSemanticError:
        """An error at this place."""
        return self.compiler.error(f"{self.call.name}(): {problem}", self.call.position)


Builder: TypeAlias = Callable[[Site], Compiled]


@dataclass(frozen=True, slots=True)
class Function:
    """A function: how many arguments it takes, and how it is compiled."""

    minimum: int
    maximum: int
    build: Builder


def _specifier(tree: Syntax) -> str:
    if isinstance(tree, Member):
        return tree.name
    if isinstance(tree, Invoke) and isinstance(tree.step, Member) and isinstance(tree.target, Member):
        return f"{tree.target.name}.{tree.step.name}"
    if isinstance(tree, LiteralSyntax) and isinstance(tree.value, str):
        return tree.value
    return ""


def for_each(run: Run, context: Context, items: Collection) -> list[Collection]:
    """The outcome of an expression for every item."""
    this, index = context.this, context.index
    outcomes = []
    for position, item in enumerate(items):
        context.this = focus = [item]
        context.index = position
        outcomes.append(run(context, focus))
    context.this, context.index = this, index
    return outcomes


def on(run: Run, context: Context, items: Collection) -> Collection:
    """The outcome of an expression on a whole collection."""
    this = context.this
    context.this = items
    outcome = run(context, items)
    context.this = this
    return outcome


def take(nodes: Collection, kind: Kind, what: str) -> Any:  # noqa: ANN401  # any System value
    """The only value of a collection, None if there is none; it must be of the kind."""
    node = single(nodes, what)
    if node is None:
        return None
    value = system_value(node)
    if value is None:
        if isinstance(node.value, dict) and model.system_type(node.type) is None:
            raise EvaluationError(f"{what} does not take a {node.type}.")
        return None
    if kind != "any" and not is_kind(value, kind):
        raise EvaluationError(f"{what} does not take {describe(value)}.")
    return value


def is_kind(value: Any, kind: Kind) -> bool:  # noqa: ANN401  # any System value
    """Whether a System value is of a kind."""
    if isinstance(value, bool):
        name = "System.Boolean"
    elif isinstance(value, str):
        name = "System.String"
    elif isinstance(value, int):
        name = "System.Integer"
    elif isinstance(value, Temporal):
        name = f"System.{value.kind}"
    else:
        name = "System.Quantity" if isinstance(value, Quantity) else "System.Decimal"
    return name in _ACCEPTS[kind]


def check(site: Site, static: Static, kind: Kind, what: str) -> None:
    """Refuse what can never be of a kind."""
    if kind != "any" and static.never(*_ACCEPTS[kind]):
        names = ", ".join(sorted(".".join(model.public_name(name)) for name in static.types or ()))
        raise site.error(f"{what} is of type {names}, which is never {kind}")


def scalar(
    implementation: Callable[..., Any],
    kind: Kind,
    result: str | None,
    *parameters: Kind,
    required: int | None = None,
) -> Function:
    """A function from one System value, and further ones as arguments, to one or several.

    An empty input or argument makes the outcome empty, and so does the implementation when it returns None.
    ``result`` is the System type of the outcome, None if that depends on the input.
    """
    least = len(parameters) if required is None else required

    def build(site: Site) -> Compiled:
        name = f"{site.call.name}()"
        check(site, site.input, kind, "the input")
        arguments = []
        for index in range(site.count):
            argument = site.argument(index)
            check(site, argument.static, parameters[index], f"argument {index + 1}")
            arguments.append((argument.run, parameters[index]))

        def run(context: Context, focus: Collection) -> Collection:
            value = take(focus, kind, name)
            if value is None:
                return EMPTY
            values = [value]
            for argument, expected in arguments:
                value = take(argument(context, context.this), expected, name)
                if value is None:
                    return EMPTY
                values.append(value)
            return wrap(implementation(*values))

        return site.result(run, of(f"System.{result}") if result else Static(None, many=False))

    return Function(least, len(parameters), build)


def wrap(outcome: Any) -> Collection:  # noqa: ANN401  # any System value, or several
    """A collection of what an implementation returned."""
    if outcome is None:
        return EMPTY
    if isinstance(outcome, list):
        return [computed(value) for value in outcome]
    return [computed(outcome)]


def of_collection(implementation: Callable[[Collection], Collection], static: Callable[[Static], Static]) -> Function:
    """A function of the whole input, without arguments."""

    def build(site: Site) -> Compiled:
        return site.result(lambda _context, focus: implementation(focus), static(site.input))

    return Function(0, 0, build)
