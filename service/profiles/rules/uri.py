"""URIs, and what FHIR asks of them: https://hl7.org/fhir/R5/datatypes.html#uri.

A canonical is absolute, or points to a contained resource; OIDs and UUIDs are written as URNs, in the one form that
can be compared as text.
"""

from __future__ import annotations

import re
from typing import Final

_is_uri: Final = re.compile(r"[^\s\x00-\x1f]+").fullmatch
_URN: Final = re.compile(
    r"urn:(?:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+|uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?!oid:|uuid:)[^\s\x00-\x1f]+)"
)

is_plain_uri: Final = re.compile(r"(?!urn:|oid:|uuid:)[^\s\x00-\x1f]+").fullmatch
"""A quick test that accepts most good ones."""

is_plain_canonical: Final = re.compile(r"https?:[^\s\x00-\x1f]+").fullmatch
"""A quick test that accepts most good ones."""

is_absolute: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s\x00-\x1f]+").fullmatch
"""Whether a URI has a scheme."""


def uri_problem(text: str) -> str | None:
    """What is wrong with a ``uri`` or ``url``, or None."""
    if not _is_uri(text):
        return "is not a URI: it contains white space or control characters"
    if text.startswith(("oid:", "uuid:")):
        return "is not a URI: write urn: before it"
    if text.startswith("urn:") and not _URN.fullmatch(text):
        return "is not a valid OID" if text.startswith("urn:oid:") else "is not a valid UUID in lowercase"
    return None


def absolute_problem(text: str) -> str | None:
    """What is wrong with a ``uri`` that must be absolute, or None."""
    problem = uri_problem(text)
    return "is not absolute" if problem is None and not is_absolute(text) else problem


def canonical_problem(text: str) -> str | None:
    """What is wrong with a ``canonical``, or None."""
    problem = uri_problem(text) if text.startswith("#") else absolute_problem(text)
    return "is not absolute, nor # and the id of a contained resource" if problem == "is not absolute" else problem
