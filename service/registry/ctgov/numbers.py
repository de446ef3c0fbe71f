"""The numbers of a record, which are texts: with their digits, or absent for a reason.

``NA`` says that a value could not be given; the comment beside it says why, and is kept in its words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from fhir.resources.annotation import Annotation
from fhir.resources.evidence import EvidenceStatisticAttributeEstimate, EvidenceStatisticSampleSize
from fhir.resources.quantity import Quantity
from fhir.resources.range import Range

from service.registry import codes
from service.registry.codes import Code
from service.registry.ctgov.record import Node
from service.registry.ctgov.vocabulary import STANDARD_DEVIATION, STANDARD_ERROR, UCUM, words
from service.registry.elements import concept, quantity
from service.registry.figures import Absent, Figure, Number, parse_figure

_INTERVAL: Final = re.compile(r"([0-9]{1,2}(?:\.[0-9]+)?)\s*%\s*confidence interval", re.IGNORECASE)
_LEVELS: Final = {
    "CONFIDENCE_80": "80",
    "CONFIDENCE_90": "90",
    "CONFIDENCE_95": "95",
    "CONFIDENCE_975": "97.5",
    "CONFIDENCE_99": "99",
}
_SHARE: Final = re.compile(r"(percentage|percent|%) of (participants|subjects|patients)\Z", re.IGNORECASE)
PEOPLE: Final = frozenset({"participants", "subjects", "patients"})


def figure(text: str, comment: str | None = None) -> Figure | None:
    """The number that a text is, or why it is none; None where it is something else, to be kept in words."""
    cell = text.strip().removeprefix("=").strip()
    if cell.casefold() in ("na", "n/a"):
        return Absent("NR" if comment and "not reached" in comment.casefold() else "NE")
    cell = re.sub(r"^([<>=≤≥-]*)\.", r"\g<1>0.", cell)
    try:
        return parse_figure(cell)
    except ValueError:
        return None


def is_share(unit: str | None) -> bool:
    """Whether a unit is a percentage of people."""
    return unit is not None and _SHARE.match(unit) is not None


def measured(found: Figure | None, unit: str | None) -> Quantity:
    """A figure with its unit in the record's words, and UCUM's code where there is one; no figure is not reported."""
    made = quantity(found if found is not None else Absent("Not reported"), None)
    if unit is not None and made.value is not None:
        made.unit = unit
        code = "%" if is_share(unit) else UCUM.get(unit.casefold())
        if code is not None:
            made.system, made.code = codes.UCUM, code
    return made


def limits(low: str | None, high: str | None, unit: str | None, missing: str) -> tuple[Range, list[str]]:
    """Both limits of an interval, and what of them must stay in words: no number, or the lower one above the other.

    ``missing`` is why a limit that is not there is absent (a key of ``codes.ABSENT``).
    """
    found = [Absent(missing) if text is None else figure(text) for text in (low, high)]
    spoken = [text for text, number in zip((low, high), found, strict=True) if text is not None and number is None]
    first, last = found
    if isinstance(first, Number) and isinstance(last, Number) and first.decimal > last.decimal:
        first = last = None
        spoken.append(f"{low} to {high} in the record")
    return Range(low=measured(first, unit), high=measured(last, unit)), spoken


def spread(
    text: str | None, name: str, found: Quantity | None, between: Range | None
) -> EvidenceStatisticAttributeEstimate:
    """What says how far values lie apart, or how sure an estimate is: ``text`` is the kind, as the record names it."""
    kind = text or name
    lower = kind.casefold().replace("_", " ").replace("-", " ")
    level, coded = None, ()
    if (match := _INTERVAL.match(kind)) is not None or kind in _LEVELS:
        level = Number(match[1] if match else _LEVELS[kind]).decimal / 100
    chosen: tuple[Code, ...] = coded
    if "confidence" in lower:
        chosen = codes.CONFIDENCE_INTERVAL
    elif "standard deviation" in lower:
        chosen = STANDARD_DEVIATION
    elif "standard error" in lower:
        chosen = STANDARD_ERROR
    elif lower == "full range":
        chosen = codes.SPREADS["range"]
    elif lower == "inter quartile range":
        chosen = codes.SPREADS["iqr"]
    return EvidenceStatisticAttributeEstimate(
        type=concept(words(kind), chosen), level=level, quantity=found, range=between
    )


def sample(levels: Sequence[Sequence[Node]], key: str) -> EvidenceStatisticSampleSize | None:
    """How many were analysed: the denominators of the measure, then those of one class of it, of one group.

    Denominators of a class are the participants with data (``knownDataCount``); units other than participants, such as
    lesions, stay in words.
    """
    whole: int | None = None
    known: int | None = None
    spoken: list[str] = []
    for level in levels:
        for denominator in level:
            for each in denominator.each("counts"):
                if each.peek("groupId") != key or each.peek("value") is None:
                    continue
                each.read("groupId")
                units, number = denominator.read("units") or "Participants", each.count("value")
                if number is None or units.casefold() != "participants":
                    spoken.append(f"{number if number is not None else each.read('value')} {units}")
                elif whole is None:
                    whole = number
                elif number <= whole:
                    known = number
                else:
                    spoken.append(f"{number} {units} in this part")
    if whole is None and not spoken:
        return None
    return EvidenceStatisticSampleSize(
        description="; ".join(spoken) or None,
        numberOfParticipants=whole,
        knownDataCount=known if known != whole else None,
    )


def most(size: EvidenceStatisticSampleSize | None) -> int | None:
    """The greatest number of participants that can be affected in a sample."""
    if size is None:
        return None
    return size.knownDataCount if size.knownDataCount is not None else size.numberOfParticipants


def remarks(texts: Sequence[str | None]) -> list[Annotation] | None:
    """Remarks on one number."""
    return [Annotation(text=text) for text in texts if text] or None
