"""A compiled expression, and the cache of all that have been compiled."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from service.fhir.fhirpath import model
from service.fhir.fhirpath.certain import Certain, certain
from service.fhir.fhirpath.compiler import Compiler
from service.fhir.fhirpath.context import Context, Hooks, Resolver, boolean
from service.fhir.fhirpath.errors import EvaluationError
from service.fhir.fhirpath.fast import Condition, Extract, compile_extract
from service.fhir.fhirpath.fast_conditions import condition_of
from service.fhir.fhirpath.node import Collection, Node, computed, root
from service.fhir.fhirpath.parser import parse
from service.fhir.fhirpath.registry import Scope
from service.fhir.fhirpath.static import UNKNOWN, Static

Variables = Mapping[str, Any]
_NO_HOOKS: Final = Hooks()
_NONE: Final[Mapping[str, Collection]] = {}


class Expression:
    """A compiled FHIRPath expression: immutable, and safe to share between threads.

    Calling it gives nodes; :meth:`values` and :meth:`typed` give plain values, and are fast for plain paths.
    ``certain``, where there is one, tells quickly of an object of this type that the condition certainly holds;
    ``extract`` is the expression over plain JSON, None where only the nodes can evaluate it.
    """

    __slots__ = ("_condition", "_run", "certain", "extract", "static", "text", "type")

    def __init__(self, text: str, root_type: str | None, hooks: Hooks, *, strict: bool):
        tree = parse(text)
        types = model.types_at(root_type) if root_type else frozenset()
        known = Static(types, many=False) if root_type else UNKNOWN.single()
        compiler = Compiler(text, known, hooks, strict=strict)
        compiled = compiler.compile(tree, Scope(known, {}))
        self.text = text
        self.type = next(iter(types)) if len(types) == 1 else None
        self.static = compiled.static
        self._run = compiled.run
        kind = None if strict else self.type  # the nodes alone insist on what strict mode asks for
        self.extract: Extract | None = compile_extract(tree, kind) if kind else None
        self._condition: Condition | None = condition_of(tree, kind) if kind else None
        self.certain: Certain | None = certain(tree, kind) if kind and not model.is_primitive(kind) else None

    def __repr__(self) -> str:
        return f"Expression({self.text!r}, {self.type!r})"

    def __call__(
        self,
        resource: dict[str, Any],
        context: Node | None = None,
        *,
        root_resource: dict[str, Any] | None = None,
        variables: Variables | None = None,
        resolver: Resolver | None = None,
    ) -> Collection:
        """The nodes that the expression finds.

        ``context`` is the element that the expression starts with, the resource itself if it is None.
        ``root_resource`` is the resource that contains ``resource``, if it is a contained one. ``variables`` are values
        for the names that the hooks announce: System values, nodes, or lists of either. Raises
        :class:`EvaluationError`.
        """
        whole = root(resource)
        start = context or whole
        outer = root(root_resource) if root_resource is not None else whole
        given = {name: _collection(value) for name, value in variables.items()} if variables else _NONE
        state = Context(start, whole, outer, given, resolver, this=[start])
        try:
            return self._run(state, state.this)
        except RecursionError:
            raise EvaluationError(f"The expression is nested too deep: {self.text[:100]}") from None

    nodes = __call__

    def values(self, resource: dict[str, Any], *, resolver: Resolver | None = None) -> list[Any]:
        """The values alone, as they are in the JSON, or System values if computed; primitives without one left out.

        For a plain path this asks no more than the JSON, whose structure must be what the type promises.
        """
        if self.extract is not None and resolver is None and resource.get("resourceType") == self.type:
            try:
                return self.extract.values(resource)
            except (AttributeError, TypeError):
                pass  # the resource is not what its type promises: the nodes take anything
        return [node.value for node in self(resource, resolver=resolver) if node.value is not None]

    def typed(self, resource: dict[str, Any], *, resolver: Resolver | None = None) -> list[tuple[str, Any]]:
        """Type and value of all that the expression finds; like :meth:`values`, with types as in :class:`Node`."""
        if self.extract is not None and resolver is None and resource.get("resourceType") == self.type:
            try:
                return self.extract.typed(resource)
            except (AttributeError, TypeError):
                pass  # the resource is not what its type promises: the nodes take anything
        return [(node.type, node.value) for node in self(resource, resolver=resolver) if node.value is not None]

    def typed_within(self, value: Any, fhir_type: str) -> list[tuple[str, Any]]:  # noqa: ANN401  # any JSON value
        """The same as :meth:`typed`, starting from an element of a type."""
        if self.extract is not None and fhir_type == self.type and isinstance(value, dict):
            try:
                return self.extract.typed(value)
            except (AttributeError, TypeError):
                pass
        return [(node.type, node.value) for node in self(value, Node(value, fhir_type)) if node.value is not None]

    def boolean(
        self,
        resource: dict[str, Any],
        context: Node | None = None,
        *,
        root_resource: dict[str, Any] | None = None,
        variables: Variables | None = None,
        resolver: Resolver | None = None,
    ) -> bool | None:
        """The outcome as a condition: None if it is empty; a single item that is no boolean counts as true."""
        if self._condition is not None:
            value, kind = (resource, resource.get("resourceType")) if context is None else (context.value, context.type)
            if kind == self.type and isinstance(value, dict):
                try:
                    return self._condition(value)
                except (AttributeError, TypeError):
                    pass
        found = self(resource, context, root_resource=root_resource, variables=variables, resolver=resolver)
        return boolean(found, "a condition")


def _collection(value: Any) -> Collection:  # noqa: ANN401  # a System value, a node, or several
    if value is None:
        return []
    if isinstance(value, list | tuple):
        return [item if isinstance(item, Node) else computed(item) for item in value]
    return [value if isinstance(value, Node) else computed(value)]


@lru_cache(maxsize=8192)
def _compile(expression: str, root_type: str | None, hooks: Hooks, strict: bool) -> Expression:
    return Expression(expression, root_type, hooks, strict=strict)


def compile(  # noqa: A001  # what it is called everywhere
    expression: str, root_type: str | None = None, *, strict: bool = False, hooks: Hooks | None = None
) -> Expression:
    """Compile an expression; the same one is compiled once.

    ``root_type`` is the type that it will start with: a resource type, a data type, or the path of a backbone element.
    With it, what can never make sense is an error here; without, only what makes sense for no type. ``strict`` also
    refuses elements that the type does not have, and picking by position out of what has no order. Raises
    ``PathSyntaxError``, ``PathSemanticError`` and ``PathNotSupported``.
    """
    return _compile(expression, root_type, hooks or _NO_HOOKS, strict)
