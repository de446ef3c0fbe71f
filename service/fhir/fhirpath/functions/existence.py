"""Existence (https://hl7.org/fhirpath/#existence)."""

from __future__ import annotations

from typing import Final

from service.fhir.fhirpath.context import Context, boolean
from service.fhir.fhirpath.equality import distinct, key
from service.fhir.fhirpath.errors import EvaluationError
from service.fhir.fhirpath.node import EMPTY, FALSE, TRUE, Collection, computed, truth
from service.fhir.fhirpath.registry import Compiled, Function, Site, for_each, of_collection
from service.fhir.fhirpath.static import BOOLEAN, INTEGER


def criterion(site: Site) -> Compiled:
    """Compile the first argument as a condition on every item."""
    return site.per_item(0)


def _exists(site: Site) -> Compiled:
    if not site.count:
        return site.result(lambda _context, focus: TRUE if focus else FALSE, BOOLEAN)
    condition = criterion(site).run

    def run(context: Context, focus: Collection) -> Collection:
        return truth(any(boolean(found, "exists()") for found in for_each(condition, context, focus)))

    return site.result(run, BOOLEAN)


def _all(site: Site) -> Compiled:
    condition = criterion(site).run

    def run(context: Context, focus: Collection) -> Collection:
        return truth(all(boolean(found, "all()") is True for found in for_each(condition, context, focus)))

    return site.result(run, BOOLEAN)


def _quantified(name: str, wanted: bool, *, every: bool) -> Function:
    def decide(focus: Collection) -> Collection:
        values = []
        for node in focus:
            if node.type not in ("System.Boolean", "boolean"):
                raise EvaluationError(f"{name}() takes booleans, not a {node.type}.")
            values.append(node.value is wanted)
        return truth(all(values) if every else any(values))

    return of_collection(decide, lambda _input: BOOLEAN)


def _not(site: Site) -> Compiled:
    def run(_context: Context, focus: Collection) -> Collection:
        value = boolean(focus, "not()")
        return EMPTY if value is None else FALSE if value else TRUE

    return site.result(run, BOOLEAN)


def _subset(*, of_input: bool) -> Function:
    def build(site: Site) -> Compiled:
        other = site.argument(0).run

        def run(context: Context, focus: Collection) -> Collection:
            small, large = focus, other(context, context.this)
            if of_input:
                small, large = large, small
            known = {key(node) for node in large}
            return truth(all(key(node) in known for node in small))

        return site.result(run, BOOLEAN)

    return Function(1, 1, build)


FUNCTIONS: Final = {
    "empty": of_collection(lambda focus: FALSE if focus else TRUE, lambda _input: BOOLEAN),
    "exists": Function(0, 1, _exists),
    "all": Function(1, 1, _all),
    "not": Function(0, 0, _not),
    "allTrue": _quantified("allTrue", True, every=True),
    "anyTrue": _quantified("anyTrue", True, every=False),
    "allFalse": _quantified("allFalse", False, every=True),
    "anyFalse": _quantified("anyFalse", False, every=False),
    "subsetOf": _subset(of_input=False),
    "supersetOf": _subset(of_input=True),
    "count": of_collection(lambda focus: [computed(len(focus))], lambda _input: INTEGER),
    "distinct": of_collection(distinct, lambda found: found),
    "isDistinct": of_collection(lambda focus: truth(len(distinct(focus)) == len(focus)), lambda _input: BOOLEAN),
}
