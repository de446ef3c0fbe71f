"""States and dates (https://clinicaltrials.gov/data-api/about-api/study-data-structure#statusModule)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fhir.resources.codeableconcept import CodeableConcept
from fhir.resources.extension import Extension
from fhir.resources.period import Period
from fhir.resources.researchstudy import ResearchStudyProgressStatus

from service.registry.codes import Code
from service.registry.ctgov.record import Node
from service.registry.ctgov.trial import facts
from service.registry.ctgov.vocabulary import ACTIVITY, ACTUAL, OVERALL, REGISTRATION, STATES, words
from service.registry.elements import concept

_DATE: Final = re.compile(r"(?:19|20)[0-9]{2}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?)?")
_EVENTS: Final = (
    ("statusVerifiedDate", Code(ACTIVITY, "record-verification", "Record Verification")),
    ("studyFirstSubmitDate", Code(ACTIVITY, "registration-submission", "Registration submission")),
    ("studyFirstSubmitQcDate", Code(ACTIVITY, "registration-submission-qc", "Registration submission Quality Check")),
    ("studyFirstPostDateStruct", Code(ACTIVITY, "registration-posting", "Registration posting")),
    ("resultsFirstSubmitDate", Code(ACTIVITY, "results-submission", "Results submission")),
    ("resultsFirstSubmitQcDate", Code(ACTIVITY, "results-submission-qc", "Results submission Quality Check")),
    ("resultsFirstPostDateStruct", Code(ACTIVITY, "results-posting", "Results posting")),
    ("dispFirstSubmitDate", Code(ACTIVITY, "disposition-submission", "Disposition submission")),
    ("dispFirstSubmitQcDate", Code(ACTIVITY, "disposition-submission-qc", "Disposition submission Quality Check")),
    ("dispFirstPostDateStruct", Code(ACTIVITY, "disposition-posting", "Disposition posting")),
    ("lastUpdateSubmitDate", Code(ACTIVITY, "update-submission", "Update submission")),
    ("lastUpdatePostDateStruct", Code(ACTIVITY, "update-posting", "Update posting")),
)


def date(node: Node, name: str) -> str | None:
    """A day, month or year; anything else is left unread."""
    text = node.peek(name)
    return node.read(name) if text is not None and _DATE.fullmatch(text) else None


def progress(module: Node) -> list[ResearchStudyProgressStatus]:
    """The state that the study is in, when it began, and when it was or will be complete."""
    found: list[ResearchStudyProgressStatus] = []
    if (state := module.read("overallStatus")) is not None:
        coded = (STATES[state],) if state in STATES else ()
        found.append(ResearchStudyProgressStatus(state=concept(words(state), coded), actual=True))
    overall = concept(None, (OVERALL,))
    found += _dated(module.at("startDateStruct"), overall, "start")
    found += _dated(module.at("primaryCompletionDateStruct"), concept("Primary completion"), "end")
    found += _dated(module.at("completionDateStruct"), overall, "end")
    return found


def _dated(node: Node, state: CodeableConcept, limit: str) -> Iterator[ResearchStudyProgressStatus]:
    day = date(node, "date")
    if day is not None:
        yield ResearchStudyProgressStatus(
            state=state, actual=node.code("type", ACTUAL), period=Period.model_validate({limit: day})
        )


def registrations(module: Node) -> list[Extension]:
    """When the record was submitted, checked and posted, each time as an extension of the ResearchStudy."""
    found: list[Extension] = []
    for name, activity in _EVENTS:
        posted = name.endswith("Struct")
        node = module.at(name) if posted else module
        day = date(node, "date" if posted else name)
        if day is None:
            continue
        parts = [Extension(url="activity", valueCodeableConcept=concept(None, (activity,)))]
        actual = node.code("type", ACTUAL) if posted else None
        if actual is not None:
            parts.append(Extension(url="actual", valueBoolean=actual))
        parts.append(Extension(url="period", valuePeriod=Period.model_validate({"start": day})))
        found.append(Extension(url=REGISTRATION, extension=parts))
    return found


def remarks(module: Node) -> list[str]:
    """What else the record says of its state."""
    access = facts(
        module.at("expandedAccessInfo"),
        hasExpandedAccess="Expanded access",
        nctId="Expanded access study",
        statusForNctId="Status of the expanded access study",
    )
    return [*facts(module, lastKnownStatus="Last known status", delayedPosting="Delayed posting"), *access]
