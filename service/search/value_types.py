"""Which FHIR types a search parameter type finds values in (https://hl7.org/fhir/R5/search.html#table)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from service.fhir.definitions import SearchType

_NUMBERS: Final = frozenset({"decimal", "integer", "integer64", "unsignedInt", "positiveInt"})
_URIS: Final = frozenset({"uri", "url", "canonical", "oid", "uuid"})
_QUANTITIES: Final = frozenset({"Quantity", "Age", "Count", "Distance", "Duration", "SimpleQuantity", "MoneyQuantity"})
_TEXTS: Final = frozenset({"string", "markdown", "code", "id", *_URIS})
_CODED: Final = frozenset({"Coding", "CodeableConcept", "CodeableReference", "Identifier", "ContactPoint"})

VALUES: Final[Mapping[SearchType, frozenset[str]]] = {
    "number": _NUMBERS,
    "date": frozenset({"date", "dateTime", "instant", "Period", "Timing"}),
    "string": _TEXTS | _NUMBERS | _CODED | {"HumanName", "Address", "Annotation", "Attachment", "Reference", "boolean"},
    "token": _TEXTS | _CODED | _QUANTITIES | {"boolean"},
    "reference": _URIS | {"Reference", "CodeableReference", "string"},
    "quantity": _NUMBERS | _QUANTITIES | {"Money", "Range", "SampledData"},
    "uri": _URIS,
}

_USUAL: Final[Mapping[str, SearchType]] = {
    **dict.fromkeys(VALUES["date"], "date"),
    **dict.fromkeys(("string", "markdown", "HumanName", "Address"), "string"),
    **dict.fromkeys(VALUES["quantity"], "quantity"),
    **dict.fromkeys(_NUMBERS, "number"),
    **dict.fromkeys(("Reference", "CodeableReference", "canonical"), "reference"),
    **dict.fromkeys(("uri", "url", "oid", "uuid"), "uri"),
}


_SYSTEM: Final = {
    "System.Boolean": "boolean",
    "System.String": "string",
    "System.Integer": "integer",
    "System.Long": "integer64",
    "System.Decimal": "decimal",
    "System.Date": "date",
    "System.DateTime": "dateTime",
    "System.Quantity": "Quantity",
}
"""What expressions compute (``ResearchStudy.result.exists()``) and the FHIR type that it amounts to."""


def holds(declared: SearchType, types: Iterable[str]) -> bool:
    """Whether a search parameter type finds values in one of these types, as far as it has values of its own."""
    return declared not in VALUES or not VALUES[declared].isdisjoint(_SYSTEM.get(name, name) for name in types)


def search_type(declared: SearchType | None, types: Iterable[str]) -> SearchType:
    """The search parameter type of values of these FHIR types: the declared one, as long as it finds anything in them.

    R5 has components whose definition does not exist, and a composite whose expressions are the wrong way round.
    """
    found = sorted(types)
    if declared is not None and (not found or holds(declared, found)):
        return declared
    return next((_USUAL[name] for name in found if name in _USUAL), "token")
