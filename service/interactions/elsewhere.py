"""Codes that are not known here, settled by another terminology server where there is one.

https://hl7.org/fhir/R5/terminologies.html#strength: what a binding makes of a code that is not in its value set. An
element with several codings is right if one of them is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from service.errors import Issue, Severity
from service.profiles.profile_run import Question
from service.terminology.external import External

_SEVERITIES: Final[dict[str, Severity]] = {"required": "error", "extensible": "warning"}


async def settle(issues: Sequence[Issue], questions: Sequence[Question], external: External) -> list[Issue]:
    """Return the issues of a validation as they are once its open questions have been asked; some may stay open."""
    verdicts = await external.ask(questions)
    groups: dict[tuple[str, str], list[tuple[Question, bool | None]]] = {}
    for question, verdict in zip(questions, verdicts, strict=True):
        element = question.where.partition(".coding[")[0]
        groups.setdefault((element, question.value_set), []).append((question, verdict.result))
    found = list(issues)
    for asked in groups.values():
        results = [result for _, result in asked]
        if True in results:
            found = [each for each in found if not any(_is_about(each, question) for question, _ in asked)]
        elif None not in results:
            refused = [question for question, _ in asked]
            found = [_refused(each, refused) for each in found]
    return found


def _refused(issue: Issue, questions: Sequence[Question]) -> Issue:
    for question in questions:
        if _is_about(issue, question):
            text = f"{question.code!r} is not in the {question.strength} value set {question.value_set}"
            severity = _SEVERITIES.get(question.strength, "information")
            return replace(issue, severity=severity, code="code-invalid", diagnostics=text)
    return issue


def _is_about(issue: Issue, question: Question) -> bool:
    """Whether an issue says that this question is open."""
    open_ = issue.code == "not-supported" and issue.rule == "binding" and issue.expression == (question.where,)
    return open_ and f" {question.value_set} " in issue.diagnostics
