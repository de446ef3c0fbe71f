"""Compiles the tree of a profile into a checker: https://hl7.org/fhir/R5/profiling.html.

Only what is tighter than the base type is checked, for the base has been. What depends on the type of a value (the
children of ``value[x]``) is compiled when the first value of that type is met.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from service.errors import Issue, Severity
from service.fhir.definitions import ElementDefinition
from service.fhir.fhirpath import Hooks
from service.profiles import item as items
from service.profiles.definition import place as places
from service.profiles.definition.element import Element
from service.profiles.definition.place import Place
from service.profiles.definition.problems import problem
from service.profiles.definition.tree import Tree, Trees
from service.profiles.definition.view import View
from service.profiles.item import Item, Reader
from service.profiles.profile_run import ProfileRun
from service.profiles.rules import coded, discriminator, element_rules
from service.profiles.rules.discriminator import BadPath, Matcher, Step, Token
from service.profiles.rules.item_rule import ItemRule, ItemsRule
from service.profiles.rules.occurrence import Occurrence, Occurrences, occurrence
from service.profiles.rules.slicing import DEFAULT, Slice, slicing
from service.profiles.run import Object

_Child: TypeAlias = tuple[str | None, str, Reader, ItemsRule, bool]
"""A child that is checked: its properties, how it is read, its check, and whether this is only for its absence.

Without properties (None) it is checked always, else only where they are there, or only where they are not.
"""

_NOTHING: Object = {}
"""The children of a primitive value that has none."""

_DEFAULT_DISCRIMINATORS = {
    "extension": [{"type": "value", "path": "url"}],
    "modifierExtension": [{"type": "value", "path": "url"}],
}


class Profile:
    """A compiled profile.

    ``faults`` are the parts that cannot be evaluated, as far as they have been compiled: all of them at once if it is
    ``eager``. ``permitted_at`` are the places at which an extension has been found to be allowed.
    """

    def __init__(self, tree: Tree, trees: Trees, hooks: Hooks, *, eager: bool = False) -> None:
        self.url = tree.url
        self.type = tree.type
        self.tree = tree
        self.faults: list[Issue] = []
        self.permitted_at: set[tuple[str, ...]] = set()
        self._trees = trees
        self._hooks = hooks
        self._eager = eager
        root = tree.root
        self._rules = element_rules.of_root(root, hooks)
        inside = self._inside(View((root,)), [places.root(tree.type)])
        if inside:
            self._rules.append(inside)

    def check(self, item: Item, run: ProfileRun) -> None:
        """Check an item, which has been checked against the base definitions."""
        if not places.is_a(item.type, self.type):
            run.report("invalid", "profile-type", item.where, f"{self.url} is for {self.type}, not for {item.type}")
            return
        for rule in self._rules:
            rule(item, run)
        for fault in self.faults:
            run.not_evaluated(f"{self.url} {fault.expression[0]}", item.where, fault.diagnostics)

    def _inside(self, view: View, known: Sequence[Place | None]) -> ItemRule | None:
        """The check of the children of an item."""
        if not view.own[0].children:
            return None
        compiled: dict[Place, list[_Child]] = {}
        if self._eager:
            compiled.update({place: self._children(view, place) for place in known if place})

        def check(item: Item, run: ProfileRun) -> None:
            place = item.place
            if place is None:
                return
            rules = compiled.get(place)
            if rules is None:
                rules = compiled[place] = self._children(view, place)
            value, where = item.value, item.where
            holder = value if type(value) is dict else item.beside or _NOTHING
            for name, shadow, read, rule, absent in rules:
                if name is None or (name in holder or shadow in holder) != absent:
                    rule(read(holder, where), where, run)

        return check

    def _children(self, view: View, place: Place) -> list[_Child]:
        found: list[_Child] = []
        for name in view.own[0].children:
            child, base, read = (
                view.child(name, self._trees),
                places.elements(place).get(name),
                items.reader(place, name),
            )
            if child is None or base is None or read is None:
                continue
            made = self._element(child, base, place)
            if made is not None:
                always = base.choice or (made.demands and not made.only_presence)
                found.append((None if always else name, "_" + name, read, made.check, made.only_presence))
        return found

    def _element(self, view: View, base: ElementDefinition, place: Place) -> Occurrences | None:
        """The check of all items of an element or slice in one object; None if there is nothing to check."""
        element = view.own[0]
        rules = element_rules.of_element(element, base, self._trees, self._hooks)
        codes = element.codes or places.codes(base)
        inside = self._inside(view, [places.below(place, base, code) for code in codes])
        if inside:
            rules.append(inside)
        groups = [coded.any_bound(b) for b in coded.bindings(element.given.get("binding", {})) if b.any]
        sliced = self._slicing(view, base, place)
        if sliced:
            groups.append(sliced)
        if "Resource" in places.codes(base) and rules:
            rules = [element_rules.within_resource(rules)]
        return occurrence(Occurrence.of(element, base), rules, groups)

    def _slicing(self, view: View, base: ElementDefinition, place: Place) -> ItemsRule | None:
        element = view.own[0]
        definition = element.given.get("slicing") or (view.given("slicing") if element.slices else None)
        if definition is None and not element.slices:
            return None
        definition = definition or {}
        given = definition.get("discriminator") or _DEFAULT_DISCRIMINATORS.get(base.name)
        if not given and base.choice:
            given = [{"type": "type", "path": "$this"}]
        steps = self._known_paths(given or [], base, place, element)
        made: list[Slice] = []
        undecided = False
        for position, (name, slice_view) in enumerate(view.slices(self._trees).items()):
            own = self._element(slice_view, base, place) if name in element.slices else None
            at = position if any(entry.get("type") == "position" for entry in given or ()) else None
            matches = None if name == DEFAULT else self._matcher(steps, slice_view)
            if matches is None and at is None and name != DEFAULT:
                text = f"no discriminator tells what is in the slice {slice_view.own[0].id}"
                self._fault(text, element, "warning" if given else "error")
                undecided = True
                continue
            made.append(Slice(name, matches, own, at, self._token(steps, slice_view, base, place)))
        rules, ordered = str(definition.get("rules", "open")), definition.get("ordered") is True
        if not made and (undecided or rules != "closed"):
            return None
        return slicing(made, rules, ordered=ordered, undecided=undecided)

    def _known_paths(
        self, given: Sequence[dict[str, str]], base: ElementDefinition, place: Place, element: Element
    ) -> list[tuple[str, list[Step]]]:
        """The kinds of the discriminators and their paths, without those that lead nowhere or slice by position."""
        found = []
        inner = [places.below(place, base, code) for code in element.codes or places.codes(base)]
        for entry in given:
            kind, path = str(entry.get("type")), str(entry.get("path"))
            try:
                if kind != "position":
                    found.append((kind, discriminator.parse(path, inner)))
            except BadPath as bad:
                self._fault(str(bad), element)
        return found

    def _matcher(self, given: Sequence[tuple[str, list[Step]]], view: View) -> Matcher | None:
        """All discriminators together; None if the slice says nothing about any of them."""
        found = []
        for kind, steps in given:
            try:
                test = discriminator.matcher(kind, steps, view, self._trees)
            except BadPath as bad:
                self._fault(str(bad), view.own[0])
                continue
            if test is not None:
                found.append(test)
        if not found:
            return None
        return found[0] if len(found) == 1 else lambda item, run: all(test(item, run) for test in found)

    def _token(
        self, given: Sequence[tuple[str, list[Step]]], view: View, base: ElementDefinition, place: Place
    ) -> Token | None:
        """What a slice can be looked up by, if it is told by that alone."""
        inner = [places.below(place, base, code) for code in places.codes(base)]
        if len(given) != 1 or len(inner) != 1 or inner[0] is None:
            return None
        kind, steps = given[0]
        return discriminator.token(kind, steps, view, self._trees)

    def _fault(self, text: str, element: Element, severity: Severity = "error") -> None:
        form = "differential" if "differential" in self.tree.definition else "snapshot"
        known = (e.index for e in (element, *element.slices.values()) if e.index is not None)
        index = next((f"[{at}]" for at in known), "")
        there = f"StructureDefinition.{form}.element{index}"
        if not any(fault.diagnostics == text for fault in self.faults):
            self.faults.append(problem(text, there + ".slicing", severity=severity, rule="slicing"))
