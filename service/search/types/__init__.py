"""The search parameter types, one file each (https://hl7.org/fhir/R5/search.html#ptypes)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from service.errors import Invalid
from service.fhir import definitions
from service.fhir.definitions import SearchType
from service.search.parameters import Parameter
from service.search.query import Not, Predicate, Sort, Word
from service.search.types import composite, special
from service.search.types.base import ANYWHERE, Context, Kind
from service.search.types.table import ELEMENTARY
from service.search.types.token import NEGATED

__all__ = ["ANYWHERE", "NEGATED", "TYPES", "Context", "Kind", "kind", "missing", "predicate", "sort"]

TYPES: Final[Mapping[SearchType, Kind]] = MappingProxyType({**ELEMENTARY, "composite": composite})


def kind(parameter: Parameter) -> Kind:
    """The type of a parameter; R5 calls ``_text`` a string for some resources, but it is the same for all."""
    return TYPES["special" if parameter.words else parameter.type]


def predicate(
    parameter: Parameter, modifier: str | None, text: str, name: str, context: Context = ANYWHERE
) -> Predicate:
    """Return the predicate of one alternative, still with its escapes; a negated modifier is left to the caller.

    Raises :class:`Invalid` for what the parameter does not do, naming it and the modifier.
    """
    if not parameter.indexed:
        return special.predicate(parameter, modifier, text, name, context)
    declared = "type" if modifier in definitions.resource_types() else modifier
    if modifier is not None and parameter.modifiers and declared not in parameter.modifiers:
        raise Invalid(
            f"{name}: {parameter.code} is defined without the modifier :{modifier}.",
            code="not-supported",
            expression=name,
        )
    return kind(parameter).predicate(parameter, modifier, text, name, context)


def missing(parameter: Parameter, text: str, name: str) -> Predicate:
    """Return the predicate of ``:missing`` (https://hl7.org/fhir/R5/search.html#modifiermissing)."""
    if not parameter.indexed:
        return special.predicate(parameter, "missing", text, name)
    present = Word(parameter.present, "")
    match text:
        case "true":
            return Not(present)
        case "false":
            return present
    raise Invalid(f"{name} is true or false, not {text!r}.", expression=name)


def sort(parameter: Parameter, descending: bool) -> Sort:
    """Return the order by a parameter's values; raises :class:`Invalid` where they have none."""
    if not parameter.indexed:
        return special.sort(parameter, descending)
    return kind(parameter).sort(parameter, descending)
