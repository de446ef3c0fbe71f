"""Arms and interventions (https://clinicaltrials.gov/data-api/about-api/study-data-structure#armsInterventionsModule)."""

from __future__ import annotations

from fhir.resources.evidencevariable import (
    EvidenceVariable,
    EvidenceVariableCharacteristic,
    EvidenceVariableCharacteristicDefinitionByTypeAndValue,
)
from fhir.resources.researchstudy import ResearchStudyComparisonGroup

from service.registry import codes
from service.registry.ctgov.record import Node
from service.registry.ctgov.trial import Import, notes, slug
from service.registry.ctgov.vocabulary import ARMS, words
from service.registry.elements import concept, reference


def build_arms(trial: Import, module: Node) -> list[ResearchStudyComparisonGroup]:
    """The EvidenceVariables of the interventions; returns the arms."""
    for arm in module.each("armGroups"):
        trial.arms[(arm.peek("label") or "").casefold()] = arm.peek("type") or ""
    labels = {arm.peek("label") or "": arm for arm in module.each("armGroups")}
    exposures: dict[str, str] = {}
    given: dict[str, list[str]] = {}
    for node in module.each("interventions"):
        name, kind = node.read("name") or "Intervention", node.read("type")
        id_ = trial.id("i", name, kind)
        exposures[f"{(kind or '').replace('_', ' ').title()}: {name}"] = exposures[name] = id_
        others = node.texts("otherNames")
        what = EvidenceVariableCharacteristic(definitionCodeableConcept=concept(name))
        trial.variables[id_] = EvidenceVariable(
            id=id_,
            meta=trial.meta(codes.EXPOSURE_VARIABLE),
            title=name,
            status="active",
            description=node.read("description"),
            note=notes([f"Also known as: {'; '.join(others)}" if others else None]),
            characteristic=[what, *([_kind(kind)] if kind else [])],
            handling="dichotomous",
        )
        for label in node.links("armGroupLabels", {label: label for label in labels}):
            given.setdefault(label, []).append(id_)
    with trial.log.for_study():
        return _distinct([_arm(arm, exposures, given) for arm in module.each("armGroups")])


def _kind(kind: str) -> EvidenceVariableCharacteristic:
    definition = EvidenceVariableCharacteristicDefinitionByTypeAndValue(
        type=concept("Type of intervention"), valueCodeableConcept=concept(words(kind))
    )
    return EvidenceVariableCharacteristic(definitionByTypeAndValue=definition)


def _arm(arm: Node, exposures: dict[str, str], given: dict[str, list[str]]) -> ResearchStudyComparisonGroup:
    label, kind = arm.read("label") or "Arm", arm.code("type", ARMS)
    named = [*arm.links("interventionNames", exposures), *given.get(label, [])]
    return ResearchStudyComparisonGroup(
        linkId=slug(label, 60) or "arm",
        name=label,
        type=concept(kind.display, (kind,)) if kind else None,
        description=arm.read("description"),
        intendedExposure=[reference("EvidenceVariable", id_) for id_ in dict.fromkeys(named)] or None,
    )


def _distinct(arms: list[ResearchStudyComparisonGroup]) -> list[ResearchStudyComparisonGroup]:
    seen: dict[str, int] = {}
    for arm in arms:
        link = str(arm.linkId)
        seen[link] = seen.get(link, 0) + 1
        if seen[link] > 1:
            arm.linkId = f"{link[:60]}-{seen[link]}"
    return arms


def observe(trial: Import, arms: list[ResearchStudyComparisonGroup]) -> None:
    """Say of each arm which Group was observed: the first of the results that is called like it."""
    for arm in arms:
        name = (arm.name or "").casefold()
        found = next((group.id for group in trial.groups.values() if (group.name or "").casefold() == name), None)
        if found is not None:
            arm.observedGroup = reference("Group", found)
