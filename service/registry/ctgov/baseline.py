"""Baseline characteristics (https://clinicaltrials.gov/data-api/about-api/study-data-structure#baselineCharacteristicsModule)."""

from __future__ import annotations

from typing import Final

from service.registry import codes
from service.registry.ctgov.measures import Measure, about, analyzed, build_results, handling
from service.registry.ctgov.numbers import sample
from service.registry.ctgov.record import Node
from service.registry.ctgov.trial import Import, facts, population, words_of
from service.registry.description import Outcome
from service.registry.evidence import measured_variable

LOCATOR: Final = "resultsSection.baselineCharacteristicsModule"


def build_baseline(trial: Import, module: Node) -> None:
    """The Evidence of the baseline: how many there were in each group, and each measure."""
    groups = {group.peek("id") or "": trial.group(group) for group in module.each("groups")}
    wider = module.each("denoms")
    _analyzed(trial, module, groups)
    for node in module.each("measures"):
        title, description = node.read("title") or "Baseline characteristic", node.read("description")
        id_ = trial.id("b", title, node.peek("unitOfMeasure"))
        outcome = Outcome(id_, "baseline", title, handling(node), description)
        trial.variable(id_, outcome, about(node))
        build_results(trial, Measure(node, id_, outcome, "participants", groups, (id_,), wider, LOCATOR))


def _analyzed(trial: Import, module: Node, groups: dict[str, str]) -> None:
    id_ = f"{trial.prefix}-b-analyzed"
    outcome = Outcome(id_, "participants", "Participants of the baseline analysis", "dichotomous")
    said = facts(module, populationDescription="Analysis population", typeUnitsAnalyzed="Units analyzed")
    if not said and not module.each("denoms"):
        return
    trial.variable(id_, outcome, said)
    for key, group in groups.items():
        size = sample((module.each("denoms"),), key)
        if size is not None:
            trial.result(
                trial.id("pr", outcome.title, group),
                words_of(outcome.title, trial.groups[group].name),
                codes.NON_COMPARATIVE_RESULT,
                [population(group), measured_variable(id_, outcome)],
                [analyzed(size, LOCATOR)],
                "participants",
            )
