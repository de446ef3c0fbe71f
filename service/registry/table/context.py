"""The columns that explain a result to whoever has no FHIR at hand: names, codes, numbers alone, words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from service.registry import codes
from service.registry.evidence_rows import (
    P_VALUE,
    derived_from,
    estimate,
    extension,
    number_text,
    observed,
    population_of,
    reference_of,
    reported_from,
    variable,
)
from service.registry.table.column import Column, Fact, Json, artifact, role, statistic
from service.registry.words import estimate_words, name_of, quantity_words, words_of


def _name(role: str) -> Callable[[Fact], str]:
    return lambda fact: name_of(fact.of(observed(fact.evidence, role)))


def _identifier(system: str) -> Callable[[Json], str]:
    def found(citation: Json) -> str:
        listed = citation.get("citedArtifact", {}).get("identifier", ())
        return next((str(each.get("value", "")) for each in listed if each.get("system") == system), "")

    return found


_DOI, _PMID = _identifier(codes.DOI), _identifier(codes.PUBMED)


def _source(fact: Fact) -> Json:
    return fact.of(reference_of(fact.evidence.get("citeAsReference")))


def _cited(fact: Fact) -> str:
    titles = _source(fact).get("citedArtifact", {}).get("title", ())
    return next((str(each.get("text", "")) for each in titles), "")


def _ncts(fact: Fact) -> str:
    listed = [each for study in derived_from(fact.evidence) for each in fact.of(study).get("identifier", ())]
    return ";".join(str(each.get("value")) for each in listed if each.get("system") == codes.NCT)


def _measured(fact: Fact) -> Json:
    found: Json = extension(variable(fact.evidence, "measuredVariable"), codes.MEASURED_OUTCOME) or {}
    return found


def _outcome_code(fact: Fact) -> str:
    codings = _measured(fact).get("coding", ())
    return next((str(each.get("code", "")) for each in codings if each.get("system") == codes.OUTCOME), "")


def _quantity(fact: Fact) -> Json:
    found: Json = fact.statistic.get("quantity", {})
    return found


_STUDY: Final = artifact("derived-from")
_VALUE: Final = statistic("quantity")

EXPLAINING: Final = (
    Column("evidence", "string", "Id of the Evidence.", "Evidence.id", lambda fact: str(fact.evidence["id"])),
    Column(
        "position",
        "integer",
        "Which statistic of the Evidence it is, from 0 on.",
        "Evidence.statistic",
        lambda fact: str(fact.place),
    ),
    Column(
        "last_updated",
        "dateTime",
        "When this version was written.",
        "Evidence.meta.lastUpdated",
        lambda fact: str(fact.evidence["meta"]["lastUpdated"]),
    ),
    Column("status", "string", "Publication status.", "Evidence.status", lambda f: str(f.evidence.get("status", ""))),
    Column(
        "title",
        "string",
        "The result in words.",
        "Evidence.title",
        lambda fact: str(fact.evidence.get("title") or fact.evidence.get("name") or ""),
    ),
    Column(
        "studies",
        "string",
        "All studies that it comes from, separated by `;`.",
        f"{_STUDY}.reference",
        lambda fact: ";".join(derived_from(fact.evidence)),
    ),
    Column("nct", "string", "Their numbers in ClinicalTrials.gov.", f"{_STUDY}.resolve().identifier", _ncts),
    Column(
        "study_title",
        "string",
        "Title of the first of them.",
        f"{_STUDY}.resolve().title",
        lambda fact: name_of(fact.of(next(derived_from(fact.evidence), ""))),
    ),
    Column(
        "outcome_code",
        "string",
        "What was measured, as a code of the registry: `EFS`.",
        "Evidence.variableDefinition.extension('…/measured-outcome').value.coding",
        _outcome_code,
    ),
    Column(
        "outcome_name",
        "string",
        "What was measured.",
        role("measuredVariable") + ".resolve().title",
        lambda fact: str(_measured(fact).get("text", "")) or _name("measuredVariable")(fact),
    ),
    Column(
        "population_name",
        "string",
        "Name of the population.",
        role("population") + ".resolve().name",
        lambda fact: name_of(fact.of(population_of(fact.evidence))),
    ),
    Column(
        "whole_name",
        "string",
        "Name of the population that it is a subgroup of.",
        role("population") + ".resolve().name",
        lambda fact: _name("population")(fact) if observed(fact.evidence, "subpopulation") else "",
    ),
    Column(
        "exposure_name",
        "string",
        "Name of the exposure.",
        role("exposure") + ".resolve().title",
        _name("exposure"),
    ),
    Column(
        "reference_name",
        "string",
        "Name of what it is compared with.",
        role("referenceExposure") + ".resolve().title",
        lambda fact: (
            _name("referenceExposure")(fact)
            or name_of(
                fact.of(reference_of(extension(estimate(fact.statistic, P_VALUE.code), codes.RESULT_COMPARATOR)))
            )
        ),
    ),
    Column(
        "statistic_name",
        "string",
        "Kind of statistic in words.",
        statistic("statisticType"),
        lambda fact: words_of(fact.statistic.get("statisticType")),
    ),
    Column(
        "value_number",
        "decimal",
        "The number alone, with its digits.",
        f"{_VALUE}.value",
        lambda fact: number_text(_quantity(fact).get("value")),
    ),
    Column(
        "value_comparator",
        "string",
        "Its comparator.",
        f"{_VALUE}.comparator",
        lambda fact: str(_quantity(fact).get("comparator", "")),
    ),
    Column(
        "value_unit",
        "string",
        "Its unit in words, or as a code.",
        f"{_VALUE}.unit | {_VALUE}.code",
        lambda fact: str(_quantity(fact).get("unit") or _quantity(fact).get("code") or ""),
    ),
    Column(
        "value_status",
        "string",
        "Why there is no number, in the registry's codes.",
        f"{_VALUE}.extension('…/estimate-status').value",
        lambda fact: str(extension(_quantity(fact), codes.ESTIMATE_STATUS) or ""),
    ),
    Column(
        "value_absent_reason",
        "string",
        "Why there is no number, in HL7's codes.",
        f"{_VALUE}.extension('{codes.DATA_ABSENT_REASON}').value",
        lambda fact: str(extension(_quantity(fact), codes.DATA_ABSENT_REASON) or ""),
    ),
    Column(
        "value_words",
        "string",
        "Value and unit as one reads them.",
        _VALUE,
        lambda fact: quantity_words(fact.statistic.get("quantity")),
    ),
    Column(
        "estimates",
        "string",
        "Everything that says how sure or how wide it is: intervals, p-values, deviations, in words.",
        statistic("attributeEstimate"),
        lambda fact: "; ".join(map(estimate_words, fact.statistic.get("attributeEstimate", ()))),
    ),
    Column(
        "category",
        "string",
        "Category in words, such as the grade of an adverse event.",
        statistic("category"),
        lambda fact: words_of(fact.statistic.get("category")),
    ),
    Column(
        "source_name",
        "string",
        "The publication that was read, in short.",
        "Evidence.citeAsReference.resolve().title",
        lambda fact: name_of(_source(fact)) or str(fact.evidence.get("citeAsMarkdown", "")),
    ),
    Column("source_title", "string", "Its title.", "Evidence.citeAsReference.resolve().citedArtifact.title", _cited),
    Column(
        "source_doi",
        "string",
        "Its DOI.",
        "Evidence.citeAsReference.resolve().citedArtifact.identifier",
        lambda fact: _DOI(_source(fact)),
    ),
    Column(
        "source_pmid",
        "string",
        "Its number in PubMed.",
        "Evidence.citeAsReference.resolve().citedArtifact.identifier",
        lambda fact: _PMID(_source(fact)),
    ),
    Column(
        "reports_name",
        "string",
        "The publication whose result it is, in short.",
        artifact("citation") + ".resolve().title",
        lambda fact: name_of(fact.of(reported_from(fact.evidence))),
    ),
)
