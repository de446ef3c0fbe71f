"""The types of resource that a reference may point to: https://hl7.org/fhir/R5/references.html#Reference.

Nothing is fetched: the type is known from ``Reference.type``, from the text of a RESTful reference, or from the
contained resource. Where none of them tells, there is nothing to report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, TypeAlias

from service.fhir import definitions
from service.profiles.run import SINGLE, Check, Object, Run, Where, quoted

Extra: TypeAlias = Callable[[Object, Where, Run], None]
"""What an element demands of its value beyond the value's type: the value, its location, the run."""

_ID: Final = r"[A-Za-z0-9\-.]{1,64}"
_RESTFUL: Final = re.compile(rf"(?:.*/)?([A-Z][A-Za-z]+)(?:/{_ID}(?:/_history/{_ID})?(?:#.*)?|\?.*)")
"""Type and id, on this server or another; or a type and the criteria of a conditional reference."""

_TYPE_URL: Final = "http://hl7.org/fhir/StructureDefinition/"


@cache
def _resource_types() -> frozenset[str]:
    return frozenset(definitions.resource_types())


def of_reference(targets: Sequence[str]) -> Extra:
    """Check the target of a Reference; with no ``targets`` anything may be pointed to, if it is named consistently."""
    allowed = frozenset(targets) or _resource_types()

    def check(reference: Object, where: Where, run: Run) -> None:
        text = reference.get("reference")
        declared = reference.get("type")
        if declared is None and (text is None or (type(text) is str and text.partition("/")[0] in allowed)):
            return
        pointed = target_type(text, run)
        named = named_type(declared)
        if pointed and named and pointed != named:
            there: Where = (where, "type", SINGLE)
            run.report("structure", "reference", there, f"says {named}, but the reference is to {quoted(pointed)}")
        for found, name in ((pointed, "reference"), (named, "type")):
            if found and found not in allowed:
                there = (where, name, SINGLE)
                text = f"must point to {' or '.join(sorted(allowed))}, not to {found}"
                run.report("structure", "reference", there, text)
                return

    return check


def of_codeable_reference(targets: Sequence[str]) -> Extra:
    """Check the target of the Reference in a CodeableReference."""
    check_reference = of_reference(targets)

    def check(value: Object, where: Where, run: Run) -> None:
        reference = value.get("reference")
        if type(reference) is dict:
            check_reference(reference, (where, "reference", SINGLE), run)

    return check


def of_canonical(name: str, check_type: Check) -> Check:
    """Check that a canonical ``#id`` points to a contained resource; ``name`` is as it stands in locations."""

    def check(value: Any, where: Where, owner: Object, run: Run) -> None:  # noqa: ANN401  # a Check
        check_type(value, where, owner, run)
        for index, text in enumerate(value) if type(value) is list else ((SINGLE, value),):
            if type(text) is str and text.startswith("#") and run.contained_type(text[1:]) is None:
                run.report("not-found", "reference", (where, name, index), f"no contained resource is {quoted(text)}")

    return check


def target_type(text: Any, run: Run) -> str | None:  # noqa: ANN401  # any JSON value
    """Return the type of resource that a reference's text names, or None where it does not tell."""
    if type(text) is not str:
        return None
    if text.startswith("#"):
        return run.contained_type(text[1:])
    match = _RESTFUL.fullmatch(text)
    return match[1] if match and match[1] in _resource_types() else None


def named_type(declared: Any) -> str | None:  # noqa: ANN401  # any JSON value
    """The resource type in ``Reference.type``, which may be its name or the URL of its definition."""
    name = declared.removeprefix(_TYPE_URL) if isinstance(declared, str) else None
    return name if name in _resource_types() else None
