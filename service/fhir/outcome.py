"""OperationOutcome: the one place where issues become a resource (https://hl7.org/fhir/R5/operationoutcome.html)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from service.errors import Issue

EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/operationoutcome-"
"""How the canonical URLs of HL7's extensions of an OperationOutcome begin."""


def operation_outcome(issues: Sequence[Issue]) -> dict[str, Any]:
    """Return the OperationOutcome of one or more issues; a success where there is none."""
    listed = issues or (Issue("success", "success", "All is well."),)
    return {"resourceType": "OperationOutcome", "issue": [_entry(issue) for issue in listed]}


def _entry(issue: Issue) -> dict[str, Any]:
    entry: dict[str, Any] = {"severity": issue.severity, "code": issue.code}
    if issue.profile:
        entry = {"extension": [{"url": f"{EXTENSION}authority", "valueUri": issue.profile}], **entry}
    if issue.rule:
        entry["details"] = {"text": issue.rule}
    entry["diagnostics"] = issue.diagnostics
    if issue.expression:
        entry["expression"] = list(issue.expression)
    return entry
