"""Utility functions (https://hl7.org/fhirpath/#utility-functions)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from service.fhir.fhirpath.context import Context
from service.fhir.fhirpath.node import Collection, computed
from service.fhir.fhirpath.quantity import Quantity, comparable
from service.fhir.fhirpath.registry import Compiled, Function, Scope, Site, for_each, on, scalar, take
from service.fhir.fhirpath.static import of
from service.fhir.fhirpath.temporal import Temporal

_RESERVED: Final = frozenset(
    ("context", "resource", "rootResource", "ucum", "sct", "loinc", "terminologies", "factory")
)


def _trace(site: Site) -> Compiled:
    name = site.argument(0).run
    projection = site.per_item(1).run if site.count > 1 else None
    heard = site.hooks.trace

    def run(context: Context, focus: Collection) -> Collection:
        if heard is not None:
            shown = focus
            if projection is not None:
                shown = [node for found in for_each(projection, context, focus) for node in found]
            heard(str(take(name(context, context.this), "string", "trace()") or ""), shown)
        return focus

    return site.result(run, site.input)


def _define_variable(site: Site) -> Compiled:
    name = site.text(0)
    computed_name = site.argument(0).run
    value = site.on_input(1) if site.count > 1 else None
    static = value.static if value else site.input
    if name is None:
        scope: Scope = replace(site.scope, open=True)
    else:
        if name in _RESERVED or name in site.hooks.variables:
            raise site.error(f"%{name} cannot be defined anew")
        if name in site.scope.variables:
            raise site.error(f"%{name} is already defined here")
        scope = replace(site.scope, variables={**site.scope.variables, name: static})

    def run(context: Context, focus: Collection) -> Collection:
        known = name if name is not None else take(computed_name(context, context.this), "string", "defineVariable()")
        found = on(value.run, context, focus) if value else focus
        if known is not None:
            context.defined[known] = found
        return focus

    return Compiled(run, site.input, scope)


def _clock(kind: str, read: Callable[[datetime], Temporal]) -> Function:
    def build(site: Site) -> Compiled:
        return site.result(lambda context, _focus: [computed(read(context.now))], of(f"System.{kind}"))

    return Function(0, 0, build)


def _second(moment: datetime) -> Decimal:
    return Decimal(f"{moment.second:02d}.{moment.microsecond // 1000:03d}")


def _now(moment: datetime) -> Temporal:
    parts = (moment.year, moment.month, moment.day, moment.hour, moment.minute, _second(moment))
    return Temporal("DateTime", parts, 0)


def _comparable(site: Site) -> Compiled:
    other = site.argument(0).run

    def run(context: Context, focus: Collection) -> Collection:
        sides = [take(found, "amount", "comparable()") for found in (focus, other(context, context.this))]
        if None in sides:
            return []
        one, two = (side if isinstance(side, Quantity) else Quantity(Decimal(side)) for side in sides)
        return [computed(comparable(one, two))]

    return site.result(run, of("System.Boolean"))


def _precision(value: int | Decimal | Temporal | Quantity) -> int:
    if isinstance(value, Temporal):
        return value.digits
    number = value.value if isinstance(value, Quantity) else Decimal(value)
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


FUNCTIONS: Final[dict[str, Function]] = {
    "trace": Function(1, 2, _trace),
    "defineVariable": Function(1, 2, _define_variable),
    "now": _clock("DateTime", _now),
    "today": _clock("Date", lambda moment: Temporal("Date", (moment.year, moment.month, moment.day))),
    "timeOfDay": _clock("Time", lambda moment: Temporal("Time", (moment.hour, moment.minute, _second(moment)))),
    "comparable": Function(1, 1, _comparable),
    "precision": scalar(_precision, "measured", "Integer"),
}
