"""References and ids as text (https://hl7.org/fhir/R5/references.html)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from service.fhir import definitions

_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_LITERAL: Final = re.compile(
    r"(?:(?P<base>[A-Za-z][A-Za-z0-9+.\-]*://.+?)/)?"
    r"(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?(?:#.*)?"
)


@dataclass(frozen=True, slots=True)
class Literal:
    """A reference to ``type/id``, relative (``base`` None) or on a server."""

    base: str | None
    type: str
    id: str
    version: str | None


def is_id(text: str) -> bool:
    """Whether the text can be a resource's id (https://hl7.org/fhir/R5/datatypes.html#id)."""
    return _ID.fullmatch(text) is not None


def parse_literal(reference: str) -> Literal | None:
    """Return the parts of a relative or absolute literal reference to a resource of R5, or None."""
    found = _LITERAL.fullmatch(reference)
    if found is None or found["type"] not in definitions.resource_types():
        return None
    return Literal(found["base"], found["type"], found["id"], found["version"])
