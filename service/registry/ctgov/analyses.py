"""Statistical analyses of an outcome measure as Evidence that compares
(https://clinicaltrials.gov/data-api/about-api/study-data-structure#Analysis).

The record names the groups of an analysis and not which of them is the reference. Here that is the arm which is a
comparator, and where none or several are, the group that is named last; the Evidence says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from fhir.resources.evidence import (
    EvidenceStatistic,
    EvidenceStatisticAttributeEstimate,
    EvidenceStatisticModelCharacteristic,
    EvidenceVariableDefinition,
)
from fhir.resources.extension import Extension

from service.registry import codes
from service.registry.codes import Code
from service.registry.ctgov.numbers import figure, limits, measured, remarks, spread
from service.registry.ctgov.record import Node
from service.registry.ctgov.trial import Import, facts, population, words_of
from service.registry.ctgov.vocabulary import COMPARATORS, METHODS, RATIOS, words
from service.registry.description import Outcome
from service.registry.elements import concept, quantity, reference
from service.registry.evidence import measured_variable, role_variable
from service.registry.figures import Absent, Number


def build_analysis(
    trial: Import, node: Node, variable: str, outcome: Outcome, groups: Mapping[str, str], locator: str
) -> None:
    """The Evidence of one analysis; two groups are compared, any other number of them is a part of all each."""
    members = list(dict.fromkeys(node.links("groupIds", groups)))
    names = [trial.groups[member].name for member in members]
    roles = [population(trial.everyone() if len(members) != 1 else members[0])]
    remark = None
    if len(members) == 2:
        exposure, other, remark = _sides(trial, members)
        roles += [_role("exposure", exposure), _role("referenceExposure", other)]
    elif len(members) > 2:
        roles += [_role("subpopulation", member) for member in members]
    method, parameter = node.peek("statisticalMethod"), node.peek("paramType")
    trial.result(
        trial.id("analysis", outcome.title, variable, *members, method, parameter, node.peek("groupDescription")),
        words_of(outcome.title, " versus ".join(filter(None, names)) or None, parameter or method),
        codes.COMPARATIVE_RESULT if len(members) == 2 else codes.NON_COMPARATIVE_RESULT,
        [*roles, measured_variable(variable, outcome)],
        [_statistic(node, locator, compares=len(members) == 2)],
        "efficacy",
        [remark],
    )


def _role(role: str, group: str) -> EvidenceVariableDefinition:
    return role_variable(role, reference("Group", group))


def _sides(trial: Import, members: Sequence[str]) -> tuple[str, str, str]:
    first, last = members
    kinds = [trial.arms.get((trial.groups[member].name or "").casefold(), "") for member in members]
    compared = [kind in COMPARATORS for kind in kinds]
    if compared == [True, False]:
        first, last = last, first
    if compared.count(True) == 1:
        return first, last, "The reference is the arm that the record calls a comparator."
    return first, last, "The record does not say which group is the reference; here it is the one that is named last."


def _statistic(node: Node, locator: str, *, compares: bool) -> EvidenceStatistic:
    parameter, text = node.read("paramType"), node.read("paramValue")
    value = None if text is None else figure(text)
    estimates = _estimates(node)
    return EvidenceStatistic(
        extension=[Extension(url=codes.RESULT_LOCATOR, valueString=locator)],
        description=_described(text if value is None else None, node.read("groupDescription")),
        note=remarks(
            [
                node.read("estimateComment"),
                *facts(
                    node,
                    nonInferiorityType="Hypothesis",
                    nonInferiorityComment="Non-inferiority",
                    testedNonInferiority="Non-inferiority was tested",
                    otherAnalysisDescription="Analysis",
                ),
            ]
        ),
        statisticType=concept(_type_text(parameter, text), _type_codes(parameter, value, text, compares=compares)),
        quantity=None if text is None else measured(value, None),
        attributeEstimate=estimates or None,
        modelCharacteristic=_models(node) or None,
    )


def _described(text: str | None, about: str | None) -> str | None:
    return "; ".join(part for part in (text, about) if part) or None


def _type_text(parameter: str | None, value: str | None) -> str:
    if parameter is not None:
        return words(parameter)
    return codes.STATISTICS["test"].text if value is None else "estimate"


def _type_codes(parameter: str | None, value: object, text: str | None, *, compares: bool) -> tuple[Code, ...]:
    if not compares:
        return ()
    if parameter is None:
        return (Code(codes.STATISTIC, "test", codes.STATISTICS["test"].text),) if text is None else ()
    name = RATIOS.get(parameter.casefold())
    if name is None or (isinstance(value, Number) and value.decimal <= 0):
        return ()
    return (*codes.STATISTICS[name].codes, Code(codes.STATISTIC, name, codes.STATISTICS[name].text))


def _estimates(node: Node) -> list[EvidenceStatisticAttributeEstimate]:
    found: list[EvidenceStatisticAttributeEstimate] = []
    low, high = node.read("ciLowerLimit"), node.read("ciUpperLimit")
    level, sides = node.read("ciPctValue"), node.read("ciNumSides")
    if any(part is not None for part in (low, high, level, sides)):
        found.append(_interval(node, low, high, level, sides))
    text, kind = node.read("dispersionValue"), node.read("dispersionType")
    if text is not None or kind is not None:
        made = spread(kind, "Dispersion", measured(None if text is None else figure(text), None), None)
        if text is not None and figure(text) is None:
            made.description = text
        found.append(made)
    comment, p = node.read("pValueComment"), node.read("pValue")
    if p is not None or comment is not None:
        number = None if p is None else figure(p)
        inside = isinstance(number, Number) and 0 <= number.decimal <= 1
        found.append(
            EvidenceStatisticAttributeEstimate(
                description=None if inside else p,
                note=remarks([comment]),
                type=concept("p-value", codes.P_VALUE),
                quantity=quantity(number if inside and number is not None else Absent("Not reported"), None),
            )
        )
    return found


def _interval(
    node: Node, low: str | None, high: str | None, level: str | None, sides: str | None
) -> EvidenceStatisticAttributeEstimate:
    between, odd = limits(low, high, None, "NA" if sides == "ONE_SIDED" else "Not reported")
    percent = figure(level) if level is not None else None
    usable = isinstance(percent, Number) and Decimal(0) < percent.decimal < Decimal(100)
    spoken = [f"{level}%"] if level is not None and not usable else []
    return EvidenceStatisticAttributeEstimate(
        description="; ".join([*([words(sides)] if sides else []), *spoken, *odd]) or None,
        note=remarks(
            facts(node, ciLowerLimitComment="Lower limit", ciUpperLimitComment="Upper limit"),
        ),
        type=concept("confidence interval", codes.CONFIDENCE_INTERVAL),
        level=percent.decimal / Decimal(100) if usable and isinstance(percent, Number) else None,
        range=between,
    )


def _models(node: Node) -> list[EvidenceStatisticModelCharacteristic]:
    found: list[EvidenceStatisticModelCharacteristic] = []
    if (method := node.read("statisticalMethod")) is not None:
        known = codes.METHODS[METHODS[method]].code if method in METHODS else None
        found.append(EvidenceStatisticModelCharacteristic(code=concept(method, (known,) if known else ())))
    if (comment := node.read("statisticalComment")) is not None:
        found.append(EvidenceStatisticModelCharacteristic(code=concept(comment)))
    return found
