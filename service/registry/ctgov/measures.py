"""Measures with classes, categories and a measurement per group: baseline characteristics and outcome measures.

One Evidence per measure, group and class, one statistic per category
(https://clinicaltrials.gov/data-api/about-api/study-data-structure#OutcomeMeasure).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from fhir.resources.evidence import (
    EvidenceStatistic,
    EvidenceStatisticAttributeEstimate,
    EvidenceStatisticSampleSize,
)
from fhir.resources.extension import Extension

from service.registry import codes
from service.registry.codes import Code, Section
from service.registry.ctgov.numbers import PEOPLE, figure, is_share, limits, measured, most, remarks, sample, spread
from service.registry.ctgov.record import Node
from service.registry.ctgov.trial import Import, facts, population, words_of
from service.registry.ctgov.vocabulary import PARAMETERS, words
from service.registry.description import Outcome
from service.registry.elements import concept
from service.registry.evidence import measured_variable
from service.registry.figures import Figure, Number

Handling = Literal["continuous", "dichotomous", "polychotomous"]

ABOUT: Final = {
    "paramType": "Parameter",
    "dispersionType": "Dispersion",
    "unitOfMeasure": "Unit",
    "calculatePct": "Percentages to be calculated",
    "populationDescription": "Analysis population",
    "typeUnitsAnalyzed": "Units analyzed",
    "denomUnitsSelected": "Units of the denominators",
}
"""What a measure says of all its numbers; it becomes notes of the variable."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure: what its variable is, whom it was measured in (the record's id -> the Group's), and where it stands.

    ``wider`` are denominators that hold for it where it has none of its own.
    """

    node: Node
    variable: str
    outcome: Outcome
    section: Section
    groups: Mapping[str, str]
    identity: tuple[str | None, ...]
    wider: Sequence[Node]
    locator: str


def handling(node: Node) -> Handling:
    """How the values of a measure are to be handled, of the codes that R5 has for it."""
    if node.peek("paramType") not in (None, "NUMBER", "COUNT_OF_PARTICIPANTS", "COUNT_OF_UNITS"):
        return "continuous"
    return "polychotomous" if any(len(each.each("categories")) > 2 for each in node.each("classes")) else "dichotomous"


def about(node: Node) -> list[str]:
    """What a measure says of all its numbers."""
    return facts(node, **ABOUT)


def build_results(trial: Import, measure: Measure) -> None:
    """The Evidence of a measure. A group that has a denominator and no value has only that."""
    own = measure.node.each("denoms") or measure.wider
    told: set[str] = set()
    for each in measure.node.each("classes"):
        denominators = each.each("denoms")
        found: dict[str, list[EvidenceStatistic]] = {}
        for category in each.each("categories"):
            for measurement in category.each("measurements"):
                key = measurement.peek("groupId") or ""
                if key in measure.groups and measurement.peek("value") is not None:
                    measurement.read("groupId")
                    made = _statistic(measure, category, measurement, (own, denominators))
                    found.setdefault(key, []).append(made)
        for key in measure.groups:
            counted = key not in found and sample((denominators,), key) is not None
            if counted and (size := sample((own, denominators), key)) is not None:
                found[key] = [analyzed(size, measure.locator)]
        for key, statistics in found.items():
            _result(trial, measure, measure.groups[key], each.read("title"), statistics)
        told |= found.keys()
    for key, group in measure.groups.items():
        if key not in told and (size := sample((measure.node.each("denoms"),), key)) is not None:
            _result(trial, measure, group, None, [analyzed(size, measure.locator)])


def analyzed(size: EvidenceStatisticSampleSize, locator: str) -> EvidenceStatistic:
    """How many were analyzed, where there is nothing else to tell."""
    return EvidenceStatistic(
        extension=[Extension(url=codes.RESULT_LOCATOR, valueString=locator)],
        description=size.description or "Participants analyzed",
        statisticType=concept("Participants analyzed"),
        sampleSize=size,
    )


def _result(
    trial: Import, measure: Measure, group: str, title: str | None, statistics: Sequence[EvidenceStatistic]
) -> None:
    trial.result(
        trial.id(measure.section[0] + "r", measure.outcome.title, *measure.identity, group, title),
        words_of(measure.outcome.title, title, trial.groups[group].name),
        codes.NON_COMPARATIVE_RESULT,
        [population(group), measured_variable(measure.variable, measure.outcome)],
        statistics,
        measure.section,
    )


def _statistic(
    measure: Measure, category: Node, measurement: Node, levels: Sequence[Sequence[Node]]
) -> EvidenceStatistic:
    parameter, unit = measure.node.read("paramType"), measure.node.read("unitOfMeasure")
    text, comment = measurement.read("value") or "", measurement.read("comment")
    value = figure(text, comment)
    size = sample(levels, measurement.peek("groupId") or "")
    coded, whole = _kind(parameter, unit, value, measurement)
    bound = most(size)
    affected = whole if whole is not None and (bound is None or whole <= bound) else None
    title = category.read("title")
    return EvidenceStatistic(
        extension=[Extension(url=codes.RESULT_LOCATOR, valueString=measure.locator)],
        description=None if value is not None else text,
        note=remarks([comment]),
        statisticType=concept(words(parameter) if parameter else "Value", coded),
        category=concept(title) if title else None,
        quantity=measured(value, unit),
        numberAffected=affected,
        sampleSize=size,
        attributeEstimate=_spreads(measure.node, measurement, unit) or None,
    )


def _kind(
    parameter: str | None, unit: str | None, value: Figure | None, measurement: Node
) -> tuple[tuple[Code, ...], int | None]:
    """The codes of a statistic, as far as its number is what the code says; and how many participants it counts."""
    if parameter == "NUMBER" and is_share(unit):
        texts = (measurement.peek(name) for name in ("value", "lowerLimit", "upperLimit"))
        shares = [figure(text) for text in texts if text is not None]
        if all(0 <= each.decimal <= 100 for each in shares if isinstance(each, Number)):
            return _with_own("percentage"), None
    people = parameter == "NUMBER" and unit is not None and unit.casefold() in PEOPLE
    if people or parameter == "COUNT_OF_PARTICIPANTS":
        if isinstance(value, Number) and value.comparator is None and value.text.isdigit():
            return _with_own("count"), int(value.text) if len(value.text) < 10 else None
        return (), None
    return ((*PARAMETERS[parameter], *_with_own(parameter.lower())[-1:]) if parameter in PARAMETERS else ()), None


def _with_own(name: str) -> tuple[Code, ...]:
    kind = codes.STATISTICS[name]
    return (*kind.codes, Code(codes.STATISTIC, name, kind.text))


def _spreads(node: Node, measurement: Node, unit: str | None) -> list[EvidenceStatisticAttributeEstimate]:
    found: list[EvidenceStatisticAttributeEstimate] = []
    kind = node.read("dispersionType")
    if (text := measurement.read("spread")) is not None:
        made = spread(kind, "Dispersion", measured(figure(text), unit), None)
        if figure(text) is None:
            made.description = text
        found.append(made)
    low, high = measurement.read("lowerLimit"), measurement.read("upperLimit")
    if low is not None or high is not None:
        between, spoken = limits(low, high, unit, "Not reported")
        made = spread(kind, "Limits", None, between)
        made.description = "; ".join(spoken) or None
        found.append(made)
    return found
