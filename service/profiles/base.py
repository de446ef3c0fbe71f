"""Validation against the base definitions of R5: https://hl7.org/fhir/R5/validation.html.

Structure, cardinality, data types, required bindings, reference targets, invariants, narratives and the rules of
Bundles, for a resource and all that it contains. The rules of profiles are checked by others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from service.errors import Issue
from service.profiles.compile import check_resource, root_of
from service.profiles.readable import readable, without_empty
from service.profiles.run import Object, Run

AnyRun = TypeVar("AnyRun", bound=Run)

FORM: Final = frozenset(
    ("cardinality", "choice", "content", "format", "null", "range", "resource-type", "siblings", "type", "unknown")
)
"""Rules about the form of a value in JSON, which is judged as it stands; all else as far as the form can be read."""


def check(resource: dict[str, Any]) -> list[Issue]:
    """Return every problem of a resource, in the order of its properties; an empty list if there is none.

    The resource is JSON as Python values: dict, list, str, bool, None, int, and Decimal for other numbers (a float has
    lost digits and is refused). How deeply it is nested is bounded by whoever parsed it. Never raises for its content.
    """
    return check_into(Run, resource).issues


def is_structural(issue: Issue) -> bool:
    """Whether an issue of a base definition is an error of anything but an invariant."""
    return issue.severity in ("fatal", "error") and issue.code != "invariant"


def check_into(make: Callable[[Object], AnyRun], resource: Object) -> AnyRun:
    """Check a resource in a run that ``make`` makes of it.

    The run then has the issues, and the extensions that were met. It is about what can be read of the resource
    (:mod:`service.profiles.readable`), so that whatever is checked afterwards is judged by that.
    """
    run = _checked(make(resource))
    form = [issue for issue in run.issues if issue.rule in FORM]
    as_read = readable(resource) if form else resource
    filled = without_empty(as_read) if form else {}
    if as_read is resource and not filled:
        return run
    again = make(as_read)
    again.filled = filled
    _checked(again)
    known = {issue.expression for issue in form}
    again.issues = form + [issue for issue in again.issues if _is_new(issue, known)]
    return again


def _is_new(issue: Issue, known: set[tuple[str, ...]]) -> bool:
    """Whether an issue about what can be read is not one about the form, which the first run has told."""
    return issue.rule not in FORM or (issue.code == "required" and issue.expression not in known)


def _checked(run: AnyRun) -> AnyRun:
    check_resource(run.container, root_of(run.container), run)
    return run
