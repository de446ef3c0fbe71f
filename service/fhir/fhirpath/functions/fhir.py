"""The functions that FHIR adds (https://hl7.org/fhir/R5/fhirpath.html#functions)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from service.fhir.fhirpath import model
from service.fhir.fhirpath.context import Context, single
from service.fhir.fhirpath.errors import PathNotSupported
from service.fhir.fhirpath.narrative import problem
from service.fhir.fhirpath.node import EMPTY, Collection, computed, follow, system_value, truth
from service.fhir.fhirpath.references import resolve
from service.fhir.fhirpath.registry import Compiled, Function, Site, check, take
from service.fhir.fhirpath.static import BOOLEAN, Static, of


def _extension(site: Site) -> Compiled:
    url = site.argument(0)
    check(site, url.static, "string", "the url")

    def run(context: Context, focus: Collection) -> Collection:
        wanted = take(url.run(context, context.this), "string", "extension()")
        found: Collection = []
        for node in focus:
            step = model.step(node.type, "extension")
            if step is not None:
                follow(node, step, found)
        return [node for node in found if isinstance(node.value, dict) and node.value.get("url") == wanted]

    return site.result(run, of("Extension", many=True))


def _has_value(site: Site) -> Compiled:
    def run(_context: Context, focus: Collection) -> Collection:
        return truth(len(focus) == 1 and focus[0].value is not None and not isinstance(focus[0].value, dict))

    return site.result(run, BOOLEAN)


def _get_value(site: Site) -> Compiled:
    def run(_context: Context, focus: Collection) -> Collection:
        node = single(focus, "getValue()")
        value = None if node is None or isinstance(node.value, dict) else system_value(node)
        return EMPTY if value is None else [computed(value)]

    return site.result(run, Static(site.input.system(), many=False))


def _resolve(site: Site) -> Compiled:
    def run(context: Context, focus: Collection) -> Collection:
        found = (resolve(node, context) for node in focus)
        return [node for node in found if node is not None]

    return site.result(run, Static(None, site.input.many, site.input.ordered))


def _member_of(site: Site) -> Compiled:
    answer = site.hooks.member_of
    if answer is None:
        raise PathNotSupported("memberOf()", "no terminology is given to the expression")
    value_set = site.argument(0).run

    def run(context: Context, focus: Collection) -> Collection:
        node = single(focus, "memberOf()")
        url = take(value_set(context, context.this), "string", "memberOf()")
        return EMPTY if node is None or url is None else truth(answer(node, url))

    return site.result(run, BOOLEAN)


def _subsumption(*, reverse: bool) -> Function:
    def build(site: Site) -> Compiled:
        answer = site.hooks.subsumes
        if answer is None:
            raise PathNotSupported(f"{site.call.name}()", "no terminology is given to the expression")
        code = site.argument(0).run

        def run(context: Context, focus: Collection) -> Collection:
            one = single(focus, site.call.name)
            other = single(code(context, context.this), site.call.name)
            if one is None or other is None:
                return EMPTY
            return truth(answer(other, one) if reverse else answer(one, other))

        return site.result(run, BOOLEAN)

    return Function(1, 1, build)


def _conforms_to(site: Site) -> Compiled:
    answer = site.hooks.conforms_to
    if answer is None:
        raise PathNotSupported("conformsTo()", "no profiles are given to the expression")
    profile = site.argument(0).run

    def run(context: Context, focus: Collection) -> Collection:
        node = single(focus, "conformsTo()")
        url = take(profile(context, context.this), "string", "conformsTo()")
        return EMPTY if node is None or url is None else truth(answer(node, url))

    return site.result(run, BOOLEAN)


def _html_checks(check_text: Callable[[str], str | None]) -> Function:
    def build(site: Site) -> Compiled:
        def run(_context: Context, focus: Collection) -> Collection:
            node = single(focus, "htmlChecks()")
            if node is None or not isinstance(node.value, str):
                return EMPTY
            return truth(check_text(node.value) is None)

        return site.result(run, BOOLEAN)

    return Function(0, 0, build)


def _unsupported(reason: str) -> Function:
    def build(site: Site) -> Compiled:
        raise PathNotSupported(f"{site.call.name}()", reason)

    return Function(0, 20, build)


_DEFINITIONS: Final = "an expression has no access to the definition of an element"

FUNCTIONS: Final = {
    "extension": Function(1, 1, _extension),
    "hasValue": Function(0, 0, _has_value),
    "getValue": Function(0, 0, _get_value),
    "resolve": Function(0, 0, _resolve),
    "memberOf": Function(1, 1, _member_of),
    "subsumes": _subsumption(reverse=False),
    "subsumedBy": _subsumption(reverse=True),
    "conformsTo": Function(1, 1, _conforms_to),
    "htmlChecks": _html_checks(problem),
    "htmlChecks1": _html_checks(lambda text: problem(text, content=False)),
    "htmlChecks2": _html_checks(lambda text: problem(text, rules=False)),
    "elementDefinition": _unsupported(_DEFINITIONS),
    "slice": _unsupported(_DEFINITIONS),
    "checkModifiers": _unsupported(_DEFINITIONS),
    "hasTemplateIdOf": _unsupported("it belongs to CDA"),
}
