"""The columns of a table that is read (``rows.py``): what they hold, and where it is in an Evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from service.registry import codes
from service.registry.evidence_rows import study_of
from service.registry.rows import COLUMNS
from service.registry.table.column import Column, Type, artifact, role, statistic

_INTERVAL: Final = "attributeEstimate.where(type.coding.code = 'C53324')"
_SPREAD: Final = "attributeEstimate.where(type.coding.code = 'C38013' or type.coding.code = 'C53245')"
_P: Final = "attributeEstimate.where(type.coding.code = 'C44185')"
_NUMBER: Final = "the digits that were printed, with a comparator where one is (`<0.001`)"
_ABSENT: Final = ", ".join(f"`{printed}` {status.display.lower()}" for printed, status in codes.ABSENT.items())
_UNITS: Final = ", ".join(f"`{unit}`" if unit == words else f"`{unit}` {words}" for unit, words in codes.UNITS.items())


def _choices(values: Mapping[str, object]) -> str:
    return ", ".join(f"`{value}`" for value in values)


_READ: Final[Mapping[str, tuple[Type, str, str]]] = {
    "key": (
        "string",
        "Key of the row, unique in its study: `<result>.<part>`, lower case letters, digits and hyphens. Rows with the "
        "same part before the dot are one Evidence, `<study>-<result>`: they agree on outcome, population, exposure, "
        "reference, source and reports.",
        statistic("id"),
    ),
    "place": (
        "string",
        "`statistic`: a result. A table that is read may also have facts that are no results: `characteristic` of a "
        "group or an exposure, and `design` of the study.",
        "",
    ),
    "target": (
        "string",
        "Characteristic only: what has it; `eligibility`, another group or an exposure.",
        "Group.characteristic | EvidenceVariable.characteristic",
    ),
    "outcome": (
        "string",
        "What was measured: an EvidenceVariable of the study, by its id without the study's in front. Of a "
        "characteristic its kind: " + _choices(codes.CHARACTERISTICS) + ".",
        role("measuredVariable"),
    ),
    "population": (
        "string",
        "In whom: the smallest Group of the study that it is about, named as in `outcome`.",
        role("subpopulation") + " | " + role("population"),
    ),
    "exposure": ("string", "The side of a comparison that is looked at.", role("exposure")),
    "reference": (
        "string",
        "The side that it is compared with. Beside the p-value of a statistic of one group, what that group was "
        "compared with.",
        role("referenceExposure") + " | " + statistic(_P, "extension('…/result-comparator').value"),
    ),
    "statistic": (
        "string",
        f"Kind of statistic: {_choices(codes.STATISTICS)}. A `risk-difference` is in %, a `survival-probability` and a "
        "`cumulative-incidence` have a time, a `test` only its p-value, a `description` only words.",
        statistic("statisticType.coding"),
    ),
    "value": (
        "string",
        f"The number: {_NUMBER}; or why there is none: {_ABSENT}.",
        statistic("quantity"),
    ),
    "unit": (
        "string",
        f"Unit of the value and of the limits: {_UNITS}; none for counts of participants and ratios.",
        statistic("quantity.code"),
    ),
    "text": (
        "string",
        "Words instead of a number: of a `description`, a characteristic or a fact of the design.",
        statistic("description"),
    ),
    "ci_low": (
        "string",
        "Lower limit of the confidence interval, as `value`, without comparator.",
        statistic(_INTERVAL, "range.low"),
    ),
    "ci_high": ("string", "Upper limit.", statistic(_INTERVAL, "range.high")),
    "ci_level": ("decimal", "Level of the confidence interval in percent: `95`.", statistic(_INTERVAL, "level")),
    "spread": (
        "string",
        "Another interval: `range`, `iqr` or, where the source does not say what it is, `unlabelled`.",
        statistic(_SPREAD, "type"),
    ),
    "spread_low": ("string", "Its lower limit, as `value`.", statistic(_SPREAD, "range.low")),
    "spread_high": ("string", "Its upper limit.", statistic(_SPREAD, "range.high")),
    "p_value": ("string", f"p-value: {_NUMBER}.", statistic(_P, "quantity")),
    "p_method": ("string", "How it was computed, as in `method`.", statistic(_P, "description")),
    "affected": ("integer", "Participants with the outcome.", statistic("numberAffected")),
    "denominator": (
        "integer",
        "Out of how many, where that is not `n`.",
        statistic("sampleSize.knownDataCount"),
    ),
    "n": (
        "integer",
        "Participants of the group, of both groups for a comparison.",
        statistic("sampleSize.numberOfParticipants"),
    ),
    "time": ("string", "The time of an estimate, as `value`.", statistic("modelCharacteristic.value")),
    "time_unit": ("string", "Unit of the time.", statistic("modelCharacteristic.value.code")),
    "timing": ("string", "When, in words.", statistic("description")),
    "method": (
        "string",
        f"How the estimate was computed; several are separated by `;`: {_choices(codes.METHODS)}.",
        statistic("modelCharacteristic.code"),
    ),
    "grade": ("string", f"Of an adverse event: {_choices(codes.GRADES)}.", statistic("category.coding")),
    "attribution": ("string", f"Of an adverse event: {_choices(codes.ATTRIBUTIONS)}.", statistic("category.coding")),
    "reports": (
        "string",
        "The publication whose result this is, where the source only repeats it: the id of a Citation.",
        artifact("citation"),
    ),
    "source": ("string", "The publication that was read: the id of a Citation.", "Evidence.citeAsReference"),
    "locator": ("string", "Where in it: section, table, row.", statistic("extension('…/result-locator').value")),
    "quote": (
        "string",
        "The words around the number, at most 12.",
        statistic("extension('…/result-quotation').value"),
    ),
    "note": ("string", "What a reader has to know, in the registry's words.", statistic("note.text")),
}

READ: Final = (
    *(Column(name, *_READ[name], read=True) for name in COLUMNS),
    Column(
        "study",
        "string",
        "The study that the result belongs to: the id of its ResearchStudy. It is given in the request, or in every "
        "row of a table that is imported.",
        artifact("derived-from"),
        read=True,
        cell=lambda fact: study_of(fact.evidence),
    ),
    Column(
        "version",
        "integer",
        "Version of the Evidence. In a table that is imported: the version that was edited; where the registry has "
        "another by then, nothing is written.",
        "Evidence.meta.versionId",
        read=True,
        cell=lambda fact: str(fact.evidence["meta"]["versionId"]),
    ),
)
"""Those of the file, in its order, and the two that say where a row belongs."""
