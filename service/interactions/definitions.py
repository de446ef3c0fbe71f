"""Definitions of search parameters as resources: which of them take effect, and whether they go together.

https://hl7.org/fhir/R5/searchparameter.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from service.errors import Issue, Unprocessable
from service.fhir.definitions import SearchParameter
from service.search.definition import parse_definition
from service.search.parameters import Catalogue
from service.store.base import SEQ_BITS, Change

TYPE: Final = "SearchParameter"

Resources = dict[str, tuple[int, dict[str, Any]]]
"""Id -> the position of the version, and its content."""
Refused = dict[str, tuple[Issue, ...]]
"""Id -> why it cannot be used."""


@dataclass(slots=True, eq=False)
class Custom:
    """A parameter that a resource of the registry defines, by the position of the version that does.

    ``ready``: everything is indexed by it. ``settled``: this process has left out nothing. Of ``total`` versions,
    ``done`` have been looked at.
    """

    id: str
    position: int
    definition: SearchParameter
    ready: bool = False
    settled: bool = False
    done: int = 0
    total: int = 0

    @property
    def seq(self) -> int:
        """The commit that brought it."""
        return self.position >> SEQ_BITS

    @property
    def edition(self) -> str:
        """What ends its keys, so that they are no other version's."""
        return f"@{self.position}"

    @property
    def progress(self) -> str:
        """How far its index is."""
        return f"{self.done} of {self.total} versions are indexed" if self.total else "indexing is about to begin"


@dataclass(slots=True)
class Whole:
    """Indexing everything anew; ``bases`` are the server's own base URLs."""

    bases: tuple[str, ...]
    running: bool = True
    done: int = 0
    total: int = 0


class RefusedDefinitions(Unprocessable):
    """Definitions that cannot be used, each with the reasons."""

    def __init__(self, found: Sequence[tuple[Change, tuple[Issue, ...]]]) -> None:
        super().__init__([issue for _, issues in found for issue in issues])
        self.found = found


def takes_effect(resource: Mapping[str, Any], own: Catalogue) -> bool:
    """Whether a SearchParameter resource defines something: it is active, and not what the server has already."""
    known = own.definition(resource.get("url", ""))
    return resource.get("status") == "active" and (known is None or known.code != resource.get("code"))


def accept(own: Catalogue, resources: Resources) -> tuple[dict[str, SearchParameter], Refused]:
    """Return what these resources define on top of the server's own, and why some cannot be used.

    Of two that exclude each other the one written first holds; composites come last, as they are made of the others.
    """
    accepted: dict[str, SearchParameter] = {}
    refused: Refused = {}
    catalogue = own
    for id_, (_, resource) in sorted(
        resources.items(), key=lambda item: (item[1][1].get("type") == "composite", item[1][0], item[0])
    ):
        try:
            definition = parse_definition(resource, catalogue)
        except Unprocessable as problem:
            refused[id_] = problem.issues
            continue
        if catalogue.definition(definition.url) is not None:
            reason = f"{definition.url} is defined already."
            refused[id_] = (Issue("error", "duplicate", reason, ("SearchParameter.url",)),)
            continue
        accepted[id_] = definition
        catalogue = Catalogue((*catalogue.extra, definition))
    return accepted, refused
