"""Adverse events (https://clinicaltrials.gov/data-api/about-api/study-data-structure#adverseEventsModule).

One Evidence per group and seriousness with a statistic per term; the totals of a group and its deaths are others.
Terms and organ systems are texts: MedDRA is licensed, and the record has no codes of it.
"""

from __future__ import annotations

from typing import Final

from fhir.resources.evidence import EvidenceStatistic, EvidenceStatisticSampleSize
from fhir.resources.extension import Extension

from service.registry import codes
from service.registry.codes import Code
from service.registry.ctgov.numbers import remarks
from service.registry.ctgov.record import Node
from service.registry.ctgov.trial import Import, facts, population, words_of
from service.registry.ctgov.vocabulary import words
from service.registry.description import Outcome
from service.registry.elements import concept, quantity
from service.registry.evidence import measured_variable

LOCATOR: Final = "resultsSection.adverseEventsModule"
_COUNT: Final = (*codes.STATISTICS["count"].codes, Code(codes.STATISTIC, "count", "count"))
_KINDS: Final = (
    ("seriousEvents", "serious", "Serious adverse events"),
    ("otherEvents", "other", "Other adverse events"),
)
_TOTALS: Final = (
    ("serious", "All serious adverse events"),
    ("other", "All other adverse events"),
)


def build_adverse(trial: Import, module: Node) -> None:
    """The Evidence of the adverse events and of the deaths."""
    if not module:
        return
    groups = {group.peek("id") or "": trial.group(group) for group in module.each("eventGroups")}
    said = facts(
        module,
        timeFrame="Time frame",
        description="Description",
        frequencyThreshold="Reported above a frequency of (%)",
    )
    for name, slug, title in _KINDS:
        id_ = f"{trial.prefix}-ae-{slug}"
        outcome = Outcome(id_, "ae", title, "dichotomous")
        trial.variable(id_, outcome, said)
        found: dict[str, list[EvidenceStatistic]] = {}
        for group in module.each("eventGroups"):
            total = _affected(group, slug, dict(_TOTALS)[slug], f"{LOCATOR}.eventGroups")
            if total is not None:
                found[group.peek("id") or ""] = [total]
        for event in module.each(name):
            _event(event, groups, found, f"{LOCATOR}.{name}")
        for key, statistics in found.items():
            _result(trial, f"ae-{slug}", outcome, id_, groups[key], codes.ADVERSE_EVENT_RESULT, statistics)
    _deaths(trial, module, groups)


def _deaths(trial: Import, module: Node, groups: dict[str, str]) -> None:
    id_ = f"{trial.prefix}-deaths"
    outcome = Outcome(id_, "death", "All-cause mortality", "dichotomous")
    said = facts(module, allCauseMortalityComment="Comment")
    found = {
        group.peek("id") or "": _affected(group, "deaths", "Deaths", f"{LOCATOR}.eventGroups")
        for group in module.each("eventGroups")
    }
    if said or any(found.values()):
        trial.variable(id_, outcome, said)
    for key, statistic in found.items():
        if statistic is not None:
            _result(trial, "deaths", outcome, id_, groups[key], codes.NON_COMPARATIVE_RESULT, [statistic])


def _result(
    trial: Import,
    kind: str,
    outcome: Outcome,
    variable: str,
    group: str,
    profile: str,
    statistics: list[EvidenceStatistic],
) -> None:
    name = trial.groups[group].name
    roles = [population(group), measured_variable(variable, outcome)]
    title = words_of(outcome.title, name)
    trial.result(trial.id(kind, name or "", group), title, profile, roles, statistics, "harms")


def _affected(group: Node, slug: str, title: str, locator: str) -> EvidenceStatistic | None:
    affected, risk = group.count(f"{slug}NumAffected"), group.count(f"{slug}NumAtRisk")
    return None if affected is None and risk is None else _statistic(title, None, affected, None, risk, locator, [])


def _event(event: Node, groups: dict[str, str], found: dict[str, list[EvidenceStatistic]], locator: str) -> None:
    for each in event.each("stats"):
        key = each.peek("groupId") or ""
        if key not in groups:
            continue
        each.read("groupId")
        assessment = event.read("assessmentType")
        about = [
            event.read("organSystem"),
            event.read("sourceVocabulary"),
            words(assessment) if assessment else None,
        ]
        made = _statistic(
            event.read("term") or "Adverse event",
            "; ".join(part for part in about if part) or None,
            each.count("numAffected"),
            each.count("numEvents"),
            each.count("numAtRisk"),
            locator,
            [event.read("notes")],
        )
        found.setdefault(key, []).append(made)


def _statistic(
    term: str,
    about: str | None,
    affected: int | None,
    events: int | None,
    risk: int | None,
    locator: str,
    said: list[str | None],
) -> EvidenceStatistic:
    """What is printed is kept; where more are affected than were at risk or had events, one number stays in words."""
    spoken: list[str | None] = list(said)
    if affected is not None and risk is not None and affected > risk:
        spoken.append(f"The record has {affected} affected of {risk} at risk.")
        risk = None
    if affected is not None and events is not None and events < affected:
        spoken.append(f"The record has {events} events in {affected} participants.")
        events = None
    return EvidenceStatistic(
        extension=[Extension(url=codes.RESULT_LOCATOR, valueString=locator)],
        description=about
        or (None if affected is not None or events is not None else "No number of participants affected"),
        note=remarks(spoken),
        statisticType=concept("count", _COUNT),
        category=concept(term),
        quantity=None if affected is None else quantity(affected, None),
        numberOfEvents=events,
        numberAffected=affected,
        sampleSize=None if risk is None else EvidenceStatisticSampleSize(numberOfParticipants=risk),
    )
