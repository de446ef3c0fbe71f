"""One request for an operation, and the resource that it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from service.errors import Invalid, NotFound
from service.fhir.json import dumps, loads
from service.interactions.engine import Engine
from service.interactions.read import read
from service.operations.inputs import Inputs
from service.search.parse import Pairs
from service.terminology.service import TerminologyService

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked, of which resource type and instance (both None on the system), with which parameters.

    ``base`` is the FHIR base URL of the request; ``shown`` are the parameters that say how the answer is written, for
    the links in it.
    """

    engine: Engine
    inputs: Inputs
    type: str | None = None
    id: str | None = None
    base: str = ""
    shown: Pairs = ()

    @property
    def terminology(self) -> TerminologyService:
        """What code systems and value sets are looked up in."""
        return self.engine.conformance.terminology

    async def subject(self, url: str, resource: str, version: str) -> Json | None:
        """Return the canonical resource that the operation is about.

        It is the instance, or what the parameters with these names say; None where they say nothing. Raises
        :class:`NotFound` where it is not known, and :class:`Invalid` where they contradict each other.
        """
        inputs, type_ = self.inputs, self.type or ""
        if self.id is not None:
            found: Json = loads((await read(self.engine, type_, self.id)).json or b"")
            return found
        canonical, inline = inputs.text(url), inputs.one(resource)
        inputs.only_with(version, url)
        if inline is not None:
            if canonical is not None and canonical.partition("|")[0] != inline.get("url"):
                raise Invalid(f"{url} and {resource} exclude each other.", expression=url)
            return dict(inline)
        if canonical is None:
            return None
        wanted = versioned(canonical, inputs.text(version), version)
        known = self.engine.conformance.library.find(type_, wanted)
        if known is None:
            raise NotFound(f"The {type_} {wanted} is not known here.", expression=url)
        return known

    def check_supplements(self) -> None:
        """Raise :class:`NotFound` for a supplement that is asked for and not known."""
        for canonical in self.inputs.every("useSupplement"):
            known = self.engine.conformance.library.find("CodeSystem", canonical)
            if known is None or known.get("content") != "supplement":
                raise NotFound(f"The supplement {canonical} is not known here.", expression="useSupplement")


def versioned(canonical: str, version: str | None, name: str) -> str:
    """Return a canonical with its version; raises :class:`Invalid` where it has another one already."""
    url, _, own = canonical.partition("|")
    if version and own and own != version:
        raise Invalid(f"{name} is {version}, and the canonical says {own}.", expression=name)
    return f"{url}|{version or own}" if version or own else url


def answer(parameters: list[Json]) -> bytes:
    """Return a Parameters resource."""
    return dumps({"resourceType": "Parameters", "parameter": parameters})
