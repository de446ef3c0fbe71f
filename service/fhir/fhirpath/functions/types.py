"""Types as functions (https://hl7.org/fhirpath/#types); ``ofType`` is a filter."""

from __future__ import annotations

from typing import Final

from service.fhir.fhirpath import model
from service.fhir.fhirpath.context import Context, single
from service.fhir.fhirpath.node import EMPTY, Collection, Node, truth
from service.fhir.fhirpath.registry import Compiled, Function, Site
from service.fhir.fhirpath.static import BOOLEAN, of


def _is(site: Site) -> Compiled:
    wanted = site.types(0)

    def run(_context: Context, focus: Collection) -> Collection:
        node = single(focus, "is()")
        return EMPTY if node is None else truth(model.matches(node.type, wanted, exact_primitives=False))

    return site.result(run, BOOLEAN)


def _as(site: Site) -> Compiled:
    wanted = site.types(0)

    def run(_context: Context, focus: Collection) -> Collection:
        node = single(focus, "as()")
        if node is None or not model.matches(node.type, wanted, exact_primitives=True):
            return EMPTY
        return focus

    return site.result(run, of(*wanted))


def _type(site: Site) -> Compiled:
    def run(_context: Context, focus: Collection) -> Collection:
        found = []
        for node in focus:
            namespace, name = model.public_name(node.type)
            found.append(Node({"namespace": namespace, "name": name}, model.TYPE_INFO))
        return found

    return site.result(run, of(model.TYPE_INFO, many=site.input.many))


FUNCTIONS: Final = {
    "is": Function(1, 1, _is),
    "as": Function(1, 1, _as),
    "type": Function(0, 0, _type),
}
