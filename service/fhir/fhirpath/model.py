"""The types of FHIR and of FHIRPath, as navigation sees them (https://hl7.org/fhir/R5/fhirpath.html#types).

A type is a string: ``Patient``, ``HumanName``, ``code``; the path of a backbone element, ``Patient.contact``; or a type
of FHIRPath itself, ``System.String``. An element that refers to the content of another (``contentReference``) has that
one's path as its type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Final

from service.fhir import definitions
from service.fhir.definitions import ElementDefinition, TypeDefinition

SYSTEM_TYPES: Final = frozenset(
    f"System.{name}"
    for name in ("Any", "Boolean", "String", "Integer", "Long", "Decimal", "Date", "DateTime", "Time", "Quantity")
)

TYPE_INFO: Final = "System.TypeInfo"
"""The type of what ``type()`` returns."""

_SYSTEM_OF: Final = {
    "boolean": "System.Boolean",
    "integer": "System.Integer",
    "integer64": "System.Integer",
    "unsignedInt": "System.Integer",
    "positiveInt": "System.Integer",
    "decimal": "System.Decimal",
    "date": "System.Date",
    "dateTime": "System.DateTime",
    "instant": "System.DateTime",
    "time": "System.Time",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One way in which an element is written in JSON: its member, and the type that this implies."""

    member: str
    type: str
    primitive: bool

    @property
    def shadow(self) -> str:
        """The member that holds the id and extensions of a primitive value."""
        return "_" + self.member


@dataclass(frozen=True, slots=True)
class Step:
    """An element as one step of a path: a choice has an entry for each of its types."""

    name: str
    entries: tuple[Entry, ...]
    repeats: bool


@cache
def system_type(name: str) -> str | None:
    """The System type that a value of this type converts to by itself, None if there is none."""
    if name.startswith("System."):
        return name
    if is_primitive(name):
        return _SYSTEM_OF.get(name, "System.String")
    return "System.Quantity" if "Quantity" in supertypes(name) else None


@cache
def is_primitive(name: str) -> bool:
    """Whether this is a primitive type of FHIR."""
    return _known(name) and definitions.type_definition(name).kind == "primitive-type"


def is_resource(name: str) -> bool:
    """Whether this is a resource type, abstract ones included; any text may be asked about."""
    return name in _resources()


@cache
def is_abstract(name: str) -> bool:
    """Whether instances always have a type that is narrower than this one."""
    return _known(name) and definitions.type_definition(name).abstract


@cache
def supertypes(name: str) -> frozenset[str]:
    """The type itself and all that it specialises."""
    if name.startswith("System."):
        return frozenset((name, "System.Any"))
    root, _, rest = name.partition(".")
    if rest:
        definition = _element(name)
        declared = definition.types[0].code if definition and definition.types else "BackboneElement"
        return frozenset((name, declared, *definitions.ancestors(declared)))
    return frozenset((root, *definitions.ancestors(root))) if _known(root) else frozenset((root,))


@cache
def public_name(name: str) -> tuple[str, str]:
    """Namespace and name, as ``type()`` gives them."""
    if name.startswith("System."):
        return "System", name[7:]
    if "." in name:
        definition = _element(name)
        return "FHIR", definition.types[0].code if definition and definition.types else "BackboneElement"
    return "FHIR", name


@lru_cache(maxsize=4096)  # asked about the words of expressions, of which there is no end
def resolve_type(specifier: str) -> tuple[str, ...] | None:
    """The types that a type specifier means, None if there is no such type.

    Without a namespace FHIR comes first; ``Quantity`` means that of either side, which convert into each other.
    """
    namespace, _, name = specifier.rpartition(".")
    if namespace == "System":
        return (specifier,) if specifier in SYSTEM_TYPES else ()
    if namespace not in ("", "FHIR"):
        return None
    found = (name,) if _known(name) else ()
    system = f"System.{name}"
    if not namespace and system in SYSTEM_TYPES and (not found or name == "Quantity"):
        found = (*found, system)
    return found or None


@lru_cache(maxsize=65536)
def matches(actual: str, wanted: tuple[str, ...], *, exact_primitives: bool) -> bool:
    """Whether a type is one of those wanted or specialises one.

    ``is`` counts every specialisation. ``as`` and ``ofType`` do not count those of primitive types: a code is a string,
    but not what ``ofType(string)`` asks for.
    """
    if actual in wanted:
        return True
    if exact_primitives and is_primitive(actual):
        return bool(supertypes(actual) & {name for name in wanted if not is_primitive(name)})
    return not supertypes(actual).isdisjoint(wanted)


@cache
def types_at(path: str) -> frozenset[str]:
    """The types of what is found at an element's path (``Patient.contact``, ``Observation.value[x]``), or of a type."""
    definition = _element(path) or _element(path + "[x]") if "." in path else None
    if definition is None:
        return frozenset((path,))
    owner = definitions.type_definition(path.partition(".")[0])
    return frozenset(entry.type for entry in _step(owner, definition).entries)


@cache
def steps(name: str) -> Mapping[str, Step]:
    """Element -> step, for the elements of a type or backbone element."""
    if name == TYPE_INFO:
        parts = ("namespace", "name")
        return MappingProxyType({part: Step(part, (Entry(part, "System.String", False),), False) for part in parts})
    root, _, rest = name.partition(".")
    if name.startswith("System.") or not _known(root):
        return MappingProxyType({})
    definition = definitions.type_definition(root)
    if (
        not rest and name not in definition.children and definition.base
    ):  # a profile that counts as a type, such as SimpleQuantity
        return steps(definition.base)
    found = {element.name: _step(definition, element) for element in definition.children.get(name, ())}
    if not rest and definition.kind == "primitive-type":
        found["value"] = Step("value", (Entry("value", system_type(name) or "System.String", False),), False)
    return MappingProxyType(found)


@lru_cache(maxsize=65536)
def step(name: str, element: str, *, json_names: bool = True) -> Step | None:
    """The step to an element of a type, None if there is none.

    ``json_names`` also knows the names that a choice has in JSON (``valueQuantity``), which are no FHIRPath.
    """
    found = steps(name).get(element)
    if found is None and json_names:
        for candidate in steps(name).values():
            for entry in candidate.entries:
                if entry.member == element and len(candidate.entries) > 1:
                    return Step(candidate.name, (entry,), candidate.repeats)
    return found


@cache
def members(name: str) -> Mapping[str, tuple[str, Entry]]:
    """Member in JSON -> element and entry, for all members of a type that are not shadows."""
    return MappingProxyType(
        {entry.member: (found.name, entry) for found in steps(name).values() for entry in found.entries}
    )


@cache
def _resources() -> frozenset[str]:
    return frozenset(name for name in definitions.type_names() if definitions.type_definition(name).kind == "resource")


@cache
def _names() -> frozenset[str]:
    return frozenset(definitions.type_names())


def is_type(name: str) -> bool:
    """Whether FHIR has a type of this name."""
    return name in _names()


def _known(name: str) -> bool:
    return name in _names()


def _element(path: str) -> ElementDefinition | None:
    return definitions.type_definition(path.partition(".")[0]).by_path.get(path)


def _step(definition: TypeDefinition, element: ElementDefinition) -> Step:
    entries = []
    for member, reference in element.json_names.items():
        if element.content is not None:
            kind = element.content
        elif reference is None or element.path in definition.children:
            kind = element.path
        else:
            kind = reference.code
        entries.append(Entry(member, kind, is_primitive(kind)))
    return Step(element.name, tuple(entries), element.repeats)
