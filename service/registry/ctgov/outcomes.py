"""Outcomes: what was planned (outcomesModule) and what was reported (outcomeMeasuresModule).

A reported outcome is the planned one where title and time frame are the same; both then have one EvidenceVariable.
"""

from __future__ import annotations

from typing import Final

from fhir.resources.researchstudy import ResearchStudyOutcomeMeasure

from service.registry import codes
from service.registry.codes import Code
from service.registry.ctgov.analyses import build_analysis
from service.registry.ctgov.measures import Measure, about, build_results, handling
from service.registry.ctgov.record import Node
from service.registry.ctgov.trial import Import, facts
from service.registry.ctgov.vocabulary import outcome_code, words
from service.registry.description import Outcome
from service.registry.elements import concept, reference

LOCATOR: Final = "resultsSection.outcomeMeasuresModule"
_RANKS: Final = (
    ("primaryOutcomes", Code(codes.OBJECTIVE, "primary", "Primary")),
    ("secondaryOutcomes", Code(codes.OBJECTIVE, "secondary", "Secondary")),
    ("otherOutcomes", None),
)


def _key(title: str, time_frame: str | None) -> tuple[str, str]:
    return " ".join(title.casefold().split()), " ".join((time_frame or "").casefold().split())


def build_planned(trial: Import, module: Node) -> dict[tuple[str, str], str]:
    """The EvidenceVariables of the planned outcomes; returns their ids by title and time frame."""
    found: dict[tuple[str, str], str] = {}
    measures: list[ResearchStudyOutcomeMeasure] = []
    for name, rank in _RANKS:
        for node in module.each(name):
            title = node.read("measure")
            if title is None:
                continue
            description, time = node.read("description"), node.read("timeFrame")
            key = _key(title, time)
            if key not in found:
                found[key] = trial.id("o", title, time)
                outcome = Outcome(found[key], outcome_code(title), title, "dichotomous", description)
                trial.variable(found[key], outcome, [f"Time frame: {time}" if time else None])
            measures.append(
                ResearchStudyOutcomeMeasure(
                    name=title,
                    type=[concept(None, (rank,)) if rank else concept("Other")],
                    description=description,
                    reference=reference("EvidenceVariable", found[key]),
                )
            )
    if trial.researchstudy is not None:
        trial.researchstudy.outcomeMeasure = measures or None
    return found


def build_reported(trial: Import, module: Node, planned: dict[tuple[str, str], str]) -> None:
    """The Evidence of the reported outcomes and of their analyses."""
    for node in module.each("outcomeMeasures"):
        title = node.read("title") or "Outcome"
        description, time, rank = node.read("description"), node.read("timeFrame"), node.peek("type")
        id_ = planned.get(_key(title, time)) or trial.id("o", title, time, rank)
        outcome = Outcome(id_, outcome_code(title), title, handling(node), description)
        remarks = [
            *([f"Time frame: {time}"] if time else []),
            *([f"Type: {words(rank)}"] if rank and node.read("type") else []),
            *facts(node, reportingStatus="Results", anticipatedPostingDate="Results expected"),
            *about(node),
        ]
        planned_words = trial.variables[id_].description if id_ in trial.variables else None
        if planned_words and description and planned_words != description:
            remarks.append(f"As planned: {planned_words}")
        elif description is None and planned_words:
            outcome = Outcome(id_, outcome.code, title, outcome.handling, planned_words)
        trial.variable(id_, outcome, remarks)
        groups = {group.peek("id") or "": trial.group(group) for group in node.each("groups")}
        identity = (time, rank)
        build_results(trial, Measure(node, id_, outcome, "efficacy", groups, identity, (), LOCATOR))
        for analysis in node.each("analyses"):
            build_analysis(trial, analysis, id_, outcome, groups, f"{LOCATOR}, analyses")
