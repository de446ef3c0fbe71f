"""$expand: the codes of a value set (https://hl7.org/fhir/R5/valueset-operation-expand.html)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from service.errors import Unprocessable
from service.fhir.library import Resource
from service.terminology.compose import UNCLOSED
from service.terminology.displays import in_language, ranges
from service.terminology.members import Gap, Key, Member, Members

Json: TypeAlias = dict[str, Any]

LIMIT: Final = 10_000
"""Codes of one expansion at the most; a client pages through larger ones with ``count``."""

LEVELS: Final = 30
"""Levels of a hierarchy that are shown as such; what lies deeper begins anew, as JSON is not nested without end."""

_COMPOSED: Final = ("compose", "expansion", "text", "contained", "meta")


@dataclass(frozen=True, slots=True)
class Asked:
    """How a value set is to be expanded; ``echoed`` are the parameters as they were given."""

    filter: str = ""
    offset: int = 0
    count: int | None = None
    designations: bool = False
    designation: Sequence[str] = ()
    definition: bool = False
    active_only: bool = False
    nested: bool = True
    for_ui: bool = False
    language: str = ""
    properties: Sequence[str] = ()
    exclude_systems: Sequence[str] = ()
    echoed: Sequence[Json] = field(default_factory=list)


def expand(value_set: Resource, members: Members, asked: Asked) -> Resource:
    """Return the value set with an expansion instead of its definition.

    Raises :class:`Unprocessable` for one that cannot be listed here or has more codes than the limit.
    """
    _refuse_gaps(members.gaps)
    chosen = [each for each in members if _wanted(each, asked)]
    paged = asked.count is not None or asked.offset > 0
    shown = chosen[asked.offset :] if asked.count is None else chosen[asked.offset : asked.offset + asked.count]
    if len(shown) > LIMIT:
        raise Unprocessable(
            f"The expansion has {len(shown)} codes, and {LIMIT} are listed at once: ask for a part with count.",
            code="too-costly",
            expression="count",
        )
    languages = ranges(asked.language)
    entries = {each.key: _entry(each, asked, languages) for each in shown}
    nested = asked.nested and not paged and not asked.filter
    contains = _nest(shown, entries) if nested else list(entries.values())
    incomplete = [gap for gap in members.gaps if gap.code == "incomplete"]
    expansion: Json = {
        "identifier": f"urn:uuid:{uuid.uuid4()}",
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "total": len(chosen),
        **({"offset": asked.offset} if paged else {}),
        "parameter": [
            *asked.echoed,
            *_used(members),
            *({"name": "fragment", "valueString": g.text} for g in incomplete),
        ],
        "property": [{"code": code} for code in asked.properties],
        "contains": contains,
    }
    if incomplete:
        expansion = {"extension": [{"url": UNCLOSED, "valueBoolean": True}], **expansion}
    kept = {name: value for name, value in value_set.items() if name not in _COMPOSED}
    return {**kept, "expansion": {name: value for name, value in expansion.items() if value not in ([], None)}}


def _refuse_gaps(gaps: Iterable[Gap]) -> None:
    told = [gap for gap in gaps if gap.code != "incomplete"]
    if told:
        reasons = "; ".join(gap.text for gap in told)
        raise Unprocessable(f"The value set cannot be expanded here: {reasons}.", code=told[0].code)


def _wanted(each: Member, asked: Asked) -> bool:
    concept = each.concept
    if (asked.active_only and concept.inactive) or (asked.for_ui and concept.abstract):
        return False
    system = each.system
    if asked.exclude_systems and {system.url, f"{system.url}|{system.version}"} & set(asked.exclude_systems):
        return False
    return not asked.filter or _found(asked.filter, each)


def _found(text: str, each: Member) -> bool:
    """Whether every word of a filter is in one and the same text of the code, or begins the code itself."""
    words = text.casefold().split()
    texts = [each.display or "", *each.concept.displays, *(str(d.get("value", "")) for d in each.designations)]
    if each.concept.code.casefold().startswith(text.strip().casefold()):
        return True
    return any(all(word in shown.casefold() for word in words) for shown in texts)


def _entry(each: Member, asked: Asked, languages: Sequence[str]) -> Json:
    concept = each.concept
    designations = [*each.designations, *concept.designations]
    own = each.system.resource.get("language")
    entry: Json = {"system": each.system.url}
    if concept.abstract:
        entry["abstract"] = True
    if concept.inactive:
        entry["inactive"] = True
    if each.system.version:
        entry["version"] = each.system.version
    entry["code"] = concept.code
    display = in_language(each.display, own, designations, languages) if languages else each.display
    if display:
        entry["display"] = display
    if asked.designations and (kept := [each for each in designations if _asked_for(each, asked.designation)]):
        entry["designation"] = kept
    properties = [each for each in concept.properties if each.get("code") in asked.properties]
    properties += [
        {"code": name, "valueCode": code}
        for name in ("parent", "child")
        if name in asked.properties
        for code in concept.values(name)
    ]
    if (asked.definition or "definition" in asked.properties) and concept.definition:
        properties.append({"code": "definition", "valueString": concept.definition})
    if properties:
        entry["property"] = properties
    return entry


def _asked_for(designation: dict[str, Any], tokens: Sequence[str]) -> bool:
    """Whether a designation is one of those that were asked for: by ``system|code`` of its use or of its language."""
    if not tokens:
        return True
    use = designation.get("use", {})
    language = designation.get("language", "")
    own = {f"{use.get('system', '')}|{use.get('code', '')}", f"urn:ietf:bcp:47|{language}", language}
    return not own.isdisjoint(tokens)


def _nest(members: Sequence[Member], entries: dict[Key, Json]) -> list[Json]:
    """Return the entries with each below the one that is above it in its system, where that is listed too."""
    above = {each.key: _above(each, entries) for each in members}
    levels: dict[Key, int] = {}
    for key in entries:
        path: list[Key] = []
        at: Key | None = key
        while at is not None and at not in levels:
            path.append(at)
            levels[at] = 0
            at = above[at]
        if at in path:  # what is above itself by a detour would be listed nowhere
            above[path[-1]] = at = None
        level = 0 if at is None else levels[at] + 1
        for each in reversed(path):
            if level > LEVELS:
                above[each] = None
                level = 0
            levels[each] = level
            level += 1
    roots: list[Json] = []
    for key, entry in entries.items():
        upper = above[key]
        below = roots if upper is None else entries[upper].setdefault("contains", [])
        below.append(entry)
    return roots


def _above(each: Member, entries: dict[Key, Json]) -> Key | None:
    system = each.system
    keys = ((system.url, system.key(parent)) for parent in each.concept.parents)
    return next((key for key in keys if key in entries), None)


def _used(members: Members) -> Iterator[Json]:
    seen = set()
    for each in members:
        canonical = f"{each.system.url}|{each.system.version}" if each.system.version else each.system.url
        if canonical not in seen:
            seen.add(canonical)
            yield {"name": "used-codesystem", "valueUri": canonical}
