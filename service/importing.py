"""What ``import-ctgov`` does: records of files, folders and the API into a store, with a report."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from service.errors import Invalid, Issue, RegistryError
from service.fhir.outcome import operation_outcome
from service.interactions.engine import Engine
from service.operations.ctgov import Imported, import_record
from service.operations.ctgov_api import Client
from service.registry.ctgov.files import Record, Unread, files, of_file
from service.reporting import Write, json_lines

_NCT: Final = re.compile(r"NCT\d{8}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be imported; ``number`` of files and NCT numbers."""

    paths: tuple[Path, ...]
    numbers: tuple[str, ...]

    @classmethod
    def of(cls, sources: Sequence[str], *, fetch: bool) -> Wanted:
        """Tell files from NCT numbers; raises :class:`Invalid` for a number that may not be fetched."""
        numbers = tuple(each.upper() for each in sources if _NCT.fullmatch(each) and not Path(each).exists())
        if numbers and not fetch:
            raise Invalid(f"{', '.join(numbers)}: to ask ClinicalTrials.gov, say --fetch.", expression="--fetch")
        given = (Path(each) for each in sources if each.upper() not in numbers)
        return cls(tuple(each for path in given for each in files(path)), numbers)

    @property
    def number(self) -> int:
        """How many steps there are."""
        return len(self.paths) + len(self.numbers)


@dataclass(slots=True)
class Summary:
    """What an import did in all."""

    records: int = 0
    refused: int = 0
    effects: Counter[str] = field(default_factory=Counter)
    retired: int = 0
    values: int = 0
    mapped: int = 0
    left_out: int = 0
    unmapped: int = 0
    issues: list[Issue] = field(default_factory=list)

    def add(self, imported: Imported) -> None:
        """Add what one record came to."""
        self.records += 1
        self.effects += imported.effects
        self.retired += imported.retired
        self.values += imported.account.total
        self.mapped += imported.account.mapped
        self.left_out += imported.account.number_left_out
        self.unmapped += imported.account.number_unmapped
        self.issues += imported.warnings

    def __str__(self) -> str:
        """Two sentences for people."""
        effects = self.effects
        return (
            f"{self.records} records imported, {self.refused} refused: {effects['created']} resources created, "
            f"{effects['updated']} updated, {effects['unchanged']} unchanged, {self.retired} retired. Of {self.values} "
            f"values {self.mapped} are in FHIR, {self.left_out} deliberately left out, {self.unmapped} not mapped."
        )


@contextmanager
def writing_report(path: Path | None) -> Iterator[Write]:
    """Yield what writes a line of the report; without a path it goes nowhere."""
    if path is None:
        yield lambda _: None
        return
    with json_lines(path) as write:
        yield write


async def import_all(
    engine: Engine, wanted: Wanted, client: Client, report: Write, done: Callable[[], None]
) -> Summary:
    """Import everything, one record after the other; one that is refused does not keep the others out."""
    summary = Summary()
    async for found in _records(wanted, client, done):
        place = found.place
        try:
            if isinstance(found, Unread):
                raise found.error
            with engine.parameters.writing():
                imported = await import_record(engine, found.data)
        except RegistryError as error:
            summary.refused += 1
            issues = [
                Issue(each.severity, each.code, f"{place}: {each.diagnostics}", each.expression)
                for each in error.issues
            ]
            summary.issues += issues
            report({"record": place, "refused": operation_outcome(issues)})
        else:
            summary.add(imported)
            report(_reported(place, imported))
    return summary


async def _records(wanted: Wanted, client: Client, done: Callable[[], None]) -> AsyncIterator[Record | Unread]:
    """Yield each record, or why there is none."""
    for path in wanted.paths:
        for record in of_file(path):
            yield record
        done()
    for nct in wanted.numbers:
        try:
            yield Record(nct, await client.study(nct))
        except RegistryError as error:
            yield Unread(nct, error)
        done()


def _reported(place: str, imported: Imported) -> dict[str, Any]:
    account = imported.account
    return {
        "record": place,
        "nct": imported.nct,
        "study": f"ResearchStudy/{imported.study}",
        **{name: imported.effects[name] for name in ("created", "updated", "unchanged")},
        "retired": imported.retired,
        "values": account.total,
        "mapped": account.mapped,
        "leftOut": [asdict(each) for each in account.left_out],
        "notMapped": [asdict(each) for each in account.unmapped],
        "warnings": [each.diagnostics for each in imported.warnings],
    }
