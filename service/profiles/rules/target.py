"""What a profile demands of references: https://hl7.org/fhir/R5/elementdefinition.html#reference.

The type of the target, as far as the reference tells it; how the target is held (``aggregation``) and named
(``versioning``); and that it conforms to a profile, if it is in the same Bundle or contained.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from service.fhir import definitions
from service.profiles.definition.place import is_a
from service.profiles.item import Item
from service.profiles.profile_run import ProfileRun
from service.profiles.rules import reference
from service.profiles.rules.item_rule import ItemRule
from service.profiles.run import SINGLE, Object, Where, quoted


@dataclass(frozen=True, slots=True)
class Targets:
    """The targets that one element permits: types as such, and profiles by the type that they are about.

    Profiles whose type is not known stand under None, and may be about anything.
    """

    types: frozenset[str]
    profiles: dict[str | None, tuple[str, ...]]

    def permits(self, type_name: str) -> bool:
        """Whether a resource of this type may be pointed to."""
        if None in self.profiles or any(is_a(type_name, permitted) for permitted in self.types):
            return True
        return any(name is not None and is_a(type_name, name) for name in self.profiles)

    def demanded(self, type_name: str) -> tuple[str, ...]:
        """The profiles to one of which a resource of this type has to conform, empty if there is none."""
        if any(is_a(type_name, permitted) for permitted in self.types):
            return ()
        found: tuple[str, ...] = ()
        for name, canonicals in self.profiles.items():
            if name is None or is_a(type_name, name):
                found += canonicals
        return found


def held(item: Item) -> tuple[Object, Where] | None:
    """The Reference in an item that is one or has one, and its location."""
    if item.type == "CodeableReference":
        inner = item.value.get("reference")
        return (inner, (item.where, "reference", SINGLE)) if isinstance(inner, dict) else None
    return (item.value, item.where) if isinstance(item.value, dict) else None


def target(targets: Targets) -> ItemRule:
    """Demand one of these targets."""
    permits, demands = cache(targets.permits), cache(targets.demanded)
    plainly = frozenset(name for name in definitions.resource_types() if permits(name))
    shown = " or ".join(sorted(targets.types | {url for urls in targets.profiles.values() for url in urls}))

    def check(item: Item, run: ProfileRun) -> None:
        found = held(item)
        if found is None:
            return
        value, where = found
        text = value.get("reference")
        if isinstance(text, str):
            if run.alone and text.partition("/")[0] in plainly:
                return
            known = run.resolve(text)
        else:
            known = None
        pointed = known.type if known else reference.target_type(text, run)
        type_name = pointed or reference.named_type(value.get("type"))
        if type_name is None:
            return
        if not permits(type_name):
            there: Where = (where, "reference" if pointed else "type", SINGLE)
            run.report("structure", "target", there, f"must point to {shown}, not to {type_name}")
        elif known is not None:
            demanded = demands(type_name)
            if demanded:
                _demand(demanded, known, where, run)

    return check


def _demand(canonicals: Sequence[str], known: Item, where: Where, run: ProfileRun) -> None:
    around = run.step_into(known)
    try:
        if not any(run.surroundings.profile(canonical) for canonical in canonicals):
            run.surroundings.unusable(canonicals[0], where, run)
        elif not any(run.conforms(canonical, known) for canonical in canonicals):
            trials = (run.trial(canonical, known) for canonical in canonicals)
            errors = (i for t in trials for i in t.issues if i.severity == "error")
            why = "; ".join(f"{i.expression[0]}: {i.diagnostics}" for _, i in zip(range(3), errors, strict=False))
            text = f"the target does not conform to {' or '.join(canonicals)}: {why}"
            run.report("structure", "target-profile", where, text)
    finally:
        run.step_out(around)


def aggregation(modes: Sequence[str]) -> ItemRule:
    """Demand that the target is contained, in the same Bundle, or elsewhere."""

    def check(item: Item, run: ProfileRun) -> None:
        found = held(item)
        text = found[0].get("reference") if found else None
        if found is None or not isinstance(text, str):
            return
        mode = "contained" if text.startswith("#") else "bundled" if run.resolve(text) else "referenced"
        if mode not in modes:
            run.report("structure", "aggregation", found[1], f"the target must be {' or '.join(modes)}, not {mode}")

    return check


def versioning(rule: str) -> ItemRule | None:
    """Demand that a reference names a version, or that it does not; None for the rule that takes either."""
    if rule not in ("specific", "independent"):
        return None
    wanted = rule == "specific"

    def check(item: Item, run: ProfileRun) -> None:
        found = held(item)
        text = found[0].get("reference") if found else None
        if found is not None and isinstance(text, str) and ("/_history/" in text) != wanted:
            words = "must name a version" if wanted else "must not name a version"
            run.report("structure", "versioning", found[1], f"{quoted(text)} {words}")

    return check


def targets_of(entries: Sequence[dict[str, Any]], type_of: Callable[[str], str | None]) -> Targets | None:
    """The targets of the type entries for references; None if anything may be pointed to."""
    types: set[str] = set()
    profiles: dict[str | None, tuple[str, ...]] = {}
    for entry in entries:
        canonicals = entry.get("targetProfile")
        if not canonicals:
            return None
        for canonical in canonicals:
            name = type_of(canonical)
            if name is not None and canonical.partition("|")[0].endswith("/StructureDefinition/" + name):
                types.add(name)
            else:
                profiles[name] = (*profiles.get(name, ()), canonical)
    return None if "Resource" in types else Targets(frozenset(types), profiles)
