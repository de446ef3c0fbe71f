"""The resources that the rows of a table make, beside what the registry has of them.

Only imports use this module, and with it fhir.resources, which takes a third of a second to load.
"""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from service.errors import Issue
from service.fhir.diff import diff
from service.fhir.json import loads
from service.interactions.engine import Engine
from service.operations.table import STUDY
from service.operations.table_import import Target, stored, untagged
from service.registry import codes
from service.registry.description import Catalogue, Trial
from service.registry.evidence import build_evidence
from service.registry.evidence_rows import id_of, reference_of, statistic_cells
from service.registry.results_table import parse_table
from service.registry.rows import COLUMNS, Row, by_result, problem
from service.registry.seed import check_rows
from service.registry.table.known import Key, named_in, parents, trial_of
from service.registry.table.placing import json_of, with_characteristics, with_design, with_results

Json = dict[str, Any]

_ENTRY: Final = re.compile(r"Bundle\.entry\[(\d+)\](?:\.resource)?\.?(.*)")
_STATISTIC: Final = re.compile(r"statistic\[(\d+)\]\.?([A-Za-z]*)(?:\[(\d+)\])?")
_COLUMNS: Final = {
    "quantity": "value",
    "numberAffected": "affected",
    "sampleSize": "n",
    "statisticType": "statistic",
    "category": "grade",
    "modelCharacteristic": "method",
    "description": "text",
    "note": "note",
}


async def targets_of(engine: Engine, study: str, rows: Sequence[Row], seq: int, issues: list[Issue]) -> list[Target]:
    """The resources of a study that its rows make; what keeps them from it is added to the issues."""
    results = by_result(rows)
    versions = await engine.store.read_many([("Evidence", f"{study}-{each}") for each in results], seq)
    evidence = {key: loads(version.json) for key, version in versions.items() if version.json is not None}
    before = {key[1]: _rows_of(each) for key, each in evidence.items()}
    known = await _known(engine, study, [*rows, *(row for each in before.values() for row in each)], seq)
    trial, catalogue = trial_of(known[STUDY, study], known)
    if found := check_rows(rows, trial):
        issues += found
        return []
    targets: list[Target] = []
    for built in await asyncio.to_thread(_built, rows, trial, catalogue):
        old = evidence.get(("Evidence", built["id"]))
        gone = old is None and ("Evidence", built["id"]) in versions
        target = Target(study, built, old, results[built["id"].removeprefix(f"{study}-")], gone)
        if old is not None and target.changed:
            issues += _lost(target, old, before[built["id"]], trial, catalogue)
        targets.append(target)
    return [*targets, *_placed(study, rows, known, issues), *await _listed(engine, known, rows, trial, seq)]


def _built(rows: Sequence[Row], trial: Trial, catalogue: Catalogue) -> list[Json]:
    return [json_of(each, "Evidence") for each in build_evidence(rows, trial, catalogue)]


def _rows_of(evidence: Json) -> tuple[Row, ...]:
    """The rows that an Evidence is; none where it is not what a table makes."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(statistic_cells(evidence, each) for each in evidence.get("statistic", ()))
    read = parse_table(out.getvalue())
    return () if read.issues else read.rows


async def _known(engine: Engine, study: str, rows: Sequence[Row], seq: int) -> dict[Key, Json]:
    """The study, and what its rows name as far as it is there."""
    wanted = {(STUDY, study), *named_in(study, rows)}
    found: dict[Key, Json] = {}
    while wanted:
        new = await stored(engine, sorted(wanted), seq)
        found.update(sorted(new.items()))
        wanted = parents(each for key, each in new.items() if key[0] == "Group") - found.keys()
    return found


def _lost(target: Target, old: Json, rows: Sequence[Row], trial: Trial, catalogue: Catalogue) -> list[Issue]:
    """What an Evidence has that is in no column, and that writing it anew would lose; its title is made anew."""
    line = target.rows[0].line
    same = _built(rows, trial, catalogue) if not check_rows(rows, trial) else []
    if len(same) != 1:
        words = f"{target.name} was not made of a table and is not written over; update it as FHIR"
        return [problem(line, "key", words, code="business-rule")]
    named = {name: old.get(name) for name in ("title", "description")}
    again = {name: value for name, value in {**same[0], **named}.items() if value is not None}
    lost = diff(untagged(old), again)
    elements = ", ".join(dict.fromkeys(each.element for each in lost))
    words = f"{target.name} has what no column holds and is not written over ({elements}); update it as FHIR"
    return [problem(line, "key", words, code="business-rule")] if lost else []


def _placed(study: str, rows: Sequence[Row], known: Mapping[Key, Json], issues: list[Issue]) -> list[Target]:
    """The Groups and EvidenceVariables with the characteristics of the table."""
    by_target: dict[str, list[Row]] = {}
    for row in rows:
        if row.place == "characteristic" and row.target is not None:
            by_target.setdefault(row.target, []).append(row)
    found: list[Target] = []
    for slug, members in by_target.items():
        keys = [(type_, f"{study}-{slug}") for type_ in ("Group", "EvidenceVariable")]
        old = next((known[key] for key in keys if key in known), None)
        if old is None:
            words = f"{slug!r} is not known of {STUDY}/{study}"
            issues.append(problem(members[0].line, "target", words, code="not-found"))
        else:
            found.append(Target(study, with_characteristics(old, members), old))
    return found


async def _listed(
    engine: Engine, known: Mapping[Key, Json], rows: Sequence[Row], trial: Trial, seq: int
) -> list[Target]:
    """The study with its design, and its report with the results."""
    study = known[STUDY, trial.slug]
    references = [reference_of(each) for each in study.get("result", ())]
    keys = [("EvidenceReport", id_of(each)) for each in references if each.startswith("EvidenceReport/")]
    own = ("EvidenceReport", f"{trial.slug}-results")
    reports = await stored(engine, keys or [own], seq)
    made = with_results(with_design(study, rows), {"/".join(key): each for key, each in reports.items()}, rows, trial)
    before = {**{each["id"]: each for each in reports.values()}, trial.slug: study}
    return [Target(trial.slug, each, before.get(each["id"])) for each in made]


def located(issue: Issue, targets: Sequence[Target]) -> Issue:
    """An issue of the transaction at the row that it is about, or at the resource."""
    found = next(filter(None, map(_ENTRY.fullmatch, issue.expression)), None)
    if found is None:
        return issue
    target, inside = targets[int(found[1])], found[2]
    words = issue.diagnostics.partition(": ")[2] if issue.diagnostics.startswith("Bundle.entry[") else issue.diagnostics
    where = f"{target.name}: {inside}" if inside else target.name
    statistic = _STATISTIC.match(inside)
    if statistic is not None and target.rows:
        row = target.rows[int(statistic[1])]
        column = _column(target.resource["statistic"][int(statistic[1])], statistic[2], statistic[3])
        where = f"row {row.line}{f', column {column}' if column else ''}"
        words = f"{target.name}: {words}"
    elif target.rows:
        where = f"row {target.rows[0].line}"
        words = f"{target.name}: {words}"
    return replace(issue, diagnostics=words, expression=(where,))


def _column(statistic: Json, element: str, index: str | None) -> str | None:
    if element != "attributeEstimate" or index is None:
        return _COLUMNS.get(element)
    kinds = {each.get("code") for each in statistic[element][int(index)].get("type", {}).get("coding", ())}
    by_code = {codes.P_VALUE[0].code: "p_value", codes.CONFIDENCE_INTERVAL[0].code: "ci_low"}
    return next((by_code[kind] for kind in kinds if kind in by_code), "spread_low")
