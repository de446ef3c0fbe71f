"""Which studies an export is about: all, one, or those that a Group or a List names.

A Group names a study if one of its characteristics says that its members are in that study, if it is an arm of the
study or whom the study recruits, and if one of these holds for a Group that it is made of. A List names studies, and by
its Groups the studies of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from service.bulk.job import ExportRequest
from service.errors import Invalid, Issue, Unprocessable
from service.fhir.json import loads
from service.interactions.engine import Engine, existing
from service.interactions.everything import STUDY
from service.search.query import Or, Query, Term

GROUP, LIST = "Group", "List"
_BY_GROUP: Final = ("arm", "eligibility")
"""Search parameters of a study that have Groups."""
_PAGE: Final = 1000

Key = tuple[str, str]
Json = dict[str, Any]


async def chosen(engine: Engine, request: ExportRequest, seq: int) -> list[str]:
    """Return the ids of the studies, each once.

    Raises :class:`NotFound` or :class:`Gone` for an instance that is not there, :class:`Unprocessable` where it names
    no study, or what is none, and :class:`Invalid` for a study that is asked for and not among them.
    """
    type_, _, id_ = request.place.partition("/")
    if type_ == GROUP:
        existing(await engine.store.read(GROUP, id_, seq), GROUP, id_)
        found = await _of_group(engine, id_, seq, set())
        if not found:
            raise Unprocessable(f"{request.place} names no study: no study has it, and it has none.", expression=GROUP)
    elif type_ == LIST:
        found = await _of_list(engine, id_, seq)
    elif id_:
        existing(await engine.store.read(STUDY, id_, seq), STUDY, id_)
        found = [id_]
    elif request.studies:
        found = await _there(engine, request.studies, seq)
    else:
        found = await _matches(engine, Query((STUDY,)), seq)
    if missing := [each for each in request.studies if each not in found]:
        issues = [
            Issue("error", "not-found", f"{STUDY}/{each} is not among the studies.", ("study",)) for each in missing
        ]
        raise Invalid(issues)
    return list(request.studies) or list(dict.fromkeys(found))


async def _of_group(engine: Engine, id_: str, seq: int, seen: set[str]) -> list[str]:
    """Return the studies of a Group, directly or by those that it is made of; none where it is not there."""
    seen.add(id_)
    version = await engine.store.read(GROUP, id_, seq)
    if version is None or version.json is None:
        return []
    group = loads(version.json)
    named = list(_named(engine, group))
    found = await _there(engine, [each for type_, each in named if type_ == STUDY], seq)
    parameters = engine.catalogue.for_type(STUDY)
    has_it = Or(tuple(Term(parameters[code].key, f"{GROUP}/{id_}") for code in _BY_GROUP))
    found += await _matches(engine, Query((STUDY,), has_it), seq)
    for type_, each in named:
        if type_ == GROUP and each not in seen:
            found += await _of_group(engine, each, seq, seen)
    return found


def _named(engine: Engine, group: Json) -> Iterator[Key]:
    for characteristic in group.get("characteristic", ()):
        if characteristic.get("exclude") is not True and (key := _local(engine, characteristic.get("valueReference"))):
            yield key
    for member in group.get("member", ()):
        if member.get("inactive") is not True and (key := _local(engine, member.get("entity"))):
            yield key


async def _of_list(engine: Engine, id_: str, seq: int) -> list[str]:
    listed = loads(existing(await engine.store.read(LIST, id_, seq), LIST, id_).json or b"")
    found: list[str] = []
    issues: list[Issue] = []
    for number, entry in enumerate(listed.get("entry", ())):
        if entry.get("deleted") is True:
            continue
        item, where = entry.get("item"), f"List.entry[{number}].item"
        key = _local(engine, item)
        if key is not None and key[0] == GROUP:
            studies = await _of_group(engine, key[1], seq, set())
        elif key is not None and key[0] == STUDY:
            studies = await _there(engine, [key[1]], seq)
        else:
            studies = []
        if not studies:
            name = item.get("reference") or "It" if isinstance(item, dict) else "It"
            issues.append(Issue("error", "not-found", f"{name} is no study of this server, and names none.", (where,)))
        found += studies
    if issues:
        raise Unprocessable(issues)
    if not found:
        raise Unprocessable(f"{LIST}/{id_} names no study.", expression="List.entry")
    return found


def _local(engine: Engine, reference: object) -> Key | None:
    literal = engine.local(reference.get("reference")) if isinstance(reference, dict) else None
    return None if literal is None else (literal.type, literal.id)


async def _matches(engine: Engine, query: Query, seq: int) -> list[str]:
    return [version.id async for page in engine.pages(query, seq, _PAGE) for version in page]


async def _there(engine: Engine, ids: Sequence[str], seq: int) -> list[str]:
    """Return those of these studies that are there."""
    known = await engine.store.read_many([(STUDY, each) for each in ids], seq)
    return [each for each in ids if (STUDY, each) in known and known[STUDY, each].json is not None]
