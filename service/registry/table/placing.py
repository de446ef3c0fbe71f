"""Where the rows of a table go that make no Evidence of their own, and where a new result is listed.

Characteristics belong to Groups and EvidenceVariables, facts of the design are notes of the study, and the report of
the study lists its results by section. Each resource is returned anew where something is to be changed in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from service.fhir.json import loads
from service.registry import codes
from service.registry.codes import Section
from service.registry.description import Trial
from service.registry.dump import plain, to_json
from service.registry.elements import reference
from service.registry.evidence_rows import reference_of
from service.registry.groups import characteristic_of
from service.registry.names import evidence_id
from service.registry.report import report_of
from service.registry.rows import Row, at_place, by_result
from service.registry.study import design_notes, published_in
from service.registry.variables import detail_of

Json = dict[str, Any]


def json_of(model: Any, resource_type: str | None = None) -> Json:  # noqa: ANN401  # any model of fhir.resources
    """The JSON of a model, with the digits of its numbers."""
    found: Json = loads(to_json(plain(model, resource_type)))
    return found


def with_characteristics(resource: Json, rows: Sequence[Row]) -> Json:
    """A Group or an EvidenceVariable with the characteristics of these rows."""
    make = characteristic_of if resource["resourceType"] == "Group" else detail_of
    return {**resource, "characteristic": _placed(resource.get("characteristic", []), map(json_of, map(make, rows)))}


def with_design(study: Json, rows: Sequence[Row]) -> Json:
    """A ResearchStudy with the facts of its design."""
    notes = [json_of(each) for each in design_notes(at_place(rows, "design"))]
    return {**study, "note": _placed(study.get("note", []), notes)} if notes else study


def _placed(items: Sequence[Json], new: Iterable[Json]) -> list[Json]:
    """What is new in the place of what has the same id, or at the end."""
    found = list(items)
    for each in new:
        places = [place for place, item in enumerate(found) if item.get("id") == each["id"]]
        if places:
            found[places[0]] = each
        else:
            found.append(each)
    return found


def with_results(study: Json, reports: Mapping[str, Json], rows: Sequence[Row], trial: Trial) -> list[Json]:
    """The study and its report, with the results of these rows in their sections.

    ``reports`` are the EvidenceReports of the study, by reference; where there is none, one is made.
    """
    listed = {reference_of(each) for report in reports.values() for each in _entries(report)}
    missing: dict[Section, list[str]] = {section: [] for section in codes.SECTIONS}
    for result, members in by_result(rows).items():
        id_ = evidence_id(trial, result)
        if f"Evidence/{id_}" not in listed:
            outcome = trial.outcome(members[0].outcome or "")
            missing[codes.OUTCOMES[outcome.code].section].append(id_)
    if not any(missing.values()):
        return [study]
    made = json_of(report_of(f"{trial.slug}-results", trial.slug, missing), "EvidenceReport")
    report = next(iter(reports.values()), None)
    if report is not None:
        made = {**report, "section": _joined(report.get("section", []), made["section"])}
    papers = [f"Citation/{each}" for each in published_in(rows)]
    results = [reference_of(each) for each in study.get("result", ())]
    wanted = [each for each in (f"EvidenceReport/{made['id']}", *papers) if each not in results]
    named = [*study.get("result", ()), *(json_of(reference(*each.split("/"))) for each in wanted)]
    return [{**study, "result": named}, made]


def _entries(report: Json) -> list[Json]:
    sections = list(report.get("section", ()))
    found: list[Json] = []
    while sections:
        section = sections.pop()
        found += section.get("entryReference", ())
        sections += section.get("section", ())
    return found


def _joined(sections: Sequence[Json], new: Sequence[Json]) -> list[Json]:
    """Sections with the entries of those of the same title added."""
    found = [dict(each) for each in sections]
    for section in new:
        place = next((each for each in found if each.get("title") == section.get("title")), None)
        if place is None:
            found.append(section)
        else:
            place["entryReference"] = [*place.get("entryReference", ()), *section["entryReference"]]
    return found
