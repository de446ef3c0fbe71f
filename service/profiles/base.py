"""Validation against the base definitions of R5: https://hl7.org/fhir/R5/validation.html.

Structure, cardinality, data types, required bindings, reference targets, invariants, narratives and the rules of
Bundles, for a resource and all that it contains. The rules of profiles are checked by others.
"""

from __future__ import annotations

from typing import Any

from service.errors import Issue
from service.profiles.compile import check_resource, root_of
from service.profiles.run import Run


def check(resource: dict[str, Any]) -> list[Issue]:
    """Return every problem of a resource, in the order of its properties; an empty list if there is none.

    The resource is JSON as Python values: dict, list, str, bool, None, int, and Decimal for other numbers (a float has
    lost digits and is refused). How deeply it is nested is bounded by whoever parsed it. Never raises for its content.
    """
    run = Run(resource)
    check_into(run)
    return run.issues


def check_into(run: Run) -> None:
    """Check the resource that a run was made for; the run then has the issues, and the extensions that were met."""
    check_resource(run.container, root_of(run.container), run)
