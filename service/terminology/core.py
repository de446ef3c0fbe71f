"""The code systems, value sets and concept maps that FHIR R5 itself brings (https://hl7.org/fhir/R5/terminologies.html).

They come from the tables of ``service/fhir/r5``, which ``tools/derive_r5.py`` derives; each is decoded when it is first
asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

import msgspec

from service.fhir.definitions import TABLES
from service.fhir.library import Library, Resource

_TABLES: Final = {"CodeSystem": "code_systems", "ValueSet": "value_sets", "ConceptMap": "concept_maps"}


class Core(Library):
    """What the tables have; nothing is added to it."""

    def __init__(self) -> None:
        super().__init__()
        self._raw = {type_: _load(name) for type_, name in _TABLES.items()}
        for url, raw in self._raw["CodeSystem"].items():
            if b'"supplements"' in bytes(raw):
                for resource in self._versions("CodeSystem", url).values():
                    self._index(resource)

    def _versions(self, type_: str, url: str) -> Mapping[str, Resource]:
        raw = self._raw.get(type_, {}).get(url)
        if raw is None:
            return {}
        known = self._resources.get((type_, url))
        if known is None:
            resource: Resource = {"resourceType": type_, "url": url, **msgspec.json.decode(raw)}
            known = self._resources[type_, url] = {resource.get("version", ""): resource}
        return known

    def _urls(self, type_: str) -> Iterable[str]:
        return self._raw.get(type_, {})


def _load(name: str) -> dict[str, msgspec.Raw]:
    return msgspec.json.decode((TABLES / f"{name}.json").read_bytes(), type=dict[str, msgspec.Raw])


@cache
def core_library() -> Library:
    """Return the library of R5; the same one to all, so whoever adds to it puts a layer of its own before it."""
    return Core()
