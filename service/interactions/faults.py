"""What is wrong with a resource that defines something, apart from its structure.

https://hl7.org/fhir/R5/profiling.html#limitations and https://hl7.org/fhir/R5/valueset.html#compositions. What is
stored takes effect, so a definition that cannot hold is refused in every mode.
"""

from __future__ import annotations

from typing import Any, Final

from service.errors import Issue, Unprocessable
from service.fhir.library import Library
from service.profiles.definition_check import check_definition
from service.terminology.service import TerminologyService

TYPES: Final = frozenset({"StructureDefinition", "ValueSet"})


def faults(resource: dict[str, Any], library: Library) -> list[Issue]:
    """Return what is wrong with a StructureDefinition or ValueSet whose structure is right; nothing for other types."""
    match resource["resourceType"]:
        case "StructureDefinition":
            return check_definition(resource, library, well_formed=True)
        case "ValueSet" if "compose" in resource:
            after = Library(library)  # as it will be: what others include of this one may lead back to them
            if "url" in resource:
                after.add(resource)
            try:
                TerminologyService(after).members_of(resource)
            except Unprocessable as problem:
                return [_in_compose(issue) for issue in problem.issues]
    return []


def _in_compose(issue: Issue) -> Issue:
    severity = "warning" if issue.code == "not-supported" else issue.severity
    return Issue(severity, issue.code, issue.diagnostics, issue.expression or ("ValueSet.compose",), "compose")
