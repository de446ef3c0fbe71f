"""Filtering and projection (https://hl7.org/fhirpath/#filtering-and-projection), aggregation and sorting."""

from __future__ import annotations

from functools import cmp_to_key
from typing import Final

from service.fhir.fhirpath import model
from service.fhir.fhirpath.context import MAX_REPEATED, Context, boolean, limited
from service.fhir.fhirpath.equality import key, order
from service.fhir.fhirpath.node import EMPTY, Collection, Node
from service.fhir.fhirpath.registry import Compiled, Function, Run, Site, for_each, on, take
from service.fhir.fhirpath.static import UNKNOWN, Static, of
from service.fhir.fhirpath.syntax import Polarity, Syntax


def _where(site: Site) -> Compiled:
    condition = site.per_item(0).run

    def run(context: Context, focus: Collection) -> Collection:
        outcomes = for_each(condition, context, focus)
        return [node for node, found in zip(focus, outcomes, strict=True) if boolean(found, "where()")]

    return site.result(run, site.input)


def _select(site: Site) -> Compiled:
    projection = site.per_item(0)
    inner = projection.run

    def run(context: Context, focus: Collection) -> Collection:
        return limited([node for found in for_each(inner, context, focus) for node in found])

    static = projection.static
    return site.result(run, Static(static.types, static.many or site.input.many, static.ordered and site.input.ordered))


def _repeat(*, unique: bool) -> Function:
    def build(site: Site) -> Compiled:
        # What it finds is its next input: the first round is compiled for the input, the others for anything.
        first = site.per_item(0).run
        again = site.per_item_of(site.call.arguments[0], item=UNKNOWN).run

        def run(context: Context, focus: Collection) -> Collection:
            found: Collection = []
            seen = set()
            step, level = first, focus
            while level:
                below = [node for outcome in for_each(step, context, level) for node in outcome]
                if unique:
                    fresh = []
                    for node in below:
                        known = key(node)
                        if known not in seen:
                            seen.add(known)
                            fresh.append(node)
                    below = fresh
                found.extend(below)
                limited(found, MAX_REPEATED)
                step, level = again, below
            return found

        return site.result(run, UNKNOWN)

    return Function(1, 1, build)


def _of_type(site: Site) -> Compiled:
    wanted = site.types(0)

    def run(_context: Context, focus: Collection) -> Collection:
        return [node for node in focus if model.matches(node.type, wanted, exact_primitives=True)]

    types = site.input.types
    if types is None or any(model.is_abstract(name) for name in types):
        return site.result(run, of(*wanted, many=site.input.many))
    kept = frozenset(name for name in types if model.matches(name, wanted, exact_primitives=True))
    return site.result(run, Static(kept, site.input.many, site.input.ordered))


def _aggregate(site: Site) -> Compiled:
    start = site.argument(1).run if site.count > 1 else None
    step = site.per_item(0, total=UNKNOWN).run

    def run(context: Context, focus: Collection) -> Collection:
        this, index, total = context.this, context.index, context.total
        found = start(context, this) if start else EMPTY
        for position, node in enumerate(focus):
            context.this, context.index, context.total = [node], position, found
            found = step(context, context.this)
        context.this, context.index, context.total = this, index, total
        return found

    return site.result(run, UNKNOWN)


def _sort(site: Site) -> Compiled:
    keys: list[tuple[Run, bool]] = []
    for argument in site.call.arguments:
        downwards = isinstance(argument, Polarity) and argument.operator == "-"
        tree: Syntax = argument.operand if downwards and isinstance(argument, Polarity) else argument
        keys.append((site.per_item_of(tree).run, downwards))
    keys = keys or [(lambda context, _focus: context.this, False)]

    def compare(left: tuple[Node, list[object]], right: tuple[Node, list[object]]) -> int:
        for (_, downwards), one, other in zip(keys, left[1], right[1], strict=True):
            if one is None or other is None:
                if one is not other:
                    return -1 if one is None else 1  # what has no key comes first, in either direction
                continue
            sign = order(one, other)
            if sign:
                return -sign if downwards else sign
        return 0

    def run(context: Context, focus: Collection) -> Collection:
        rows = [(node, [take(on(inner, context, [node]), "any", "sort()") for inner, _ in keys]) for node in focus]
        return [node for node, _ in sorted(rows, key=cmp_to_key(compare))]

    return site.result(run, Static(site.input.types, site.input.many))


FUNCTIONS: Final = {
    "where": Function(1, 1, _where),
    "select": Function(1, 1, _select),
    "repeat": _repeat(unique=True),
    "repeatAll": _repeat(unique=False),
    "ofType": Function(1, 1, _of_type),
    "aggregate": Function(1, 2, _aggregate),
    "sort": Function(0, 20, _sort),
}
