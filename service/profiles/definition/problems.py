"""What is wrong with a StructureDefinition: issues about the definition, not about what it is applied to."""

from __future__ import annotations

from service.errors import Issue, Severity, Unprocessable

STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
"""The space of the definitions that FHIR itself makes."""


class ProfileError(Unprocessable):
    """A profile that cannot be used, with all that is wrong with it."""


def problem(
    text: str, path: str, *, code: str = "invalid", severity: Severity = "error", rule: str = "profile"
) -> Issue:
    """An issue about an element of a StructureDefinition; ``path`` is the FHIRPath in the StructureDefinition."""
    return Issue(severity, code, text, (path,), rule)
