"""FHIRPath: expressions compiled to closures over plain JSON (https://hl7.org/fhir/R5/fhirpath.html).

The whole grammar of https://hl7.org/fhirpath/ and all its functions, those of its trial-use chapters that R5 uses
included, and the functions of FHIR. What is missing raises :class:`PathNotSupported` when an expression is compiled,
never an empty outcome when it runs::

    paths = compile("ResearchStudy.identifier | Evidence.identifier", "ResearchStudy")
    paths.values(resource)           # plain values
    paths.typed(resource)            # (type, value) pairs
    paths(resource)                  # nodes: value, type, path, container and key
    rule.boolean(resource, element)  # a condition on an element, for invariants
"""

from __future__ import annotations

from service.fhir.fhirpath.context import Hooks, Resolver
from service.fhir.fhirpath.errors import (
    EvaluationError,
    PathError,
    PathNotSupported,
    PathSemanticError,
    PathSyntaxError,
)
from service.fhir.fhirpath.expression import Expression, compile  # noqa: A004  # what it is called everywhere
from service.fhir.fhirpath.node import Node, children, root, system_value
from service.fhir.fhirpath.quantity import Quantity
from service.fhir.fhirpath.temporal import Temporal

__all__ = [
    "EvaluationError",
    "Expression",
    "Hooks",
    "Node",
    "PathError",
    "PathNotSupported",
    "PathSemanticError",
    "PathSyntaxError",
    "Quantity",
    "Resolver",
    "Temporal",
    "children",
    "compile",
    "root",
    "system_value",
]
