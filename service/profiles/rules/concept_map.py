"""The codes of a ConceptMap: https://hl7.org/fhir/R5/conceptmap-definitions.html#ConceptMap.group.source.

No binding and no invariant is about them, but a group says in which code systems they are defined, and the map in which
value sets: a code that its system does not have is an error, one outside the scope of the map a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from service.profiles.item import Item
from service.profiles.profile_run import ProfileRun
from service.profiles.run import SINGLE, Object, Where, quoted
from service.terminology.base import Verdict

RULE: Final = "concept-map"


class _Code(NamedTuple):
    """A code, its display if it has one, and where its object is."""

    code: str
    display: str | None
    where: Where


class _Side(NamedTuple):
    """The source or the target of a group: where its system is, that, and the value set of the map if it has one."""

    where: Where
    system: str
    scope: str | None


def check(item: Item, run: ProfileRun) -> None:
    """Check the codes of all groups of a ConceptMap."""
    for group, where in _objects(item.value.get("group"), item.where, "group"):
        for name in ("source", "target"):
            system = group.get(name)
            if isinstance(system, str):
                scope = item.value.get(f"{name}ScopeCanonical") or item.value.get(f"{name}ScopeUri")
                side = _Side((where, name, SINGLE), system, scope if isinstance(scope, str) else None)
                _check_side(side, list(_codes(group, where, name)), run)


def _codes(group: Object, where: Where, name: str) -> Iterator[_Code]:
    """The codes of one side of a group."""
    for element, there in _objects(group.get("element"), where, "element"):
        if name == "source":
            yield from _code(element, there)
        else:
            for target, below in _objects(element.get("target"), there, "target"):
                yield from _code(target, below)
    unmapped = group.get("unmapped")
    if name == "target" and isinstance(unmapped, dict):
        yield from _code(unmapped, (where, "unmapped", SINGLE))


def _code(value: Object, where: Where) -> Iterator[_Code]:
    code, display = value.get("code"), value.get("display")
    if isinstance(code, str):
        yield _Code(code, display if isinstance(display, str) else None, where)


def _check_side(side: _Side, codes: list[_Code], run: ProfileRun) -> None:
    terminology = run.surroundings.terminology
    system, _, version = side.system.partition("|")
    for each in codes:
        verdict = terminology.in_code_system(system, each.code, version=version or None, display=each.display)
        if verdict.result is None:
            text = f"the codes of this group are not checked: {verdict.message}"
            run.report("not-supported", RULE, side.where, text, "warning")
            return
        _judge(side, each, verdict, run)


def _judge(side: _Side, each: _Code, verdict: Verdict, run: ProfileRun) -> None:
    system, _, version = side.system.partition("|")
    there: Where = (each.where, "code", SINGLE)
    if not verdict.result:
        run.report("code-invalid", RULE, there, f"{quoted(each.code)} is not a code of {side.system}")
        return
    if verdict.wrong_display and verdict.message:
        run.report("invalid", "display", (each.where, "display", SINGLE), verdict.message, "warning")
    if side.scope is not None:
        terminology = run.surroundings.terminology
        if terminology.in_value_set(side.scope, system, each.code, version=version or None).result is False:
            text = f"{quoted(each.code)} is not in {side.scope}, which is the {side.where[1]} of the map"
            run.report("code-invalid", RULE, there, text, "warning")


def _objects(listed: Any, where: Where, name: str) -> Iterator[tuple[Object, Where]]:  # noqa: ANN401  # any JSON value
    for index, value in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(value, dict):
            yield value, (where, name, index)
