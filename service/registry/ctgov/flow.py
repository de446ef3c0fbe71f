"""Participant flow (https://clinicaltrials.gov/data-api/about-api/study-data-structure#participantFlowModule).

One Evidence per group; a statistic per milestone, and per reason not to complete, of each period.
"""

from __future__ import annotations

from typing import Final

from fhir.resources.evidence import EvidenceStatistic
from fhir.resources.extension import Extension
from fhir.resources.quantity import Quantity

from service.registry import codes
from service.registry.codes import Code
from service.registry.ctgov.numbers import figure, measured, remarks
from service.registry.ctgov.record import Node
from service.registry.ctgov.trial import Import, facts, population, words_of
from service.registry.ctgov.vocabulary import words
from service.registry.description import Outcome
from service.registry.elements import concept
from service.registry.evidence import measured_variable
from service.registry.figures import Number

LOCATOR: Final = "resultsSection.participantFlowModule"
_COUNT: Final = (*codes.STATISTICS["count"].codes, Code(codes.STATISTIC, "count", "count"))


def build_flow(trial: Import, module: Node) -> None:
    """The Evidence of the participant flow."""
    groups = {
        each.peek("id") or "": trial.group(each, counted=_started(module, each)) for each in module.each("groups")
    }
    id_ = f"{trial.prefix}-flow"
    outcome = Outcome(id_, "participants", "Participant flow", "polychotomous")
    remarks = facts(
        module,
        preAssignmentDetails="Before assignment",
        recruitmentDetails="Recruitment",
        typeUnitsAnalyzed="Units analyzed",
    )
    found: dict[str, list[EvidenceStatistic]] = {}
    for period in module.each("periods"):
        for milestone in period.each("milestones"):
            _count(period, milestone, "achievements", None, groups, found)
        for reason in period.each("dropWithdraws"):
            _count(period, reason, "reasons", "not completed", groups, found)
    if not found and not remarks:
        return
    trial.variable(id_, outcome, remarks)
    for key, statistics in found.items():
        trial.result(
            trial.id("pr", outcome.title, groups[key]),
            words_of(outcome.title, trial.groups[groups[key]].name),
            codes.NON_COMPARATIVE_RESULT,
            [population(groups[key]), measured_variable(id_, outcome)],
            statistics,
            "participants",
        )


def _started(module: Node, group: Node) -> int | None:
    """How many of a group started the first period."""
    for period in module.each("periods")[:1]:
        for milestone in period.each("milestones"):
            if milestone.peek("type") == "STARTED":
                for each in milestone.each("achievements"):
                    if each.peek("groupId") == group.peek("id"):
                        return each.count("numSubjects")
    return None


def _count(
    period: Node,
    node: Node,
    name: str,
    prefix: str | None,
    groups: dict[str, str],
    found: dict[str, list[EvidenceStatistic]],
) -> None:
    for each in node.each(name):
        key, text = each.peek("groupId") or "", each.peek("numSubjects")
        if key not in groups or text is None:
            continue
        each.read("groupId")
        each.read("numSubjects")
        number, kind = figure(text, each.peek("comment")), node.read("type")
        category = ": ".join(part for part in (period.read("title"), prefix, words(kind) if kind else None) if part)
        whole = isinstance(number, Number) and text.isdigit() and len(text) < 10
        found.setdefault(key, []).append(
            EvidenceStatistic(
                extension=[Extension(url=codes.RESULT_LOCATOR, valueString=LOCATOR)],
                description=None if number is not None else text,
                note=remarks([node.read("comment"), each.read("comment"), *facts(each, numUnits="Units")]),
                statisticType=concept("count", _COUNT if whole else ()),
                category=concept(category or None),
                quantity=_quantity(number),
                numberAffected=int(text) if whole else None,
            )
        )


def _quantity(number: object) -> Quantity:
    return measured(number if isinstance(number, Number) else None, None)
