"""Contained resources: https://hl7.org/fhir/R5/references.html#contained.

What they must not have (dom-2, dom-4, dom-5) follows from the invariants. Here: an id, by which they are told apart,
and that something points to them (dom-3), or they to their container.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from service.fhir import definitions, fhirpath
from service.fhir.fhirpath import EvaluationError, Expression
from service.profiles.run import SINGLE, Object, Run, Where, quoted

RULE: Final = "dom-3"
"""The key of the invariant that this rule stands for."""

_VERDICT: Final = ".trace('unmatched', id).empty()"


def contained(value: Object, where: Where, run: Run) -> None:
    """Check the contained resources of a resource as a whole."""
    held = value.get("contained")
    if not isinstance(held, list):
        return
    ids: set[str] = set()
    for index, resource in enumerate(held):
        if isinstance(resource, dict):
            _check_id(resource, (where, "contained", index), ids, run)
    if not ids <= _pointed_to(value):
        _report_orphans(value, where, run)


def _check_id(resource: Object, where: Where, ids: set[str], run: Run) -> None:
    own = resource.get("id")
    if own is None:
        run.report("required", "contained", (where, "id", SINGLE), "a contained resource must have an id")
    elif isinstance(own, str):
        if own in ids:
            run.report("duplicate", "contained", where, f"another contained resource has the id {quoted(own)}")
        ids.add(own)


def _pointed_to(value: Object) -> set[str]:
    """The ids in all local references; a canonical may point to a contained resource as well, but few do."""
    found: set[str] = set()
    waiting: list[object] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            text = item.get("reference")
            if type(text) is str and text[:1] == "#":
                found.add(text[1:])
            waiting.extend(child for child in item.values() if isinstance(child, dict | list))
        elif isinstance(item, list):
            waiting.extend(item)
    return found


@cache
def orphans(resource_type: str) -> Expression:
    """The contained resources that dom-3 asks about, which it finds in order to say that there must be none."""
    (rule,) = (invariant for invariant in definitions.invariants() if invariant.key == RULE)
    return fhirpath.compile(rule.expression.removesuffix(_VERDICT), resource_type)


def _report_orphans(value: Object, where: Where, run: Run) -> None:
    try:
        found = orphans(str(value["resourceType"]))(value, root_resource=run.container)
    except EvaluationError as problem:
        run.not_evaluated(RULE, where, str(problem))
        return
    for node in found:
        text = f"nothing refers to the contained resource {quoted(node.value.get('id'))}"
        run.report("invariant", RULE, (where, "contained", SINGLE if node.index is None else node.index), text)
