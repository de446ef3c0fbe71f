"""Subsetting (https://hl7.org/fhirpath/#subsetting); ``[ ]`` is an operator and not here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from service.fhir.fhirpath.context import Context, single
from service.fhir.fhirpath.equality import distinct, key
from service.fhir.fhirpath.node import EMPTY, Collection
from service.fhir.fhirpath.registry import Compiled, Function, Site, check, take


def _pick(choose: Callable[[Collection], Collection], *, one: bool) -> Function:
    def build(site: Site) -> Compiled:
        site.compiler.check_order(site.input, f"{site.call.name}()", site.call.position)
        static = site.input.single() if one else site.input
        return site.result(lambda _context, focus: choose(focus), static)

    return Function(0, 0, build)


def _single(focus: Collection) -> Collection:
    return EMPTY if single(focus, "single()") is None else focus


def _slice(choose: Callable[[Collection, int], Collection]) -> Function:
    def build(site: Site) -> Compiled:
        name = f"{site.call.name}()"
        site.compiler.check_order(site.input, name, site.call.position)
        number = site.argument(0)
        check(site, number.static, "integer", "the number")

        def run(context: Context, focus: Collection) -> Collection:
            count = take(number.run(context, context.this), "integer", name)
            return EMPTY if count is None else choose(focus, max(0, count))

        return site.result(run, site.input)

    return Function(1, 1, build)


def _against(*, keep: bool) -> Function:
    def build(site: Site) -> Compiled:
        other = site.argument(0).run

        def run(context: Context, focus: Collection) -> Collection:
            known = {key(node) for node in other(context, context.this)}
            found = [node for node in focus if (key(node) in known) is keep]
            return distinct(found) if keep else found

        return site.result(run, site.input)

    return Function(1, 1, build)


FUNCTIONS: Final = {
    "single": Function(0, 0, lambda site: site.result(lambda _context, focus: _single(focus), site.input.single())),
    "first": _pick(lambda focus: focus[:1], one=True),
    "last": _pick(lambda focus: focus[-1:], one=True),
    "tail": _pick(lambda focus: focus[1:], one=False),
    "skip": _slice(lambda focus, count: focus[count:]),
    "take": _slice(lambda focus, count: focus[:count]),
    "intersect": _against(keep=True),
    "exclude": _against(keep=False),
}
