"""Combining (https://hl7.org/fhirpath/#combining), and the choice between collections."""

from __future__ import annotations

from typing import Final

from service.fhir.fhirpath.context import Context, boolean, limited, single
from service.fhir.fhirpath.equality import distinct
from service.fhir.fhirpath.node import EMPTY, Collection
from service.fhir.fhirpath.registry import Compiled, Function, Site, on
from service.fhir.fhirpath.static import merge


def _together(*, unique: bool) -> Function:
    def build(site: Site) -> Compiled:
        other = site.argument(0)

        def run(context: Context, focus: Collection) -> Collection:
            found = limited(focus + other.run(context, context.this))
            return distinct(found) if unique else found

        return site.result(run, merge((site.input, other.static)))

    return Function(1, 1, build)


def _combine(site: Site) -> Compiled:
    if site.count > 1 and site.call.arguments[1:] and site.text(1) is not None:
        raise site.error("preserveOrder is a Boolean")
    return _together(unique=False).build(site)


def _iif(site: Site) -> Compiled:
    condition = site.on_input(0)
    if condition.static.never("System.Boolean") and (condition.static.many or site.compiler.strict):
        raise site.error("the condition is never a Boolean")
    branches = [site.on_input(index) for index in range(1, site.count)]
    then, otherwise = branches[0].run, branches[1].run if len(branches) > 1 else None

    def run(context: Context, focus: Collection) -> Collection:
        single(focus, "iif()")
        if boolean(on(condition.run, context, focus), "iif()"):
            return on(then, context, focus)
        return on(otherwise, context, focus) if otherwise else EMPTY

    return site.result(run, merge((branch.static for branch in branches), many=any(b.static.many for b in branches)))


def _coalesce(site: Site) -> Compiled:
    arguments = [site.argument(index) for index in range(site.count)]

    def run(context: Context, _focus: Collection) -> Collection:
        for argument in arguments:
            found = argument.run(context, context.this)
            if found:
                return found
        return EMPTY

    return site.result(run, merge(argument.static for argument in arguments))


FUNCTIONS: Final = {
    "union": _together(unique=True),
    "combine": Function(1, 2, _combine),
    "iif": Function(2, 3, _iif),
    "coalesce": Function(1, 20, _coalesce),
}
