"""read: the current version of a resource (https://hl7.org/fhir/R5/http.html#read)."""

from __future__ import annotations

from service.interactions.engine import Engine, existing
from service.store.base import Version


async def read(engine: Engine, type_: str, id_: str) -> Version:
    """Return the current version; raises :class:`NotFound` or :class:`Gone`."""
    return existing(await engine.store.read(type_, id_), type_, id_)
