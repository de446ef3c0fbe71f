"""Objects that break one invariant of their type: https://hl7.org/fhir/R5/datatypes.html, domainresource.html#invs.

Each row changes an object of the type so that the invariant is broken whatever else the object has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from service.profiles.definition import place as places
from service.profiles.definition.place import Place

Json = dict[str, Any]
Change = Callable[[Json], Json]


def _without(*names: str, **new: Any) -> Change:  # noqa: ANN401  # any JSON value
    return lambda value: {**{name: held for name, held in value.items() if name not in names}, **new}


_GRAM: Final = {"unit": "g", "system": "http://unitsofmeasure.org", "code": "g"}

_EXTENSION: Final = {"url": "http://example.org/a", "valueBoolean": True}

INVARIANTS: Final[dict[str, tuple[tuple[str, Change], ...]]] = {
    "Attachment": (("att-1", _without("contentType", data="YQ==")),),
    "ContactPoint": (("cpt-2", _without("system", value="1")),),
    "Duration": (("drt-1", _without("system", value=1, code="g")),),
    "Expression": (("exp-1", _without("expression", "reference", language="text/cql")),),
    "Extension": (
        ("ext-1", lambda value: {"url": value["url"]}),
        ("ext-1", lambda value: {"url": value["url"], "extension": [_EXTENSION], "valueString": "x"}),
    ),
    "Period": (("per-1", _without(start="2021-01-02", end="2020-01-01")),),
    "Quantity": (("qty-3", _without("system", value=1, code="g")),),
    "Range": (("rng-2", _without(low={"value": 9, **_GRAM}, high={"value": 1, **_GRAM})),),
    "Ratio": (("rat-1", _without("denominator", numerator={"value": 1})),),
    "Reference": (("ref-2", lambda value: {"type": str(value.get("reference", "")).partition("/")[0] or "Patient"}),),
    "Timing": (
        ("tim-1", lambda _: {"repeat": {"duration": 1}}),
        ("tim-4", lambda _: {"repeat": {"duration": -1, "durationUnit": "d"}}),
    ),
}
"""Type -> key of an invariant and what breaks it."""

_AT: Final = {"tim-1": ".repeat", "tim-4": ".repeat"}
"""Below the object where the invariant is declared, unless that is the object."""

_BASIC: Final[Json] = {"resourceType": "Basic", "id": "mutated", "code": {"text": "x"}}

NESTED: Final[tuple[tuple[str, Json, str], ...]] = (
    ("dom-2", {**_BASIC, "contained": [{**_BASIC, "id": "inner"}]}, ""),
    ("dom-3", _BASIC, ".contained[{}]"),
    ("dom-4", {**_BASIC, "meta": {"versionId": "1"}}, ""),
    ("dom-5", {**_BASIC, "meta": {"security": [{"system": "http://example.org/s", "code": "x"}]}}, ""),
)
"""Key, a contained resource that breaks it in whatever contains it, and where below that, by its position."""


def mutated_object(place: Place, value: Json) -> Iterator[tuple[str, Json, str]]:
    """Key of the invariant, an object that breaks it, and the place below the object where it does."""
    if place == places.root(place.type):
        for key, change in INVARIANTS.get(place.type, ()):
            yield key, change(value), _AT.get(key, "")
    if not places.is_a(place.type, "Resource") or place.path != place.type:
        yield "no content", {}, ""


def only_an_id(place: Place) -> bool:
    """Whether an object here may be replaced by one with nothing but an id, which breaks ele-1."""
    return place == places.root(place.type) and not places.is_a(place.type, "Resource")
