"""All results of a trial in sections, as EvidenceReport (https://hl7.org/fhir/R5/evidencereport.html)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fhir.resources.evidencereport import (
    EvidenceReport,
    EvidenceReportSection,
    EvidenceReportSubject,
    EvidenceReportSubjectCharacteristic,
)

from service.registry import codes
from service.registry.codes import Section
from service.registry.description import Trial
from service.registry.elements import concept, conforms, reference
from service.registry.names import evidence_id, report_id
from service.registry.rows import Row, by_result


def build_report(rows: Sequence[Row], trial: Trial) -> list[EvidenceReport]:
    """The report; each result is in the section of its outcome, in the order of the table. None without results."""
    if not by_result(rows):
        return []
    placed: dict[Section, list[str]] = {section: [] for section in codes.SECTIONS}
    for result, members in by_result(rows).items():
        outcome = trial.outcome(members[0].outcome or "")
        placed[codes.OUTCOMES[outcome.code].section].append(evidence_id(trial, result))
    return [report_of(report_id(trial), trial.slug, placed)]


def report_of(id_: str, study: str, placed: Mapping[Section, Sequence[str]]) -> EvidenceReport:
    """The report under an id on a study, with the ids of the Evidence of each section."""
    subject = EvidenceReportSubjectCharacteristic(
        code=concept("Research study"), valueReference=reference("ResearchStudy", study)
    )
    return EvidenceReport(
        id=id_,
        meta=conforms(codes.STUDY_RESULTS_REPORT),
        status="active",
        subject=EvidenceReportSubject(characteristic=[subject]),
        section=[_section(section, ids) for section, ids in placed.items() if ids],
    )


def _section(section: Section, ids: Sequence[str]) -> EvidenceReportSection:
    title, code = codes.SECTIONS[section]
    return EvidenceReportSection(
        title=title,
        focus=concept(title, (code,)) if code else None,
        entryReference=[reference("Evidence", found) for found in ids],
    )
