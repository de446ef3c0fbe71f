"""Who can take part, as a Group that is a definition
(https://clinicaltrials.gov/data-api/about-api/study-data-structure#eligibilityModule).

The criteria are kept whole as the description; each bullet is a characteristic as well. A line that says inclusion or
exclusion decides for those below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from fhir.resources.codeableconcept import CodeableConcept
from fhir.resources.group import Group, GroupCharacteristic
from fhir.resources.quantity import Quantity
from fhir.resources.range import Range

from service.registry import codes
from service.registry.codes import Code
from service.registry.ctgov.record import Node
from service.registry.ctgov.trial import Import
from service.registry.ctgov.vocabulary import UCUM, words
from service.registry.elements import concept, own

_AGE: Final = re.compile(r"([0-9]{1,6})\s+(Year|Month|Week|Day)s?\Z", re.IGNORECASE)
_BULLET: Final = re.compile(r"^\s*(?:[*•-]|\d+[.)])\s+")
_WORDS: Final = {
    "sex": "Sex",
    "genderBased": "Eligibility is based on gender",
    "genderDescription": "Gender",
    "healthyVolunteers": "Healthy volunteers are accepted",
    "studyPopulation": "Study population",
    "samplingMethod": "Sampling method",
}


def build_eligibility(trial: Import, module: Node) -> None:
    """The Group of those who can take part."""
    id_ = f"{trial.prefix}-eligibility"
    criteria = module.read("eligibilityCriteria")
    found = [*_ages(module), *_facts(module)]
    for words_, excluded in bullets(criteria or ""):
        found.append(_of(_own("eligibility"), concept(words_), exclude=excluded))
    trial.groups[id_] = Group(
        id=id_,
        meta=trial.meta(codes.ELIGIBILITY_CRITERIA),
        active=True,
        name=f"Who can take part in {trial.nct}",
        description=criteria,
        type="person",
        membership="definitional",
        characteristic=found or [_of(_own("eligibility"), concept("The record says nothing."))],
    )


def _own(name: str) -> CodeableConcept:
    return own(codes.CHARACTERISTIC, name, codes.CHARACTERISTICS[name])


def _of(code: CodeableConcept, value: CodeableConcept | Range, *, exclude: bool = False) -> GroupCharacteristic:
    return GroupCharacteristic(
        code=code,
        valueCodeableConcept=value if isinstance(value, CodeableConcept) else None,
        valueRange=value if isinstance(value, Range) else None,
        exclude=exclude,
    )


def _ages(module: Node) -> Iterator[GroupCharacteristic]:
    read = [module.read(name) for name in ("minimumAge", "maximumAge")]
    ages = [None if text is None else _age(text) for text in read]
    for label, text, age in zip(("Minimum age", "Maximum age"), read, ages, strict=True):
        if text is not None and age is None:
            yield _of(concept(label), concept(text))
    if any(ages):
        yield _of(_own("age"), Range(low=ages[0], high=ages[1]))
    for text in module.texts("stdAges"):
        yield _of(concept("Age group"), concept(words(text)))


def _age(text: str) -> Quantity | None:
    match = _AGE.match(text)
    if match is None:
        return None
    unit = f"{match[2].lower()}s"
    return Quantity(value=Decimal(match[1]), unit=unit, system=codes.UCUM, code=UCUM[unit])


def _facts(module: Node) -> Iterator[GroupCharacteristic]:
    for name, label in _WORDS.items():
        text = module.read(name)
        if text is not None:
            yield _of(concept(label), _sex(text) if name == "sex" else concept(words(text)))


def _sex(text: str) -> CodeableConcept:
    gender = {"FEMALE": "female", "MALE": "male"}.get(text)
    system = "http://hl7.org/fhir/administrative-gender"
    return concept(words(text), (Code(system, gender, gender.capitalize()),) if gender else ())


def bullets(criteria: str) -> Iterator[tuple[str, bool]]:
    """Yield the criteria one by one, and whether each excludes."""
    excluded, current = False, ""
    for line in criteria.splitlines():
        heading = line.strip().casefold().rstrip(":").strip("*# ")
        is_heading = len(heading) < 60 and ("criteria" in heading or line.strip().endswith(":"))
        if is_heading and ("inclusion" in heading or "exclusion" in heading):
            if current:
                yield current, excluded
            excluded, current = "exclusion" in heading, ""
        elif _BULLET.match(line) or not line.strip():
            if current:
                yield current, excluded
            current = _BULLET.sub("", line).strip()
        else:
            current = f"{current} {line.strip()}".strip()
    if current:
        yield current, excluded
