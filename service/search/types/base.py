"""What a search parameter type is: how values become rows, and how what is asked becomes a predicate.

Each type is a module of this package with the members of :class:`Kind`, and a line in ``table.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from service.errors import Invalid
from service.search.escaping import unescape
from service.search.parameters import Parameter
from service.search.query import Predicate, Sort
from service.search.rows import Row
from service.terminology.service import TerminologyService

_REASONS: Final = {
    ("reference", "code-text"): "a reference has no code",
    ("reference", "above"): "what it refers to forms no hierarchy",
    ("reference", "below"): "what it refers to forms no hierarchy",
    ("reference", "identifier"): "a canonical has no identifier",
}
"""Why a modifier that R5 has for a type is not honoured."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a value means depends on where and when it is asked.

    ``bases`` are the base URLs under which this server is known, without a slash at the end: absolute references to
    them are local. ``now`` is the instant from which ``ap`` measures, in microseconds, None for the current one. Dates
    without a zone are in UTC, which is the zone of this server, as much when they are asked for as in a resource.
    ``terminology`` is what code systems and value sets are looked up in; without one, none is known.
    """

    bases: tuple[str, ...] = ()
    now: int | None = None
    terminology: TerminologyService | None = None


ANYWHERE: Final = Context()


Make: TypeAlias = Callable[[str, Any], Collection[Row]]
"""The rows of a JSON value of a FHIR type, each once."""


class Kind(Protocol):
    """A search parameter type; its module is one."""

    @property
    def MODIFIERS(self) -> frozenset[str]:  # noqa: N802  # a constant of a module
        """The modifiers that the type has, apart from ``missing``, which all have, and the names of resource types."""

    @property
    def MODIFIED(self) -> frozenset[str]:  # noqa: N802  # a constant of a module
        """The forms of the key that only modifiers, chains and includes ask."""

    def rows(self, parameter: Parameter) -> Make:
        """Return what makes the rows of one value that the parameter's expression finds."""

    def predicate(
        self, parameter: Parameter, modifier: str | None, text: str, name: str, context: Context = ANYWHERE
    ) -> Predicate:
        """Return the predicate of one alternative, which still has its escapes.

        ``name`` is the parameter as the client wrote it, for messages. Raises :class:`Invalid`.
        """

    def sort(self, parameter: Parameter, descending: bool) -> Sort:
        """Return the order by this parameter's values; raises :class:`Invalid` where they have none."""


def literal(name: str, text: str) -> str:
    """The text without its escapes, which must not be empty."""
    found = unescape(name, text)
    if not found.strip():
        raise Invalid(f"{name}: an alternative is empty.", expression=name)
    return found


def unsupported(parameter: Parameter, modifier: str | None, name: str) -> Invalid:
    """The error for a modifier that the parameter does not have."""
    reason = _REASONS.get((parameter.type, modifier or ""), "it has no such modifier")
    return Invalid(
        f"{name}: {parameter.code} is a {parameter.type} parameter: :{modifier} is not supported, {reason}.",
        code="not-supported",
        expression=name,
    )
