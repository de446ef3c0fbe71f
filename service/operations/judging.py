"""What both $validate-code answer: https://hl7.org/fhir/R5/valueset-operation-validate-code.html."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from service.errors import Issue
from service.fhir.outcome import operation_outcome
from service.operations.call import Json
from service.operations.codings import Coding
from service.terminology.base import Verdict

Judge: TypeAlias = Callable[[Coding], Verdict]


@dataclass(frozen=True, slots=True)
class Judged:
    """The codings with their verdicts; ``concept`` is the CodeableConcept that they came in."""

    codings: Sequence[tuple[Coding, Verdict]]
    concept: Json | None = None

    @property
    def result(self) -> bool | None:
        """Whether one of the codings is right, None where that is not known of any."""
        results = [verdict.result for _, verdict in self.codings]
        return True if True in results else None if None in results else False

    def parameters(self, version: Callable[[Coding], str | None]) -> list[Json]:
        """Return the parameters of the answer; what is not known counts as not right, and says so."""
        chosen = next((each for each in self.codings if each[1].result), self.codings[0])
        coding, verdict = chosen
        issues = [issue for each in self.codings if (issue := self._issue(*each)) is not None]
        wrong = any(issue.severity == "error" for issue in issues)
        found: list[Json] = [{"name": "result", "valueBoolean": self.result is True and not wrong}]
        if issues:
            found.append({"name": "message", "valueString": "; ".join(each.diagnostics for each in issues)})
        if verdict.display:
            found.append({"name": "display", "valueString": verdict.display})
        if verdict.result:
            found.append({"name": "code", "valueCode": coding.code})
            if coding.system:
                found.append({"name": "system", "valueUri": coding.system})
            if known := version(coding):
                found.append({"name": "version", "valueString": known})
        if self.concept is not None:
            found.append({"name": "codeableConcept", "valueCodeableConcept": self.concept})
        if issues:
            found.append({"name": "issues", "resource": operation_outcome(issues)})
        return found

    def _issue(self, coding: Coding, verdict: Verdict) -> Issue | None:
        message = verdict.message
        if message is None:
            return None
        if verdict.wrong_display:
            return Issue("error", "invalid", message, (f"{_of(coding)}display",))
        code = "not-found" if verdict.result is None else "code-invalid"
        # One right coding makes a concept right: what is wrong with the others is worth knowing.
        return Issue("information" if self.result else "error", code, message, (coding.where,))


def _of(coding: Coding) -> str:
    return "" if coding.where == "code" else f"{coding.where}."
