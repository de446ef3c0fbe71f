"""What FHIR says to a person: concepts, quantities and estimates in words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from service.registry import codes
from service.registry.evidence_rows import extension, number_text

Json = Mapping[str, Any]

_SIGNS: Final = {"<=": "≤", ">=": "≥"}
_STATUSES: Final = {status.code: status.display.lower() for status in codes.ABSENT.values()}


def words_of(concept: Json | None) -> str:
    """What a CodeableConcept says to a person."""
    if not concept:
        return ""
    if "text" in concept:
        return str(concept["text"])
    return next((str(each.get("display") or each.get("code") or "") for each in concept.get("coding", [])), "")


def name_of(resource: Json) -> str:
    """What a resource is called."""
    return str(resource.get("title") or resource.get("name") or "")


def quantity_words(quantity: Json | None) -> str:
    """A Quantity with its digits and unit, or why there is none: ``0.35``, ``7.7 months``, ``not reached``."""
    if not quantity:
        return ""
    if "value" not in quantity:
        status = str(extension(dict(quantity), codes.ESTIMATE_STATUS) or "")
        reason = str(extension(dict(quantity), codes.DATA_ABSENT_REASON) or "")
        return _STATUSES.get(status) or status or reason
    comparator = str(quantity.get("comparator", ""))
    unit = str(quantity.get("unit") or quantity.get("code") or "")
    space = "" if unit == "%" or not unit else " "
    return f"{_SIGNS.get(comparator, comparator)}{number_text(quantity['value'])}{space}{unit}"


def estimate_words(estimate: Json) -> str:
    """An ``attributeEstimate``: ``95% confidence interval 0.20 to 0.61``, ``p-value <0.001 (log-rank test)``."""
    level = estimate.get("level")
    percent = f"{Decimal(number_text(level)) * 100:f}".rstrip("0").rstrip(".") + "%" if level is not None else ""
    limits = estimate.get("range", {})
    between = " to ".join(filter(None, (quantity_words(limits.get("low")), quantity_words(limits.get("high")))))
    said = f"({estimate['description']})" if "description" in estimate else ""
    parts = (percent, words_of(estimate.get("type")), quantity_words(estimate.get("quantity")), between, said)
    return " ".join(filter(None, parts))
