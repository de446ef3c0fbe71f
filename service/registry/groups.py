"""Arms, analysis populations, subgroups and eligibility as Groups (https://hl7.org/fhir/R5/group.html)."""

from __future__ import annotations

from collections.abc import Sequence

from fhir.resources.codeableconcept import CodeableConcept
from fhir.resources.group import Group, GroupCharacteristic
from fhir.resources.quantity import Quantity
from fhir.resources.range import Range
from fhir.resources.reference import Reference

from service.registry import codes
from service.registry.description import Eligibility, GroupOf, Trial
from service.registry.elements import concept, conforms, own, provenance, quantity, reference, remark
from service.registry.names import eligibility_id, group_id, variable_id
from service.registry.rows import Row, at_place


def build_groups(rows: Sequence[Row], trial: Trial) -> list[Group]:
    """The Groups of a trial, who could take part first."""
    return [_eligibility(rows, trial), *(_group(group, rows, trial) for group in trial.groups)]


def _eligibility(rows: Sequence[Row], trial: Trial) -> Group:
    eligible: Eligibility = trial.eligibility
    found: list[GroupCharacteristic] = []
    if eligible.age_from is not None:
        found.append(_characteristic("age", Range(low=quantity(*eligible.age_from))))
    if eligible.age_below is not None:
        found.append(_characteristic("age", Range(low=quantity(*eligible.age_below)), exclude=True))
    found += [_characteristic("eligibility", concept(words)) for words in eligible.include]
    found += [_characteristic("eligibility", concept(words), exclude=True) for words in eligible.exclude]
    found += [characteristic_of(row) for row in at_place(rows, "characteristic", "eligibility")]
    return Group(
        id=eligibility_id(trial.slug),
        meta=conforms(codes.ELIGIBILITY_CRITERIA),
        name=f"Who could take part in {trial.short_title or trial.nct or trial.slug}",
        description=eligible.description,
        type="person",
        membership="definitional",
        characteristic=found or None,
    )


def _group(group: GroupOf, rows: Sequence[Row], trial: Trial) -> Group:
    found: list[GroupCharacteristic] = []
    found += [
        _characteristic("arm", reference("EvidenceVariable", variable_id(trial, slug))) for slug in group.exposures
    ]
    if group.of is not None:
        found.append(_characteristic("parent-population", reference("Group", group_id(trial, group.of))))
    else:
        eligible = [reference("Group", eligibility_id(study)) for study in trial.studies(group.slug)]
        found += [_characteristic("eligibility", who) for who in eligible]
    found += [characteristic_of(row) for row in at_place(rows, "characteristic", group.slug)]
    return Group(
        id=group_id(trial, group.slug),
        meta=conforms(codes.STUDY_ARM if group.kind == "arm" else codes.STUDY_POPULATION),
        name=group.name,
        description=group.description,
        type="person",
        membership="enumerated",
        code=own(codes.POPULATION_KIND, group.kind, codes.GROUP_KINDS[group.kind]),
        quantity=group.quantity,
        characteristic=found,
    )


def characteristic_of(row: Row) -> GroupCharacteristic:
    """The characteristic of one row."""
    value: CodeableConcept | Quantity | Range
    if row.value is not None:
        value = quantity(row.value, row.unit)
    elif row.spread_low is not None and row.spread_high is not None:
        value = Range(low=quantity(row.spread_low, row.unit), high=quantity(row.spread_high, row.unit))
    else:
        value = concept(row.text)
    made = _characteristic(row.outcome or "", value)
    made.id, made.extension = row.key, [*provenance(row, source=True), *remark(row)]
    return made


def _characteristic(
    code: str, value: CodeableConcept | Quantity | Range | Reference, *, exclude: bool = False
) -> GroupCharacteristic:
    return GroupCharacteristic(
        code=own(codes.CHARACTERISTIC, code, codes.CHARACTERISTICS[code]),
        valueCodeableConcept=value if isinstance(value, CodeableConcept) else None,
        valueQuantity=value if isinstance(value, Quantity) else None,
        valueRange=value if isinstance(value, Range) else None,
        valueReference=value if isinstance(value, Reference) else None,
        exclude=exclude,
    )
