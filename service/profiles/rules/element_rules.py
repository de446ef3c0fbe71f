"""The rules that an ElementDefinition makes for each item of its element.

https://hl7.org/fhir/R5/elementdefinition.html#interpretation
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from service.fhir import definitions
from service.fhir.definitions import ElementDefinition
from service.fhir.fhirpath import Hooks, Node
from service.profiles.definition import place as places
from service.profiles.definition.element import Element
from service.profiles.definition.problems import STRUCTURE
from service.profiles.definition.tree import Trees, base_type
from service.profiles.item import Item
from service.profiles.profile_run import ProfileRun
from service.profiles.rules import coded, limits, target, value
from service.profiles.rules.invariant import Constraint, Judge, compile_constraints, compile_judge
from service.profiles.rules.item_rule import ItemRule
from service.profiles.run import ObjectRule

_SYSTEM = "http://hl7.org/fhirpath/System."
_REFERENCES = ("Reference", "CodeableReference")
_CODED = frozenset(("CodeableConcept", "CodeableReference", "Coding"))


def of_root(root: Element, hooks: Hooks) -> list[ItemRule]:
    """The rules of the root of a profile, which is about the resource, or the data type's value, as a whole."""
    return [*_values(root), *_constraints(root, hooks)]


def of_element(element: Element, base: ElementDefinition, trees: Trees, hooks: Hooks) -> list[ItemRule]:
    """The rules of an element or slice, as far as they are tighter than the element of the base type."""
    rules: list[ItemRule] = []
    if element.types and not any(code.startswith(_SYSTEM) for code in element.codes):
        rules += _types(element, base)
        rules += _references(element, base, trees)
    rules += _values(element)
    rules += _bindings(element, base)
    rules += _constraints(element, hooks)
    return rules


def within_resource(rules: Sequence[ItemRule]) -> ItemRule:
    """Apply rules to a resource that stands inside another."""

    def check(item: Item, run: ProfileRun) -> None:
        around = run.step_into(item)
        for rule in rules:
            rule(item, run)
        run.step_out(around)

    return check


def _types(element: Element, base: ElementDefinition) -> list[ItemRule]:
    rules: list[ItemRule] = []
    codes, permitted = frozenset(element.codes), frozenset(places.codes(base))
    if not permitted <= codes:
        shown = " or ".join(sorted(codes))

        def check_type(item: Item, run: ProfileRun) -> None:
            if item.type not in codes and not any(places.is_a(item.type, code) for code in codes):
                run.report("structure", "type", item.where, f"must be {shown}, not {item.type}")

        rules.append(check_type)
    profiled = [entry for entry in element.types if _profiles(entry)]
    if profiled:
        entries = element.types

        def check_profile(item: Item, run: ProfileRun) -> None:
            mine = [entry for entry in entries if places.is_a(item.type, str(entry.get("code")))]
            wanted = [_profiles(entry) for entry in mine]
            if wanted and all(wanted):
                run.apply_any([url for urls in wanted for url in urls], item, item.type)

        rules.append(check_profile)
    return rules


def _profiles(entry: dict[str, Any]) -> list[str]:
    """The profiles of a type to one of which its values have to conform, which the base check knows nothing of."""
    canonicals = [url for url in entry.get("profile", ()) if isinstance(url, str)]
    plain = STRUCTURE + str(entry.get("code"))
    return [] if any(url.partition("|")[0] == plain for url in canonicals) else canonicals


def _references(element: Element, base: ElementDefinition, trees: Trees) -> list[ItemRule]:
    rules: list[ItemRule] = []
    for code in _REFERENCES:
        entries = [entry for entry in element.types if entry.get("code") == code]
        found: list[ItemRule | None] = []
        targets = target.targets_of(entries, trees.type_of) if entries else None
        ref = next((ref for ref in base.types if ref.code == code), None)
        if targets and (targets.profiles or ref is None or targets.types != frozenset(ref.targets)):
            found.append(target.target(targets))
        if entries and all(entry.get("aggregation") for entry in entries):
            found.append(target.aggregation([str(mode) for entry in entries for mode in entry["aggregation"]]))
        if len({entry.get("versioning") for entry in entries}) == 1:
            found.append(target.versioning(str(entries[0].get("versioning"))))
        rules += [_if_type(code, rule) if base.choice else rule for rule in found if rule]
    return rules


def _if_type(code: str, rule: ItemRule) -> ItemRule:
    def check(item: Item, run: ProfileRun) -> None:
        if item.type == code:
            rule(item, run)

    return check


def _values(element: Element) -> list[ItemRule]:
    rules: list[ItemRule] = []
    for prefix, make in (("fixed", value.fixed), ("pattern", value.pattern)):
        found = element.fixed(prefix)
        if found is not None:
            rules.append(make(found[1]))
            if found[0] in _CODED:
                rules.append(coded.chosen)
    for prefix, upper in (("minValue", False), ("maxValue", True)):
        found = element.fixed(prefix)
        if found is not None:
            rules.append(limits.limit(*found, upper=upper))
    most = element.given.get("maxLength")
    if type(most) is int:
        rules.append(limits.max_length(most))
    return rules


def _bindings(element: Element, base: ElementDefinition) -> list[ItemRule]:
    definition = element.given.get("binding")
    if not isinstance(definition, dict):
        return []
    rules = []
    for binding in coded.bindings(definition):
        same = binding.value_set.partition("|")[0] == base.value_set and binding.strength == base.strength
        if not same and not binding.any:
            rules.append(coded.bound(binding))
    return rules


def _constraints(element: Element, hooks: Hooks) -> list[ItemRule]:
    wanted = [c for c in map(_read, element.constraints) if c and not _of_base(c)]
    return [_constrained(wanted, hooks)] if wanted else []


def _read(constraint: dict[str, Any]) -> Constraint | None:
    severity: Literal["error", "warning"] = "warning" if constraint.get("severity") == "warning" else "error"
    texts = (str(constraint.get(name, "")) for name in ("key", "human", "expression", "source"))
    key, human, expression, source = texts
    return Constraint(key, severity, human, expression, source) if expression else None


def _of_base(constraint: Constraint) -> bool:
    """Whether a snapshot repeats a constraint that the base type has."""
    if base_type(constraint.source):
        return True
    known = (one for one in definitions.invariants() if one.key == constraint.key)
    return any(one.expression == constraint.expression for one in known)


def _constrained(constraints: Sequence[Constraint], hooks: Hooks) -> ItemRule:
    compiled: dict[str, tuple[ObjectRule, list[Judge]]] = {}

    def check(item: Item, run: ProfileRun) -> None:
        kind = item.place.path if item.place else item.type
        found = compiled.get(kind)
        if found is None:
            found = compiled[kind] = (
                compile_constraints(constraints, kind, hooks),
                [compile_judge(constraint, kind, hooks) for constraint in constraints],
            )
        if isinstance(item.value, dict):
            found[0](item.value, item.where, run)
        else:
            node = Node(item.value, kind, item.beside)
            for judge in found[1]:
                judge(node, item.where, run)

    return check
