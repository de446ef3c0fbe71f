"""Codes as they come into an operation: a code, a Coding or a CodeableConcept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from service.errors import Invalid, NotFound
from service.fhir.json import loads
from service.interactions.read import read
from service.operations.call import Call
from service.terminology.code_system import System

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Coding:
    """A code to be judged, and where it came from."""

    code: str
    system: str | None = None
    version: str | None = None
    display: str | None = None
    where: str = "code"


def coding_of(given: Json, where: str) -> Coding:
    """Return the code of a Coding; raises :class:`Invalid` for one that has none."""
    for name in ("system", "version", "code", "display"):
        if name in given and (not isinstance(given[name], str) or not given[name]):
            raise Invalid(f"{where}.{name} is a text.", expression=f"{where}.{name}")
    if "code" not in given:
        raise Invalid(f"{where} has no code.", code="required", expression=f"{where}.code")
    return Coding(given["code"], given.get("system"), given.get("version"), given.get("display"), where)


def codings_of(concept: Json, where: str) -> list[Coding]:
    """Return the codes of a CodeableConcept; raises :class:`Invalid` for one that has none."""
    listed = concept.get("coding", [])
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise Invalid(f"{where}.coding is a list of codings.", expression=f"{where}.coding")
    if not listed:
        raise Invalid(f"{where} has no coding.", code="required", expression=f"{where}.coding")
    return [coding_of(each, f"{where}.coding[{number}]") for number, each in enumerate(listed)]


async def system_of(call: Call, coding: Coding) -> System:
    """Return the code system of a coding, which is the instance where there is one.

    Raises :class:`NotFound` where it is not known, and :class:`Invalid` for a coding of another system.
    """
    if call.id is not None:
        resource = loads((await read(call.engine, "CodeSystem", call.id)).json or b"")
        url = resource.get("url", f"CodeSystem/{call.id}")
        if coding.system not in (None, url):
            raise Invalid(f"The code is of {coding.system}, and this is {url}.", expression=coding.where)
        return call.terminology.system_of(resource)
    url = coding.system or ""
    system = call.terminology.system(url, coding.version)
    if system is None:
        shown = f"{url}|{coding.version}" if coding.version else url
        raise NotFound(f"The code system {shown} is not known here.", expression="system")
    return system
