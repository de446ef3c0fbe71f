"""A statistic of an Evidence as a row of a results table: what ``evidence.py`` makes of a row, read back.

Of an Evidence that came from elsewhere, the cells hold what the columns have a word for, and the others are empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from service.fhir.json import JsonNumber
from service.registry import codes

Json = dict[str, Any]
Cells = dict[str, str]

_METHODS: Final = {method.text: slug for slug, method in codes.METHODS.items()}
_UNITS: Final = {(words, "1" if slug.startswith("{") else slug): slug for slug, words in codes.UNITS.items()}
_ABSENT: Final = {status.code: printed for printed, status in codes.ABSENT.items()}
_SPREADS: Final = {coded[0].code: kind for kind, coded in codes.SPREADS.items() if coded}
INTERVAL, P_VALUE = codes.CONFIDENCE_INTERVAL[0], codes.P_VALUE[0]


def study_of(evidence: Json) -> str:
    """The id of the study that an Evidence is a result of; of several, the one that its own id begins with."""
    first: Json = next(iter(evidence.get("statistic", ())), {})
    result = str(first.get("id", "")).partition(".")[0]
    if result and evidence["id"].endswith(f"-{result}"):
        return str(evidence["id"].removesuffix(f"-{result}"))
    return next((id_of(each) for each in derived_from(evidence)), "")


def derived_from(evidence: Json) -> Iterator[str]:
    """The references to the studies that an Evidence comes from."""
    return (each for each in _artifacts(evidence, "derived-from") if "ResearchStudy/" in each)


def reported_from(evidence: Json) -> str:
    """The reference to the publication whose result it is, where the source only repeats it."""
    return next((each for each in _artifacts(evidence, "citation") if "Citation/" in each), "")


def _artifacts(evidence: Json, type_: str) -> Iterator[str]:
    for each in evidence.get("relatedArtifact", ()):
        if each.get("type") == type_:
            yield reference_of(each.get("resourceReference"))


def observed(evidence: Json, role: str) -> str:
    """The reference to what has a role: a Group or an EvidenceVariable."""
    found = variable(evidence, role)
    return reference_of(found.get("observed") or found.get("intended"))


def variable(evidence: Json, role: str) -> Json:
    """The ``variableDefinition`` of a role; empty where there is none."""
    each: Json
    for each in evidence.get("variableDefinition", ()):
        if any(coding.get("code") == role for coding in each.get("variableRole", {}).get("coding", ())):
            return each
    return {}


def population_of(evidence: Json) -> str:
    """The reference to the smallest group that a result is about."""
    return observed(evidence, "subpopulation") or observed(evidence, "population")


def estimate(statistic: Json, code: str) -> Json:
    """The ``attributeEstimate`` of a type; empty where there is none."""
    return next((each for each in statistic.get("attributeEstimate", ()) if code in _codes(each.get("type"))), {})


def statistic_cells(evidence: Json, statistic: Json) -> Cells:
    """The cells of one statistic; those that are not named are empty."""
    study = study_of(evidence)
    interval, spread, p = estimate(statistic, INTERVAL.code), _spread(statistic), estimate(statistic, P_VALUE.code)
    comparator = reference_of(extension(p, codes.RESULT_COMPARATOR))
    kind = _own(statistic.get("statisticType"), codes.STATISTIC)
    words = str(statistic.get("description", ""))
    in_words = kind not in codes.STATISTICS or codes.STATISTICS[kind].shape == "words"
    limits, bounds = interval.get("range", {}), spread.get("range", {})
    quantities = (statistic.get("quantity"), *(each.get(end) for each in (limits, bounds) for end in ("low", "high")))
    model = statistic.get("modelCharacteristic", [])
    time = next((each["value"] for each in model if "value" in each and isinstance(each["value"], dict)), None)
    size = statistic.get("sampleSize", {})
    return {
        "key": str(statistic.get("id", "")),
        "place": "statistic",
        "outcome": slug(observed(evidence, "measuredVariable"), study),
        "population": slug(population_of(evidence), study),
        "exposure": slug(observed(evidence, "exposure"), study),
        "reference": slug(observed(evidence, "referenceExposure") or comparator, study),
        "statistic": kind,
        "value": figure_text(statistic.get("quantity")),
        "unit": next(filter(None, map(_unit, quantities)), ""),
        "text": words if in_words else "",
        "ci_low": figure_text(limits.get("low")),
        "ci_high": figure_text(limits.get("high")),
        "ci_level": _percent(interval.get("level")),
        "spread": spread.get("kind", ""),
        "spread_low": figure_text(bounds.get("low")),
        "spread_high": figure_text(bounds.get("high")),
        "p_value": figure_text(p.get("quantity")),
        "p_method": _methods(str(p.get("description", ""))),
        "affected": number_text(statistic.get("numberAffected")),
        "denominator": number_text(size.get("knownDataCount")),
        "n": number_text(size.get("numberOfParticipants")),
        "time": figure_text(time),
        "time_unit": _unit(time),
        "timing": "" if in_words else words,
        "method": ";".join(_known(_METHODS, (each.get("code", {}).get("text") for each in model))),
        "grade": _own(statistic.get("category"), codes.AE_GRADE),
        "attribution": _own(statistic.get("category"), codes.AE_ATTRIBUTION),
        "reports": id_of(reported_from(evidence)),
        "source": id_of(reference_of(evidence.get("citeAsReference"))),
        "locator": str(extension(statistic, codes.RESULT_LOCATOR) or ""),
        "quote": str(extension(statistic, codes.RESULT_QUOTATION) or ""),
        "note": "; ".join(str(each["text"]) for each in statistic.get("note", ()) if "text" in each),
    }


def reference_of(value: object) -> str:
    """The text of a Reference; empty where there is none."""
    return str(value.get("reference", "")) if isinstance(value, dict) else ""


def id_of(reference: str) -> str:
    """The id of what a reference of this server names."""
    return reference.rpartition("/")[2]


def slug(reference: str, study: str) -> str:
    """What a reference is called in the table of its study: its id, without that of the study in front."""
    return id_of(reference).removeprefix(f"{study}-")


def extension(element: Json, url: str) -> Any:  # noqa: ANN401  # any JSON value
    """The value of an extension; None where it is not there."""
    for each in element.get("extension", ()):
        if each.get("url") == url:
            return next((value for name, value in each.items() if name.startswith("value")), None)
    return None


def number_text(value: object) -> str:
    """A JSON number with the digits that it was written with; empty where there is none."""
    return value.lexeme if isinstance(value, JsonNumber) else "" if value is None else str(value)


def figure_text(quantity: Json | None) -> str:
    """A Quantity as a cell: the number, behind its comparator, or the sign for why there is none."""
    if not quantity:
        return ""
    if "value" not in quantity:
        return _ABSENT.get(str(extension(quantity, codes.ESTIMATE_STATUS)), "")
    return str(quantity.get("comparator", "")) + number_text(quantity["value"])


def _unit(quantity: Json | None) -> str:
    return _UNITS.get((str((quantity or {}).get("unit")), str((quantity or {}).get("code"))), "")


def _percent(level: object) -> str:
    return format(Decimal(number_text(level)).scaleb(2), "f") if level is not None else ""


def _spread(statistic: Json) -> Json:
    """The estimate of how far values lie apart, with its ``kind``; empty where there is none."""
    for each in statistic.get("attributeEstimate", ()):
        coded = [_SPREADS[code] for code in _codes(each.get("type")) if code in _SPREADS]
        unlabelled = ["unlabelled"] if each.get("type", {}).get("text") == codes.UNLABELLED else []
        if found := [*coded, *unlabelled]:
            return {**each, "kind": found[0]}
    return {}


def _methods(text: str) -> str:
    """The methods in the words beside a p-value, which end in what it compares with."""
    found: list[str] = []
    while text:
        known = [words for words in _METHODS if text == words or text.startswith(f"{words}, ")]
        if not known:
            break
        words = max(known, key=len)
        found.append(_METHODS[words])
        text = text[len(words) :].removeprefix(", ")
    return ";".join(found)


def _known(table: Mapping[str, str], words: Iterable[object]) -> list[str]:
    return [table[each] for each in words if isinstance(each, str) and each in table]


def _codes(concept: Json | None) -> list[str]:
    return [str(each.get("code")) for each in (concept or {}).get("coding", ())]


def _own(concept: Json | None, system: str) -> str:
    codings = (concept or {}).get("coding", ())
    return next((str(each.get("code", "")) for each in codings if each.get("system") == system), "")
