"""What can be wrong with a FHIRPath expression, and with its evaluation.

::

    Invalid
    ├── PathError               carries the position in the expression
    │   ├── PathSyntaxError     not in the grammar (https://hl7.org/fhirpath/grammar.html)
    │   └── PathSemanticError   in the grammar, but it can never make sense for the type that it is compiled for
    ├── NotSupported
    │   └── PathNotSupported    correct, but this server cannot evaluate it; names what is missing
    └── EvaluationError         this resource cannot be evaluated: "singleton expected" and the like

The first three are raised by ``compile``, the last by an evaluation.
"""

from __future__ import annotations

from service.errors import Invalid, NotSupported


class PathError(Invalid):
    """An expression is wrong; ``position`` is the offset in it."""

    def __init__(self, problem: str, expression: str, position: int):
        line = expression.count("\n", 0, position) + 1
        column = position - expression.rfind("\n", 0, position)
        super().__init__(f"FHIRPath, line {line}, column {column}: {problem}")
        self.position = position


class PathSyntaxError(PathError):
    """The text is not a FHIRPath expression."""

    default_code = "structure"


class PathSemanticError(PathError):
    """The expression cannot be meaningful for the type that it is compiled for."""


class PathNotSupported(NotSupported):
    """The expression is correct, but needs something that is not there: ``feature`` says what."""

    def __init__(self, feature: str, reason: str):
        super().__init__(f"FHIRPath: {feature} is not supported: {reason}")
        self.feature = feature


class EvaluationError(Invalid):
    """An expression cannot be evaluated on this resource."""

    default_code = "processing"
