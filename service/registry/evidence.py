"""Results as Evidence (https://hl7.org/fhir/R5/evidence.html): one per result, one statistic per row of the table.

A statistic's element id is the key of its row; where it was read and the words around it are extensions of the
statistic; the Evidence cites the publication that was read (``citeAsReference``) and, where that one repeats what
another published, the other one as well.
"""

from __future__ import annotations

from collections.abc import Sequence

from fhir.resources.annotation import Annotation
from fhir.resources.codeableconcept import CodeableConcept
from fhir.resources.evidence import (
    Evidence,
    EvidenceStatistic,
    EvidenceStatisticAttributeEstimate,
    EvidenceStatisticModelCharacteristic,
    EvidenceStatisticSampleSize,
    EvidenceVariableDefinition,
)
from fhir.resources.extension import Extension
from fhir.resources.identifier import Identifier
from fhir.resources.range import Range
from fhir.resources.reference import Reference
from fhir.resources.relatedartifact import RelatedArtifact

from service.registry import codes
from service.registry.codes import Code
from service.registry.description import Catalogue, Outcome, Trial
from service.registry.elements import concept, conforms, outcome_concept, provenance, quantity, reference
from service.registry.figures import Figure
from service.registry.names import evidence_id, group_id, label, variable_id
from service.registry.rows import Row, by_result

_ROLES = {
    "population": "population",
    "subpopulation": "subpopulation",
    "exposure": "exposure",
    "referenceExposure": "reference exposure",
    "measuredVariable": "measured variable",
}


def build_evidence(rows: Sequence[Row], trial: Trial, catalogue: Catalogue) -> list[Evidence]:
    """The Evidence of a trial, in the order of its table."""
    return [_evidence(result, members, trial, catalogue) for result, members in by_result(rows).items()]


def _evidence(result: str, rows: Sequence[Row], trial: Trial, catalogue: Catalogue) -> Evidence:
    row = rows[0]
    artifacts = [
        RelatedArtifact(type="derived-from", resourceReference=reference("ResearchStudy", study))
        for study in trial.studies(row.population or "")
    ]
    if row.reports:
        artifacts.append(RelatedArtifact(type="citation", resourceReference=reference("Citation", row.reports)))
    title = _title(row, trial)
    read = catalogue.publication(row.source).short
    first = f", which reports it from {catalogue.publication(row.reports).short}" if row.reports else ""
    return Evidence(
        id=evidence_id(trial, result),
        meta=conforms(_profile(row, trial)),
        identifier=[Identifier(system=codes.RESULT_KEY, value=evidence_id(trial, result))],
        title=title,
        citeAsReference=reference("Citation", row.source),
        status="active",
        description=f"{title}. Read in {read}{first}.",
        relatedArtifact=artifacts,
        variableDefinition=_variables(row, trial),
        synthesisType=single_study(),
        statistic=[build_statistic(member, trial) for member in rows],
    )


def single_study() -> CodeableConcept:
    """The synthesis type of what is read from one study."""
    return concept(None, (Code(codes.SYNTHESIS_TYPE, "NotApplicable", "not applicable"),))


def _profile(row: Row, trial: Trial) -> str:
    if row.exposure:
        return codes.COMPARATIVE_RESULT
    adverse = trial.outcome(row.outcome or "").code == "ae"
    return codes.ADVERSE_EVENT_RESULT if adverse else codes.NON_COMPARATIVE_RESULT


def _title(row: Row, trial: Trial) -> str:
    parts = [trial.outcome(row.outcome or "").title]
    if row.exposure and row.reference:
        parts.append(f"{label(trial, row.exposure)} versus {label(trial, row.reference)}")
    return ", ".join([*parts, label(trial, row.population or "")])


def _variables(row: Row, trial: Trial) -> list[EvidenceVariableDefinition]:
    group, whole = trial.group(row.population or ""), trial.whole(row.population or "")
    found = [role_variable("population", reference("Group", group_id(trial, whole.slug)))]
    if group is not whole:
        found.append(role_variable("subpopulation", reference("Group", group_id(trial, group.slug))))
    if row.exposure and row.reference:
        found.append(role_variable("exposure", _side(trial, row.exposure)))
        found.append(role_variable("referenceExposure", _side(trial, row.reference)))
    return [*found, _measured(row, trial)]


def _measured(row: Row, trial: Trial) -> EvidenceVariableDefinition:
    """What was measured, with its code beside the reference, so that a result is found by its outcome."""
    outcome = trial.outcome(row.outcome or "")
    return measured_variable(variable_id(trial, outcome.slug), outcome)


def measured_variable(variable: str, outcome: Outcome) -> EvidenceVariableDefinition:
    """An EvidenceVariable, by its id, as what was measured."""
    found = role_variable("measuredVariable", reference("EvidenceVariable", variable))
    found.extension = [Extension(url=codes.MEASURED_OUTCOME, valueCodeableConcept=outcome_concept(outcome))]
    return found


def _side(trial: Trial, slug: str) -> Reference:
    if any(exposure.slug == slug for exposure in trial.exposures):
        return reference("EvidenceVariable", variable_id(trial, slug))
    return reference("Group", group_id(trial, slug))


def role_variable(role: str, observed: Reference) -> EvidenceVariableDefinition:
    """A Group or an EvidenceVariable in one of the roles of a result."""
    return EvidenceVariableDefinition(
        variableRole=concept(_ROLES[role], (Code(codes.VARIABLE_ROLE, role, _ROLES[role]),)), observed=observed
    )


def build_statistic(row: Row, trial: Trial) -> EvidenceStatistic:
    """The statistic of one row."""
    kind = codes.STATISTICS[row.statistic or ""]
    return EvidenceStatistic(
        id=row.key,
        extension=provenance(row, source=False),
        description=row.text or row.timing,
        note=[Annotation(text=row.note)] if row.note else None,
        statisticType=concept(kind.text, (*kind.codes, Code(codes.STATISTIC, row.statistic or "", kind.text))),
        category=_category(row),
        quantity=None if row.value is None else quantity(row.value, row.unit),
        numberAffected=row.affected,
        sampleSize=_sample(row),
        attributeEstimate=_estimates(row, trial) or None,
        modelCharacteristic=_model(row) or None,
    )


def _category(row: Row) -> CodeableConcept | None:
    found: list[Code] = []
    if row.grade:
        display, ncit = codes.GRADES[row.grade]
        found.append(Code(codes.AE_GRADE, row.grade, display))
        found += [Code(codes.NCIT, ncit, f"Grade {row.grade}")] if ncit else []
    if row.attribution:
        found.append(Code(codes.AE_ATTRIBUTION, row.attribution, codes.ATTRIBUTIONS[row.attribution]))
    own_words = [code.display for code in found if code.system != codes.NCIT]
    return concept(", ".join(own_words), found) if found else None


def _sample(row: Row) -> EvidenceStatisticSampleSize | None:
    if row.n is None and row.denominator is None:
        return None
    return EvidenceStatisticSampleSize(numberOfParticipants=row.n, knownDataCount=row.denominator)


def _range(low: Figure | None, high: Figure | None, unit: str | None) -> Range:
    return Range(low=None if low is None else quantity(low, unit), high=None if high is None else quantity(high, unit))


def _estimates(row: Row, trial: Trial) -> list[EvidenceStatisticAttributeEstimate]:
    found: list[EvidenceStatisticAttributeEstimate] = []
    if row.ci_level is not None:
        found.append(
            EvidenceStatisticAttributeEstimate(
                type=concept("confidence interval", codes.CONFIDENCE_INTERVAL),
                level=row.ci_level.decimal.scaleb(-2),
                range=_range(row.ci_low, row.ci_high, row.unit),
            )
        )
    if row.spread is not None:
        spread = codes.SPREADS[row.spread]
        limits = _range(row.spread_low, row.spread_high, row.unit)
        words = spread[0].display.lower() if spread else codes.UNLABELLED
        found.append(EvidenceStatisticAttributeEstimate(type=concept(words, spread), range=limits))
    if row.p_value is not None:
        methods = [codes.METHODS[method].text for method in row.p_method]
        other = row.reference if not row.exposure else None
        versus = [f"versus {label(trial, other)}"] if other else []
        found.append(
            EvidenceStatisticAttributeEstimate(
                extension=[_comparator(trial, other)] if other else None,
                description=", ".join([*methods, *versus]) or None,
                type=concept("p-value", codes.P_VALUE),
                quantity=quantity(row.p_value, None),
            )
        )
    return found


def _comparator(trial: Trial, slug: str) -> Extension:
    """What one group was compared with by a p-value, where the statistic itself compares nothing."""
    return Extension(url=codes.RESULT_COMPARATOR, valueReference=_side(trial, slug))


def _model(row: Row) -> list[EvidenceStatisticModelCharacteristic]:
    found = [_method(method) for method in row.method]
    if row.time is not None:
        if not found:
            found.append(EvidenceStatisticModelCharacteristic(code=concept("time of the estimate")))
        found[0].value = quantity(row.time, row.time_unit)
    return found


def _method(slug: str) -> EvidenceStatisticModelCharacteristic:
    method = codes.METHODS[slug]
    return EvidenceStatisticModelCharacteristic(code=concept(method.text, [method.code] if method.code else []))
