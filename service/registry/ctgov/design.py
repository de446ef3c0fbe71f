"""The design of a study (https://clinicaltrials.gov/data-api/about-api/study-data-structure#designModule)."""

from __future__ import annotations

from fhir.resources.codeableconcept import CodeableConcept
from fhir.resources.reference import Reference
from fhir.resources.researchstudy import ResearchStudyRecruitment

from service.registry.codes import Code
from service.registry.ctgov.record import Node
from service.registry.ctgov.trial import facts
from service.registry.ctgov.vocabulary import ACTUAL, DESIGNS, MASKED, PHASES, PURPOSES, words
from service.registry.elements import concept


def phase(module: Node) -> CodeableConcept | None:
    """The phase, or the two phases that the study combines."""
    found = tuple(module.texts("phases"))
    if not found:
        return None
    coded = PHASES.get(found, ())
    return concept(coded[0].display if coded else ", ".join(found), coded)


def purpose(module: Node) -> CodeableConcept | None:
    """What the study is for."""
    found = module.at("designInfo").read("primaryPurpose")
    if found is None:
        return None
    return concept(words(found), (PURPOSES[found],) if found in PURPOSES else ())


def designs(module: Node) -> list[CodeableConcept]:
    """The kind of study, how people come into its arms, and who does not know in which."""
    info = module.at("designInfo")
    masking = info.at("maskingInfo")
    read = [module.read("studyType")]
    read += [info.read(name) for name in ("interventionModel", "observationalModel", "timePerspective")]
    found = [_design(text, None) for text in read if text is not None]
    if (allocation := info.read("allocation")) is not None:
        found.append(_design(allocation, "Allocation"))
    if (masked := masking.read("masking")) is not None:
        found.append(_design(masked, "Masking"))
    masked_people = masking.texts("whoMasked")
    return [*found, *(concept(f"Masked: {words(each)}", _masked(each)) for each in masked_people)]


def _masked(text: str) -> tuple[Code, ...]:
    return (MASKED[text],) if text in MASKED else ()


def _design(text: str, label: str | None) -> CodeableConcept:
    return concept(f"{label}: {words(text)}" if label else words(text), (DESIGNS[text],) if text in DESIGNS else ())


def recruitment(module: Node, eligibility: Reference) -> ResearchStudyRecruitment:
    """How many took part or are to, and who can."""
    info = module.at("enrollmentInfo")
    actual = info.code("type", ACTUAL)
    number = info.count("count")
    # A count without a type is of a time when records had none: what was planned became what was.
    return ResearchStudyRecruitment(
        targetNumber=number if actual is False else None,
        actualNumber=number if actual is not False else None,
        eligibility=eligibility,
    )


def remarks(module: Node) -> list[str]:
    """What else the record says of the design."""
    info = module.at("designInfo")
    return [
        *facts(
            module,
            patientRegistry="Patient registry",
            targetDuration="Target duration of follow-up",
            nPtrsToThisExpAccNctId="Studies that refer to this expanded access",
        ),
        *facts(info, interventionModelDescription="Intervention model"),
        *facts(info.at("maskingInfo"), maskingDescription="Masking"),
        *facts(
            module.at("expandedAccessTypes"),
            individual="Expanded access for individuals",
            intermediate="Expanded access for groups of intermediate size",
            treatment="Expanded access by a treatment protocol",
        ),
        *facts(module.at("bioSpec"), retention="Biospecimens", description="Biospecimens kept"),
    ]
