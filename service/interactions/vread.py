"""vread: one version of a resource (https://hl7.org/fhir/R5/http.html#vread)."""

from __future__ import annotations

from service.errors import Gone, NotFound
from service.interactions.engine import Engine
from service.store.base import Version


async def vread(engine: Engine, type_: str, id_: str, version: str) -> Version:
    """Return a version; raises :class:`NotFound`, or :class:`Gone` where that version is the deletion."""
    # A version id is any id to a client; here it is a number, and whatever is none names no version.
    number = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0
    found = await engine.store.read_version(type_, id_, number)
    if found is None or str(number) != version:
        raise NotFound(f"{type_}/{id_} has no version {version}.")
    if found.json is None:
        raise Gone(f"{type_}/{id_} was deleted on {found.last_updated}: version {version} is that deletion.")
    return found
