"""What a terminology service answers to a validator: https://hl7.org/fhir/R5/terminology-service.html.

An answer is yes, no, or "not known here": a code system that this server does not have (SNOMED CT, LOINC, MedDRA) must
never look like a code that is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a code is in a value set or code system.

    ``result`` is None where it is not known here. ``message`` says why for all but a plain yes, in words for whoever
    sent the code; ``display`` is the code's preferred display where it is known. ``wrong_display`` tells that the code
    is right and the display that came with it is not one of its own.
    """

    result: bool | None
    message: str | None = None
    display: str | None = None
    wrong_display: bool = False


class Terminology(Protocol):
    """Answers without waiting: what it asks of others, it asks before or after.

    Every method answers with a verdict for whatever it is given and raises nothing.
    """

    def in_value_set(
        self, value_set: str, system: str | None, code: str, *, version: str | None = None, display: str | None = None
    ) -> Verdict:
        """Whether a code is in a value set (canonical, with or without version).

        Without a system the code is that of an element of type ``code``, whose system the value set implies.
        """
        ...

    def in_code_system(
        self, system: str, code: str, *, version: str | None = None, display: str | None = None
    ) -> Verdict:
        """Whether a code system has a code."""
        ...

    def subsumes(self, system: str, ancestor: str, descendant: str) -> bool | None:
        """Whether a code is the other or above it in its system's hierarchy; None where it is not known."""
        ...
