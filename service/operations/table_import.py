"""A results table into the registry: every study in it, all or nothing.

What a row names, a group, an outcome or a publication, must be there. A result is written where the table says
something else than the registry; the same table again writes nothing. What a table cannot hold is never lost: a result
that has more than its columns is not written over.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from service.errors import Conflict, Issue, NotFound, PreconditionFailed, Unprocessable
from service.fhir.diff import diff
from service.fhir.json import loads
from service.interactions.engine import Engine
from service.interactions.entries import parse_entries
from service.interactions.policy import TAG
from service.interactions.transaction import write
from service.operations.table import STUDY, study_ids
from service.registry import codes
from service.registry.results_table import Read, parse_table
from service.registry.rows import Row, problem
from service.registry.table.dictionary import ASIDE
from service.registry.table.known import Key

Json = dict[str, Any]

BESIDE: Final = ("study", "version")
TRIES: Final = 3
"""Times that an import is begun while others write the same results."""


@dataclass(slots=True)
class Imported:
    """What an import did: resources by effect for each study, and what its author is to know."""

    effects: dict[str, Counter[str]] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    notes: list[Issue] = field(default_factory=list)

    def __str__(self) -> str:
        """One sentence for people."""
        total = sum(self.effects.values(), Counter())
        return (
            f"{self.rows.total()} rows of {len(self.rows)} {'study' if len(self.rows) == 1 else 'studies'}: "
            f"{total['created']} resources created, {total['updated']} updated, {total['unchanged']} unchanged."
        )


@dataclass(frozen=True, slots=True)
class Target:
    """A resource as a table has it: ``rows`` are those that it is made of, in the order of its statistics.

    ``changed`` says whether the registry has something else, ``gone`` that it was there and has been deleted.
    """

    study: str
    resource: Json
    before: Json | None
    rows: Sequence[Row] = ()
    gone: bool = False
    changed: bool = field(init=False)

    def __post_init__(self) -> None:
        changed = self.before is None or bool(diff(untagged(self.before), self.resource))
        object.__setattr__(self, "changed", changed)

    @property
    def name(self) -> str:
        """Type and id."""
        return f"{self.resource['resourceType']}/{self.resource['id']}"

    def entry(self) -> Json:
        """The entry of the transaction, which holds only as long as nobody else writes it."""
        condition = (
            {"ifNoneMatch": "*"} if self.before is None else {"ifMatch": f'W/"{self.before["meta"]["versionId"]}"'}
        )
        return {"resource": self.resource, "request": {"method": "PUT", "url": self.name, **condition}}


async def import_results(engine: Engine, data: bytes, study: str | None = None) -> Imported:
    """Store what a table says, as one commit; ``study`` is the one of rows that do not name theirs.

    Raises :class:`Unprocessable` with everything that is wrong, each with its row and column, :class:`Conflict` where
    a result has another version than the table says, :class:`NotFound` for a ``study`` that is not there, and what the
    transaction raises; then nothing is stored.
    """
    read = await asyncio.to_thread(parse_table, data, BESIDE, ASIDE)
    for attempt in range(TRIES):
        try:
            return await _import(engine, read, study)
        except PreconditionFailed:
            if attempt == TRIES - 1:
                raise
    raise AssertionError  # the last attempt returns or raises


async def _import(engine: Engine, read: Read, study: str | None) -> Imported:
    # fhir.resources takes a third of a second to load: who imports waits for it, and nobody else.
    from service.operations.table_targets import located, targets_of

    seq = (await engine.store.head()).seq
    issues = list(read.issues)
    by_study = await _by_study(engine, read, study, seq, issues)
    found: list[Target] = []
    for id_, rows in by_study.items():
        found += await targets_of(engine, id_, rows, seq, issues)
    if issues:
        raise Unprocessable(issues)
    changed = [each for each in found if each.changed]
    _check_versions(read, changed)
    steps = parse_entries([each.entry() for each in changed], codes.BASE)
    try:
        written = await write(engine, steps, codes.BASE) if steps else {}
    except Unprocessable as error:
        raise Unprocessable([located(each, changed) for each in error.issues]) from None
    imported = Imported({id_: Counter() for id_ in by_study}, Counter({id_: len(r) for id_, r in by_study.items()}))
    for target in found:
        if not target.changed:
            imported.effects[target.study]["unchanged"] += 1
    for index, done in written.items():
        imported.effects[changed[index].study][done.effect] += 1
        imported.notes += [
            located(Issue(each.severity, each.code, each.diagnostics, _inside(index, each.expression)), changed)
            for each in done.warnings
        ]
    if read.aside:
        words = f"these columns explain the others and were not read: {', '.join(read.aside)}"
        imported.notes.append(Issue("information", "informational", words))
    return imported


def _inside(index: int, expression: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"Bundle.entry[{index}].resource.{each.partition('.')[2]}" for each in expression)


async def _by_study(
    engine: Engine, read: Read, study: str | None, seq: int, issues: list[Issue]
) -> dict[str, list[Row]]:
    """The rows of each study, by the id of its ResearchStudy."""
    wanted = await _one_study(engine, study, seq) if study is not None else None
    known: dict[str, str | None] = {}
    found: dict[str, list[Row]] = {}
    for row in read.rows:
        named = read.beside[row.line].get("study", "")
        if not named and wanted is None:
            words = "is needed where the request does not say which study it is"
            issues.append(problem(row.line, "study", words, code="required"))
            continue
        if named and named not in known:
            try:
                known[named] = await _one_study(engine, named, seq)
            except NotFound as error:
                known[named] = None
                issues += [problem(row.line, "study", each.diagnostics, code="not-found") for each in error.issues]
        id_ = known[named] if named else wanted
        if id_ is not None and wanted is not None and id_ != wanted:
            issues.append(problem(row.line, "study", f"is {named}, and the request is about {wanted}"))
        elif id_ is not None:
            found.setdefault(id_, []).append(row)
    return found


async def _one_study(engine: Engine, text: str, seq: int) -> str:
    found = await study_ids(engine, text, seq)
    if len(found) > 1:
        names = " and ".join(f"{STUDY}/{each}" for each in found)
        raise NotFound(f"{text!r} is no one study: {names} have it.", code="multiple-matches", expression="study")
    return found[0]


def _check_versions(read: Read, changed: Sequence[Target]) -> None:
    """Raise :class:`Conflict` for each result that was written since the table was made."""
    issues: list[Issue] = []
    for target in changed:
        current = None if target.before is None else str(target.before["meta"]["versionId"])
        now = "was deleted" if current is None else f"is at version {current} by now"
        for row in target.rows:
            stated = read.beside[row.line].get("version", "")
            if stated and (target.gone or current is not None) and stated != current:
                words = f"is {stated}, but {target.name} {now}"
                issues.append(problem(row.line, "version", words, code="conflict"))
    if issues:
        raise Conflict(issues)


def untagged(resource: Json) -> Json:
    """A stored resource without the mark that the registry itself puts on what has errors."""
    meta = resource.get("meta", {})
    tags = [each for each in meta.get("tag", ()) if each != TAG]
    rest = {name: value for name, value in meta.items() if name != "tag"}
    return {**resource, "meta": {**rest, "tag": tags} if tags else rest}


async def stored(engine: Engine, keys: Sequence[Key], seq: int) -> Mapping[Key, Json]:
    """The resources of these types and ids that are there at a seq."""
    found = await engine.store.read_many(keys, seq)
    return {key: loads(version.json) for key, version in found.items() if version.json is not None}
