"""Outcomes and exposures as EvidenceVariables (https://hl7.org/fhir/R5/evidencevariable.html)."""

from __future__ import annotations

from collections.abc import Sequence

from fhir.resources.annotation import Annotation
from fhir.resources.evidencevariable import (
    EvidenceVariable,
    EvidenceVariableCharacteristic,
    EvidenceVariableCharacteristicDefinitionByTypeAndValue,
)
from fhir.resources.range import Range

from service.registry import codes
from service.registry.description import Exposure, Outcome, Trial
from service.registry.elements import concept, conforms, outcome_concept, own, provenance, quantity
from service.registry.names import variable_id
from service.registry.rows import Row, at_place


def build_variables(rows: Sequence[Row], trial: Trial) -> list[EvidenceVariable]:
    """The EvidenceVariables of a trial: exposures, then outcomes."""
    return [
        *(_exposure(exposure, rows, trial) for exposure in trial.exposures),
        *(_outcome(outcome, trial) for outcome in trial.outcomes),
    ]


def _outcome(outcome: Outcome, trial: Trial) -> EvidenceVariable:
    return EvidenceVariable(
        id=variable_id(trial, outcome.slug),
        meta=conforms(codes.OUTCOME_VARIABLE),
        title=outcome.title,
        status="active",
        description=outcome.description,
        characteristic=[EvidenceVariableCharacteristic(definitionCodeableConcept=outcome_concept(outcome))],
        handling=outcome.handling,
    )


def _exposure(exposure: Exposure, rows: Sequence[Row], trial: Trial) -> EvidenceVariable:
    what = EvidenceVariableCharacteristic(definitionCodeableConcept=concept(exposure.title, exposure.codes))
    details = [detail_of(row) for row in at_place(rows, "characteristic", exposure.slug)]
    return EvidenceVariable(
        id=variable_id(trial, exposure.slug),
        meta=conforms(codes.EXPOSURE_VARIABLE),
        title=exposure.title,
        status="active",
        description=exposure.description,
        characteristic=[what, *details],
        handling="dichotomous",
    )


def detail_of(row: Row) -> EvidenceVariableCharacteristic:
    """The characteristic of one row."""
    definition = EvidenceVariableCharacteristicDefinitionByTypeAndValue(
        type=own(codes.CHARACTERISTIC, row.outcome or "", codes.CHARACTERISTICS[row.outcome or ""]),
        valueQuantity=None if row.value is None else quantity(row.value, row.unit),
        valueRange=_range(row) if row.value is None else None,
        valueCodeableConcept=concept(row.text) if row.value is None and row.spread is None else None,
    )
    words = "; ".join(part for part in (row.text, row.timing) if part)
    return EvidenceVariableCharacteristic(
        id=row.key,
        extension=provenance(row, source=True),
        description=words or None,
        note=[Annotation(text=row.note)] if row.note else None,
        definitionByTypeAndValue=definition,
    )


def _range(row: Row) -> Range | None:
    if row.spread_low is None or row.spread_high is None:
        return None
    return Range(low=quantity(row.spread_low, row.unit), high=quantity(row.spread_high, row.unit))
