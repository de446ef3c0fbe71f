"""A column of the results table that the registry gives out, and the fact that a row of it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]
Type = Literal["string", "integer", "decimal", "dateTime"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One statistic, at ``place`` in its Evidence, and what is ``known`` of the resources that it refers to."""

    evidence: Json
    statistic: Json
    place: int
    known: Mapping[str, Json]

    def of(self, reference: str) -> Json:
        """What a reference names, as far as it is there."""
        return self.known.get(reference, {})


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its cells as text, where ``path`` is the FHIRPath of what they hold.

    A ``decimal`` has the digits that were stored. ``read``: it means something in a table that is imported. ``cell``
    is None where the reading of the row (``evidence_rows.py``) has it.
    """

    name: str
    type: Type
    words: str
    path: str
    cell: Callable[[Fact], str] | None = None
    read: bool = False


def statistic(*parts: str) -> str:
    """The path of something in a statistic."""
    return f"Evidence.statistic.{'.'.join(parts)}"


def role(name: str) -> str:
    """The path of what has a role in a result."""
    return f"Evidence.variableDefinition.where(variableRole.coding.code = '{name}').observed"


def artifact(type_: str) -> str:
    """The path of what a result comes from or cites."""
    return f"Evidence.relatedArtifact.where(type = '{type_}').resourceReference"
