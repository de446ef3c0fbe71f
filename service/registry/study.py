"""The trial as ResearchStudy (https://hl7.org/fhir/R5/researchstudy.html) with its sponsor as Organization."""

from __future__ import annotations

from collections.abc import Sequence

from fhir.resources.annotation import Annotation
from fhir.resources.codeablereference import CodeableReference
from fhir.resources.extension import Extension
from fhir.resources.identifier import Identifier
from fhir.resources.organization import Organization
from fhir.resources.period import Period
from fhir.resources.reference import Reference
from fhir.resources.researchstudy import (
    ResearchStudy,
    ResearchStudyAssociatedParty,
    ResearchStudyComparisonGroup,
    ResearchStudyLabel,
    ResearchStudyOutcomeMeasure,
    ResearchStudyProgressStatus,
    ResearchStudyRecruitment,
)

from service.registry import codes
from service.registry.codes import Code
from service.registry.description import Catalogue, CodeOf, GroupOf, Outcome, Progress, Trial
from service.registry.elements import concept, conforms, described, provenance, reference, remark
from service.registry.names import eligibility_id, group_id, report_id, variable_id
from service.registry.rows import Row, at_place, by_result


def build_sponsor(trial: Trial, catalogue: Catalogue) -> list[Organization]:
    """The sponsor, where it is known."""
    if trial.sponsor is None:
        return []
    sponsor = catalogue.organization(trial.sponsor)
    return [Organization(id=sponsor.slug, active=True, name=sponsor.name)]


def published_in(rows: Sequence[Row]) -> list[str]:
    """The publications whose results these are, as opposed to those that repeat them."""
    return sorted({row.reports or row.source for row in rows})


def build_study(rows: Sequence[Row], trial: Trial, catalogue: Catalogue) -> ResearchStudy:
    """The ResearchStudy; rows that are facts of the design become its notes."""
    return ResearchStudy(
        id=trial.slug,
        meta=conforms(codes.REGISTRY_STUDY),
        identifier=_identifiers(trial),
        title=trial.title,
        label=_labels(trial) or None,
        status="active",
        primaryPurposeType=concept(None, (Code(codes.PURPOSE, "treatment", "Treatment"),)),
        phase=concept(trial.phase.display, (trial.phase, _tho(trial.phase))) if trial.phase else None,
        studyDesign=[concept(None, (design,)) for design in trial.design] or None,
        focus=[CodeableReference(concept=described(focus)) for focus in trial.focus] or None,
        condition=[described(condition) for condition in trial.condition],
        description=trial.description,
        note=[*design_notes(rows), *(Annotation(text=words) for words in trial.notes)] or None,
        associatedParty=[_lead_sponsor(trial, catalogue)],
        progressStatus=[_progress(progress) for progress in trial.progress] or [_unknown_progress()],
        whyStopped=concept(trial.why_stopped) if trial.why_stopped else None,
        recruitment=ResearchStudyRecruitment(
            actualNumber=trial.enrolled, eligibility=reference("Group", eligibility_id(trial.slug))
        ),
        comparisonGroup=[_arm(group, trial) for group in trial.groups if group.kind == "arm"] or None,
        outcomeMeasure=[_measure(outcome, trial) for outcome in trial.outcomes if outcome.rank] or None,
        result=_results(rows, trial) or None,
    )


def _results(rows: Sequence[Row], trial: Trial) -> list[Reference]:
    if not by_result(rows):
        return []
    papers = [reference("Citation", slug) for slug in published_in(rows)]
    return [reference("EvidenceReport", report_id(trial)), *papers]


def _identifiers(trial: Trial) -> list[Identifier]:
    system, number = (codes.NCT, trial.nct) if trial.nct else (codes.STUDY_KEY, trial.slug)
    found = [Identifier(use="official", system=system, value=number)]
    if trial.eudract:
        found.append(Identifier(use="secondary", system=codes.EUDRACT, value=trial.eudract))
    if trial.sponsor_number:
        found.append(Identifier(use="secondary", system=codes.SPONSOR_STUDY, value=trial.sponsor_number))
    if trial.ctrp:
        found.append(Identifier(use="secondary", system=codes.CTRP, value=trial.ctrp))
    return found


def _labels(trial: Trial) -> list[ResearchStudyLabel]:
    named = (
        ("official", "Official title", trial.official_title),
        ("acronym", "Acronym", trial.acronym),
        ("short-title", "Short title", trial.short_title),
    )
    return [
        ResearchStudyLabel(type=concept(None, (Code(codes.TITLE_TYPE, code, display),)), value=value)
        for code, display, value in named
        if value
    ]


def _lead_sponsor(trial: Trial, catalogue: Catalogue) -> ResearchStudyAssociatedParty:
    """The sponsor; of a study whose sources do not name it, a reference that is absent for a stated reason."""
    role = concept(None, (Code(codes.PARTY_ROLE, "lead-sponsor", "lead-sponsor"),))
    if trial.sponsor is None:
        nobody = Reference(extension=[_unknown()], display="Not reported")
        return ResearchStudyAssociatedParty(role=role, party=nobody)
    sponsor = catalogue.organization(trial.sponsor)
    return ResearchStudyAssociatedParty(name=sponsor.name, role=role, party=reference("Organization", sponsor.slug))


def _unknown() -> Extension:
    return Extension(url=codes.DATA_ABSENT_REASON, valueCode="unknown")


def _unknown_progress() -> ResearchStudyProgressStatus:
    state = concept("Not reported")
    state.extension = [_unknown()]
    return ResearchStudyProgressStatus(state=state)


def _tho(phase: CodeOf) -> Code:
    return Code(codes.STUDY_PHASE_THO, phase.code, phase.display)


def _progress(progress: Progress) -> ResearchStudyProgressStatus:
    dates = {name: day for name, day in (("start", progress.start), ("end", progress.end)) if day}
    period = Period.model_validate(dates) if dates else None
    state = Code(codes.STUDY_STATUS, progress.state, progress.display)
    return ResearchStudyProgressStatus(state=concept(None, (state,)), actual=True, period=period)


def design_notes(rows: Sequence[Row]) -> list[Annotation]:
    """The facts of the design as notes."""
    return [
        Annotation(id=row.key, extension=[*provenance(row, source=True), *remark(row)], text=row.text or "")
        for row in at_place(rows, "design")
    ]


def _arm(group: GroupOf, trial: Trial) -> ResearchStudyComparisonGroup:
    return ResearchStudyComparisonGroup(
        linkId=group.slug,
        name=group.name,
        type=concept(None, (group.arm_type,)) if group.arm_type else None,
        description=group.description,
        intendedExposure=[reference("EvidenceVariable", variable_id(trial, slug)) for slug in group.exposures] or None,
        observedGroup=reference("Group", group_id(trial, group.slug)),
    )


def _measure(outcome: Outcome, trial: Trial) -> ResearchStudyOutcomeMeasure:
    rank = outcome.rank or "secondary"
    return ResearchStudyOutcomeMeasure(
        name=outcome.title,
        type=[concept(None, (Code(codes.OBJECTIVE, rank, rank.capitalize()),))],
        description=outcome.description,
        reference=reference("EvidenceVariable", variable_id(trial, outcome.slug)),
    )
