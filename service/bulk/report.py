"""What an import did, and what it could not take: an OperationOutcome for each such line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from service.bulk.source import Line, Problem
from service.errors import Issue, RegistryError
from service.fhir.json import parse
from service.fhir.outcome import EXTENSION, operation_outcome
from service.fhir.positions import Positions
from service.interactions.engine import Written
from service.store.base import Effect

FATAL: Final = frozenset({"fatal", "error"})


@dataclass(slots=True)
class Report:
    """Counts of resources; ``size`` is the bytes that were read.

    ``restored`` are versions that were written as they had been; ``unchanged`` were there already; ``refused`` are
    lines with an error. ``tell`` gets an OperationOutcome for each line about which there is something to say.
    """

    tell: Callable[[dict[str, Any]], None] = lambda _: None
    done: Callable[[int], None] = lambda _: None
    created: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    restored: int = 0
    refused: int = 0
    size: int = field(default=0)

    @property
    def counts(self) -> dict[str, int]:
        """Return all counts of resources, by their names."""
        names: tuple[Effect, ...] = ("created", "updated", "deleted", "unchanged")
        return {name: getattr(self, name) for name in (*names, "restored", "refused")}

    def resume(self, counts: Mapping[str, int]) -> None:
        """Go on from the counts of an import that was interrupted."""
        for name, number in counts.items():
            setattr(self, name, number)

    def read(self, size: int) -> None:
        """Note that so many bytes were read."""
        self.size += size
        self.done(size)

    def count(self, effect: Effect) -> None:
        """Note what became of a resource."""
        setattr(self, effect, getattr(self, effect) + 1)

    def written(self, line: Line, written: Written) -> None:
        """Note what became of a line, and its errors if it was taken all the same."""
        self.count(written.effect)
        if written.tolerated:
            self.warn(line, written.warnings)

    def refuse(self, line: Line | Problem, issues: Sequence[Issue]) -> None:
        """Note that nothing was made of a line, and why."""
        self.refused += 1
        self.warn(line, issues)

    def warn(self, line: Line | Problem, issues: Sequence[Issue]) -> None:
        """Tell what is wrong with a line."""
        self.tell(_outcome(line, issues))


def _outcome(line: Line | Problem, issues: Sequence[Issue]) -> dict[str, Any]:
    """Return an OperationOutcome with HL7's extensions for the file, and for line and column in it."""
    outcome = operation_outcome(issues)
    positions = _positions(line)
    for issue, entry in zip(issues, outcome["issue"], strict=True):
        place = positions.place(issue.expression[0] if issue.expression else "") if positions else None
        found = (place.line, place.column) if place else (line.number, 1)
        entry["extension"] = [
            *entry.get("extension", ()),
            {"url": f"{EXTENSION}issue-line", "valueInteger": found[0]},
            {"url": f"{EXTENSION}issue-col", "valueInteger": found[1]},
        ]
    file = {"url": f"{EXTENSION}file", "valueString": line.source}
    return {"resourceType": "OperationOutcome", "extension": [file], "issue": outcome["issue"]}


def _positions(line: Line | Problem) -> Positions | None:
    if isinstance(line, Problem):
        return None
    try:
        parse(line.text)
    except RegistryError:
        return None
    return Positions(line.text.decode("utf-8-sig"), line.number)
