"""The profiles and extensions that HL7 defines for R5: https://hl7.org/fhir/R5/profilelist.html.

They come from the table that ``tools/derive_r5.py`` derives from the packages ``hl7.fhir.r5.core`` and
``hl7.fhir.uv.extensions.r5``; each is decoded when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final

import msgspec

from service.fhir.definitions import TABLES
from service.fhir.library import Library, Resource

_TYPE: Final = "StructureDefinition"
_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode


class CoreDefinitions(Library):
    """What the table has; nothing is added to it."""

    def __init__(self, below: Library | None = None) -> None:
        super().__init__(below)
        table = (TABLES / "structure_definitions.json").read_bytes()
        self._raw = msgspec.json.decode(table, type=dict[str, msgspec.Raw])

    def _versions(self, type_: str, url: str) -> Mapping[str, Resource]:
        if type_ != _TYPE or url not in self._raw:
            return {}
        known = self._resources.get((type_, url))
        if known is None:
            resource = _whole(url, _decode(self._raw[url]))
            known = self._resources[type_, url] = {resource.get("version", ""): resource}
        return known

    def _urls(self, type_: str) -> Iterable[str]:
        return self._raw if type_ == _TYPE else ()


def _whole(url: str, entry: dict[str, Any]) -> Resource:
    """The StructureDefinition with what the table leaves out."""
    elements = entry.pop("element", [])
    for element in elements:
        parts = [part.partition(":") for part in element["id"].split(".")]
        element.setdefault("path", ".".join(name for name, _, _ in parts))
        if parts[-1][2]:
            element.setdefault("sliceName", parts[-1][2])
    return {
        "resourceType": _TYPE,
        "url": url,
        "abstract": False,
        **entry,
        "derivation": "constraint",
        "differential": {"element": elements},
    }


@cache
def core_definitions() -> Library:
    """Return the profiles and extensions of HL7; the same library to all, so whoever adds puts a layer before it."""
    return CoreDefinitions()
