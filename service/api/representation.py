"""Between the JSON of the registry and the format that a client wants or sends (https://hl7.org/fhir/R5/resource.html#wire).

Everything behind this is JSON: what is stored, and what the interactions and operations take and give.
"""

from __future__ import annotations

from service.api.negotiation import is_xml
from service.fhir.json import dumps, loads
from service.fhir.xml import from_xml, to_xml


def represent(json: bytes, media: str, *, pretty: bool = False) -> bytes:
    """Return a resource in a format; the very same bytes where that is JSON as it is.

    Raises :class:`NotAcceptable` for what XML cannot hold.
    """
    if is_xml(media):
        return to_xml(loads(json), pretty=pretty)
    return dumps(loads(json), pretty=True) if pretty else json


def as_json(body: bytes, media: str) -> bytes:
    """Return the JSON of a resource that came in a format; raises :class:`Invalid` for XML that is none."""
    return dumps(from_xml(body)) if is_xml(media) else body
