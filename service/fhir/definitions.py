"""The definitions of FHIR R5 as typed tables, loaded when first asked for.

``service/fhir/r5`` holds the tables that ``tools/derive_r5.py`` derives from the packages of the specification; this
module is their only reader. Everything returned is immutable and cached, so it may be shared between threads.
Pages: https://hl7.org/fhir/R5/structuredefinition.html, https://hl7.org/fhir/R5/searchparameter.html,
https://hl7.org/fhir/R5/terminologies.html#required, https://hl7.org/fhir/R5/compartmentdefinition.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar

import msgspec

TABLES = Path(__file__).with_name("r5")

Kind = Literal["resource", "complex-type", "primitive-type"]
Strength = Literal["required", "extensible", "preferred"]
Grammar = Literal["mime", "language", "unchecked"]
SearchType = Literal["number", "date", "string", "token", "reference", "composite", "quantity", "uri", "special"]

Table = TypeVar("Table")


class TypeReference(msgspec.Struct, frozen=True, omit_defaults=True):
    """One permitted type of an element.

    ``targets`` are the resource types that a Reference, CodeableReference or canonical may point to, empty for any;
    ``profile`` narrows the type itself (``SimpleQuantity``, or a resource type where the type is ``Resource``).
    """

    code: str
    targets: tuple[str, ...] = ()
    profile: str | None = None


class ElementDefinition(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """One element of a type, in the order of the specification (which is the order in XML).

    ``max`` is ``"0"``, ``"1"`` or ``"*"`` (in rare cases another number). ``content`` is the path of the element whose
    definition holds here as well (``contentReference``). ``invariants`` are the keys that the element adds to those of
    its type. ``strength`` and ``value_set`` (without a version) are given together; example bindings are left out.
    """

    path: str
    min: int = 0
    max: str = "1"
    types: tuple[TypeReference, ...] = ()
    content: str | None = None
    strength: Strength | None = None
    value_set: str | None = None
    invariants: tuple[str, ...] = ()
    summary: bool = False
    modifier: bool = False
    attribute: bool = False

    @cached_property
    def name(self) -> str:
        """The last part of the path, without ``[x]``."""
        return self.path.rpartition(".")[2].removesuffix("[x]")

    @property
    def choice(self) -> bool:
        """Whether this is a ``[x]`` element, whose name in JSON and XML ends in the type."""
        return self.path.endswith("[x]")

    @property
    def repeats(self) -> bool:
        """Whether the element may occur more than once, so that it is an array in JSON."""
        return self.max not in ("0", "1")

    @cached_property
    def json_names(self) -> Mapping[str, TypeReference | None]:
        """The element's names in JSON and the type that each stands for (None for a ``contentReference``)."""
        if self.choice:
            return {self.name + ref.code[0].upper() + ref.code[1:]: ref for ref in self.types}
        return {self.name: self.types[0] if self.types else None}


class TypeDefinition(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """A resource type, data type or primitive type, with all its elements, inherited ones included.

    ``base`` is the type that it specialises, ``regex`` that of a primitive type's value, ``invariants`` the keys that
    apply to every instance of the type.
    """

    kind: Kind
    abstract: bool = False
    base: str | None = None
    regex: str | None = None
    invariants: tuple[str, ...] = ()
    elements: tuple[ElementDefinition, ...] = ()

    @cached_property
    def root(self) -> str:
        """What its paths begin with: its name, but in a profile (SimpleQuantity) that of the type that it narrows.

        Empty where the type has no elements.
        """
        return self.elements[0].path.partition(".")[0] if self.elements else ""

    @cached_property
    def children(self) -> Mapping[str, tuple[ElementDefinition, ...]]:
        """Path -> the elements directly below it; the paths are the type's own and those of its backbone elements."""
        below: dict[str, list[ElementDefinition]] = {}
        for element in self.elements:
            below.setdefault(element.path.rpartition(".")[0], []).append(element)
        return MappingProxyType({path: tuple(found) for path, found in below.items()})

    @cached_property
    def by_path(self) -> Mapping[str, ElementDefinition]:
        """Path -> element, with ``[x]`` where the path has it."""
        return MappingProxyType({element.path: element for element in self.elements})


class ValueSetCodes(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """The codes of a value set that has a required binding.

    A closed set has ``systems`` (code system -> codes). An open one has a grammar instead, and a code may be refused
    only if it breaks the grammar: no list of MIME types, languages, currencies or units is ever complete.
    """

    systems: Mapping[str, frozenset[str]] = {}
    open: Grammar | None = None

    @cached_property
    def codes(self) -> frozenset[str]:
        """All codes, whatever their system: what an element of type ``code`` may hold."""
        return frozenset().union(*self.systems.values())


class Component(msgspec.Struct, frozen=True):
    """One part of a composite search parameter: the canonical URL of its definition, and where it is found."""

    definition: str
    expression: str


class SearchParameter(msgspec.Struct, frozen=True, omit_defaults=True):
    """A search parameter of the specification; ``expression`` is None for those that are computed otherwise.

    ``single_or`` and ``single_and`` say that the parameter takes no comma-separated values, or that it must not be
    repeated.
    """

    url: str
    code: str
    type: SearchType
    base: tuple[str, ...]
    expression: str | None = None
    target: tuple[str, ...] = ()
    comparator: tuple[str, ...] = ()
    modifier: tuple[str, ...] = ()
    single_or: bool = False
    single_and: bool = False
    component: tuple[Component, ...] = ()
    processing: Literal["normal", "phonetic", "other"] | None = None


class Invariant(msgspec.Struct, frozen=True, omit_defaults=True):
    """An invariant, and the paths at which it is declared (``Type`` or ``Type.element``)."""

    key: str
    severity: Literal["error", "warning"]
    expression: str
    paths: tuple[str, ...]


class Provenance(msgspec.Struct, frozen=True, rename={"fhir_version": "fhirVersion"}):
    """Which packages the tables were derived from, and the version of FHIR that they define."""

    packages: tuple[str, ...]
    fhir_version: str
    license: str


def _load(name: str, shape: type[Table]) -> Table:
    return msgspec.json.decode((TABLES / f"{name}.json").read_bytes(), type=shape)


@cache
def _raw_types() -> dict[str, msgspec.Raw]:
    """The table of elements, split by type but not yet decoded: most processes meet only a few types."""
    return _load("elements", dict[str, msgspec.Raw])


@cache
def type_names() -> tuple[str, ...]:
    """All types, abstract ones and data types included, sorted."""
    return tuple(_raw_types())


@cache
def type_definition(name: str) -> TypeDefinition:
    """The definition of a type; KeyError if R5 has none of this name."""
    return msgspec.json.decode(_raw_types()[name], type=TypeDefinition)


@cache
def resource_types() -> tuple[str, ...]:
    """All resource types of which there can be instances, sorted."""
    return tuple(name for name, head in _heads().items() if head.kind == "resource" and not head.abstract)


@cache
def data_types() -> tuple[str, ...]:
    """All data types and primitive types of which there can be instances, sorted."""
    return tuple(name for name, head in _heads().items() if head.kind != "resource" and not head.abstract)


class _Head(msgspec.Struct, frozen=True):
    kind: Kind
    abstract: bool = False
    base: str | None = None


@cache
def _heads() -> dict[str, _Head]:
    """The types without their elements, which a decoder that is not asked for them skips quickly."""
    return {name: msgspec.json.decode(raw, type=_Head) for name, raw in _raw_types().items()}


@cache
def ancestors(name: str) -> tuple[str, ...]:
    """The types that this one specialises, nearest first; KeyError if R5 has no type of this name."""
    base = _heads()[name].base
    return () if base is None else (base, *ancestors(base))


@cache
def search_parameters() -> tuple[SearchParameter, ...]:
    """All search parameters of the specification, sorted by url."""
    return _load("search_parameters", tuple[SearchParameter, ...])


@cache
def _search_parameters_by_base() -> Mapping[str, Mapping[str, SearchParameter]]:
    by_base: dict[str, dict[str, SearchParameter]] = {}
    for parameter in search_parameters():
        for base in parameter.base:
            # R5 defines _filter twice with the same meaning; the first one is kept.
            by_base.setdefault(base, {}).setdefault(parameter.code, parameter)
    return by_base


@cache
def search_parameters_for(resource_type: str) -> Mapping[str, SearchParameter]:
    """Code -> search parameter, for a resource type and the types that it specialises (``Resource`` has ``_id``).

    KeyError if R5 has no type of this name.
    """
    by_base = _search_parameters_by_base()
    found: dict[str, SearchParameter] = {}
    for name in reversed((resource_type, *ancestors(resource_type))):
        found.update(by_base.get(name, {}))
    return MappingProxyType(dict(sorted(found.items())))


@cache
def required_value_sets() -> Mapping[str, ValueSetCodes]:
    """Value set (canonical URL without version) -> codes, for all that have a required binding."""
    return MappingProxyType(_load("codes", dict[str, ValueSetCodes]))


def required_codes(value_set: str) -> ValueSetCodes:
    """The codes of a value set that has a required binding somewhere in R5; KeyError for any other."""
    return required_value_sets()[value_set.partition("|")[0]]


@cache
def invariants() -> tuple[Invariant, ...]:
    """All invariants, sorted by key; a few keys have several expressions, told apart by ``paths``."""
    return _load("invariants", tuple[Invariant, ...])


@cache
def compartments() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Compartment -> resource type -> the search parameters by which such a resource belongs to it."""
    return MappingProxyType(_load("compartments", dict[str, Mapping[str, tuple[str, ...]]]))


@cache
def operation(name: str) -> Mapping[str, Any]:
    """The OperationDefinition of R5 with this id (``CodeSystem-lookup``), without its prose; KeyError for another."""
    url = f"http://hl7.org/fhir/OperationDefinition/{name}"
    return MappingProxyType({"resourceType": "OperationDefinition", "url": url, **_operations()[url]})


@cache
def _operations() -> dict[str, dict[str, Any]]:
    return _load("operations", dict[str, dict[str, Any]])


@cache
def provenance() -> Provenance:
    """Which packages the tables were derived from."""
    return _load("provenance", Provenance)
