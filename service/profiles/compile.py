"""Compiles the definition of a type (https://hl7.org/fhir/R5/structuredefinition.html) into a checker.

What the tables say is decided here, once for each type; the checkers look nothing up but the properties they meet.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Final

from service.fhir import definitions
from service.fhir.definitions import ElementDefinition, TypeReference
from service.profiles.node import Compiled, Node
from service.profiles.rules import (
    base_invariants,
    binding,
    bundle,
    cardinality,
    choice,
    contained,
    data_type,
    extension,
    narrative,
    primitive,
    reference,
    siblings,
    unknown,
)
from service.profiles.rules import type as json_type_rule
from service.profiles.rules.primitive import Accepts, Primitive
from service.profiles.rules.reference import Extra
from service.profiles.rules.type import ObjectCheck
from service.profiles.run import SINGLE, Check, Object, ObjectRule, Run, Where, json_type, quoted


@cache
def node(type_name: str, path: str | None = None) -> Node:
    """Return the checker of a type, or of the backbone element of it that has this path."""
    return Node(partial(_compile, type_name, path))


@cache
def resource_nodes() -> dict[str, Node]:
    """Return the checkers of all resource types of which there can be instances."""
    return {name: node(name) for name in definitions.resource_types()}


def check_resource(resource: Object, where: Where, run: Run) -> None:
    """Check a resource of any type that stands at ``where``."""
    name = resource.get("resourceType")
    found = resource_nodes().get(name) if isinstance(name, str) else None
    if found is not None:
        found.check(resource, where, run)
    elif name is None:
        run.report("structure", "resource-type", where, "a resource must have a resourceType")
    elif isinstance(name, str):
        run.report("structure", "resource-type", where, f"R5 has no resource type {quoted(name)}")
    else:
        run.report("structure", "resource-type", where, f"resourceType must be a string, not {json_type(name)}")


def _check_contained_resource(resource: Object, where: Where, run: Run) -> None:
    """Check a resource that stands in the ``contained`` of another."""
    around = run.resource
    run.resource = resource
    check_resource(resource, where, run)
    run.resource = around


def _check_outer_resource(resource: Object, where: Where, run: Run) -> None:
    """Check a resource that stands inside another but has its own ``contained``, as in a Bundle."""
    around, container = run.resource, run.container
    run.enter(resource)
    check_resource(resource, where, run)
    run.enter(container)
    run.resource = around


def _compile(type_name: str, path: str | None) -> Compiled:
    definition = definitions.type_definition(type_name)
    elements = definition.children[path or definition.root]
    properties: dict[str, Check] = {}
    texts: dict[str, Accepts] = {}
    for element in elements:
        properties.update(_properties(type_name, element))
        texts.update(_texts(element))
    if definition.kind == "resource" and path is None:
        properties["resourceType"] = _known_type
    choices = {element.name: [ref.code for ref in element.types] for element in elements if element.choice}
    rules = _rules(elements)
    if type_name == "Extension":
        value = definition.by_path["Extension.value[x]"]
        rules += [extension.value_or_extensions(_json_names(value)), extension.collected]
    rules.extend(_invariants(type_name, path, elements))
    unknown_property = unknown.unknown(path or type_name, properties, choices)
    return Compiled(properties, texts, tuple(rules), unknown_property, type_name == "Element")


_RULES: Final[dict[str, ObjectRule]] = {
    "Attachment": data_type.attachment,
    "Bundle": bundle.bundle,
    "Identifier": data_type.identifier,
    "Narrative": narrative.xhtml,
}
"""Type -> the rules that only the text of the specification makes."""


def _invariants(type_name: str, path: str | None, elements: tuple[ElementDefinition, ...]) -> list[ObjectRule]:
    """The rules about what an object says."""
    rules = [*base_invariants.of_type(type_name, path), *base_invariants.of_primitives(elements)]
    if path is None and any(element.name == "contained" for element in elements):
        rules.append(contained.contained)
    if path is None and type_name in _RULES:
        rules.append(_RULES[type_name])
    return rules


def _known_type(value: object, where: Where, owner: Object, run: Run) -> None:
    """Accept the property ``resourceType``, by which this checker was chosen."""


def _rules(elements: tuple[ElementDefinition, ...]) -> list[ObjectRule]:
    """The rules about which properties an object has."""
    rules = []
    needed = [(element.name, _json_names(element)) for element in elements if element.min]
    choices = [(element.name, _json_names(element)) for element in elements if element.choice]
    if needed:
        rules.append(cardinality.required(needed))
    if choices:
        rules.append(choice.at_most_one(choices))
    return rules


def _json_names(element: ElementDefinition) -> frozenset[str]:
    """All JSON properties that can hold something of the element."""
    return frozenset(prefix + name for name in element.json_names for prefix in ("", "_"))


def _properties(type_name: str, element: ElementDefinition) -> dict[str, Check]:
    """The JSON properties of an element, and how each is checked."""
    if element.max == "0":
        return {name: cardinality.forbidden(element.name) for name in _json_names(element)}
    found: dict[str, Check] = {}
    for name, ref in element.json_names.items():
        shown = f"{element.name}.ofType({ref.code})" if element.choice and ref else name
        if ref is not None and ref.code in primitive.PRIMITIVES:
            check_value = _primitive(element, ref).check
            make = json_type_rule.repeated_primitive if element.repeats else json_type_rule.single_primitive
            found[name] = make(shown, check_value)
            if ref.code == "canonical":
                found[name] = reference.of_canonical(shown, found[name])
            elif _is_element_id(element, ref) and type_name != "ElementDefinition":  # twice: snapshot, differential
                found[name] = json_type_rule.element_id(check_value)
            shadow = node("Element")
            found["_" + name] = (
                siblings.repeated(shown, shadow) if element.repeats else siblings.single(shown, shadow, name)
            )
        else:
            check_object = _object_check(type_name, element, ref)
            found[name] = (json_type_rule.repeated_object if element.repeats else json_type_rule.single_object)(
                shown, check_object
            )
    return found


def _texts(element: ElementDefinition) -> dict[str, Accepts]:
    """The quick tests of an element's JSON properties, where these hold a single string."""
    found: dict[str, Accepts] = {}
    for name, ref in element.json_names.items():
        if ref is not None and ref.code in primitive.PRIMITIVES and not element.repeats and element.max != "0":
            accepts = _primitive(element, ref).accepts
            if accepts is not None and not _is_element_id(element, ref):
                found[name] = accepts
    return found


_ABSOLUTE: Final = frozenset(("Coding.system", "Identifier.system", "ValueSet.compose.include.system"))
"""Elements of type ``uri`` that hold no relative one."""


def _is_element_id(element: ElementDefinition, ref: TypeReference) -> bool:
    """Whether this is the id of an element, which resources do not have: theirs is of type ``id``."""
    return element.attribute and element.name == "id" and ref.code == "string"


@cache
def _primitive(element: ElementDefinition, ref: TypeReference) -> Primitive:
    if _is_element_id(element, ref):
        return primitive.ELEMENT_ID
    if element.path in _ABSOLUTE:
        return primitive.ABSOLUTE_URI
    plain = primitive.PRIMITIVES[ref.code]
    if element.strength == "required" and element.value_set and ref.code == "code":
        allows = binding.allows_code(definitions.required_codes(element.value_set))
        return json_type_rule.bound_code(plain, allows, element.value_set)
    return plain


def _object_check(type_name: str, element: ElementDefinition, ref: TypeReference | None) -> ObjectCheck:
    if ref is None:
        return node(type_name, element.content).check
    if ref.code == "Resource":
        return _resource_check(element, ref)
    if element.path in definitions.type_definition(type_name).children:
        return node(type_name, element.path).check
    profiled = ref.profile if ref.profile in definitions.type_names() else None
    check_type = node(profiled or ref.code).check
    extras = _extras(element, ref)
    return _all_of(check_type, *extras) if extras else check_type


def _resource_check(element: ElementDefinition, ref: TypeReference) -> ObjectCheck:
    check_any = _check_contained_resource if element.name == "contained" else _check_outer_resource
    only = ref.profile
    if only is None:
        return check_any

    def check(value: Object, where: Where, run: Run) -> None:
        if value.get("resourceType") != only:
            run.report("structure", "resource-type", where, f"must be a resource of type {only}")
        else:
            check_any(value, where, run)

    return check


def _extras(element: ElementDefinition, ref: TypeReference) -> list[Extra]:
    """What the element demands beyond its type: targets of references, required codes."""
    extras: list[Extra] = []
    if ref.code == "Reference":
        extras.append(reference.of_reference(ref.targets))
    if ref.code == "CodeableReference":
        extras.append(reference.of_codeable_reference(ref.targets))
    if element.strength == "required" and element.value_set and ref.code in binding.BY_TYPE:
        codes = definitions.required_codes(element.value_set)
        extras.append(binding.BY_TYPE[ref.code](codes, element.value_set))
    extras.extend(base_invariants.of_element(element, ref.code))
    if element.strength == "extensible" and element.value_set and ref.code in binding.BY_TYPE:
        extras.append(binding.collected(ref.code, element.value_set))
    return extras


def _all_of(first: ObjectCheck, *others: ObjectCheck) -> ObjectCheck:
    if len(others) == 1:
        second = others[0]

        def check_both(value: Object, where: Where, run: Run) -> None:
            first(value, where, run)
            second(value, where, run)

        return check_both

    def check(value: Object, where: Where, run: Run) -> None:
        first(value, where, run)
        for other in others:
            other(value, where, run)

    return check


def root_of(resource: Object) -> Where:
    """Return the location of a resource that stands on its own: the name of its type."""
    name = resource.get("resourceType")
    return (None, name if isinstance(name, str) and name in resource_nodes() else "Resource", SINGLE)
