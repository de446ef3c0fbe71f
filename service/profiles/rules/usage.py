"""Whether what holds for some uses only holds for this one: https://hl7.org/fhir/R5/metadatatypes.html#UsageContext.

An additional binding may say for which uses it is meant, which no resource tells: whoever asks for a validation does.
How the two are compared is left to servers; here a code by its system and code, a quantity also by the range that it is
in, and everything else as it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from service.profiles.rules.limits import quantity_gap
from service.profiles.run import Object

_VALUES: Final = ("valueCodeableConcept", "valueQuantity", "valueRange", "valueReference")


def applies(usage: Sequence[Object], contexts: Sequence[Object]) -> bool:
    """Whether one of the uses is among the contexts; what says no use holds for all."""
    return not usage or any(_met(use, context) for use in usage for context in contexts)


def _met(use: Object, context: Object) -> bool:
    if not _shared([use.get("code")], [context.get("code")]):
        return False
    return any(_same(use.get(mine), context.get(other), mine, other) for mine in _VALUES for other in _VALUES)


def _same(wanted: Any, given: Any, wanted_type: str, given_type: str) -> bool:  # noqa: ANN401  # any JSON value
    if not isinstance(wanted, dict) or not isinstance(given, dict):
        return False
    if wanted_type == "valueRange" and given_type == "valueQuantity":
        return _within(given, wanted)
    if wanted_type != given_type:
        return False
    if wanted_type == "valueCodeableConcept":
        return _shared(wanted.get("coding"), given.get("coding"))
    return wanted == given


def _shared(mine: Any, others: Any) -> bool:  # noqa: ANN401  # any JSON value
    """Whether two lists of codings have one in common."""
    return not _codes(mine).isdisjoint(_codes(others))


def _codes(codings: Any) -> set[tuple[str, str]]:  # noqa: ANN401  # any JSON value
    listed = [each for each in codings if isinstance(each, dict)] if isinstance(codings, list) else []
    return {(str(each.get("system", "")), str(each["code"])) for each in listed if "code" in each}


def _within(quantity: Object, limits: Object) -> bool:
    """Whether a quantity is in a range; it is not where the units cannot be compared."""
    low, high = limits.get("low"), limits.get("high")
    above = quantity_gap(quantity, low) if low is not None else 0
    below = quantity_gap(high, quantity) if high is not None else 0
    return above is not None and below is not None and above >= 0 and below >= 0
