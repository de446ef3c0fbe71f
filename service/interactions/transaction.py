"""transaction and batch (https://hl7.org/fhir/R5/http.html#transaction).

A transaction is one commit. Its entries take effect in the order DELETE, POST, PUT and PATCH, GET whatever their order
in the Bundle, links between them are rewritten, and either all of it is stored or nothing is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final

from service.errors import Invalid, Issue, NotFound, RegistryError, Unprocessable
from service.fhir import definitions
from service.fhir.bundle import bundle
from service.fhir.json import dumps, loads, parse
from service.fhir.references import parse_literal
from service.fhir.rewrite import rewrite
from service.interactions.batch import batch
from service.interactions.conditional_references import resolve
from service.interactions.conditions import find_one, matches, refusal, until_settled, unused, version_guard
from service.interactions.definitions import RefusedDefinitions
from service.interactions.engine import Engine, Written, existing
from service.interactions.entries import (
    ORDER,
    Returns,
    Step,
    Verb,
    answer_error,
    answer_write,
    located,
    parse_entries,
    parse_pairs,
)
from service.interactions.entry_reads import NoOperations, Operations, answer_read, check_read
from service.interactions.patch import parse_patch, patch_of
from service.interactions.prepare import parse_resource, prepare
from service.interactions.version_specific import Targets, marked, pinned
from service.store.base import Change, Committed, Guard, GuardFailed, Method, VersionIs

_METHODS: Final[dict[Verb, Method]] = {"POST": "POST", "PUT": "PUT", "PATCH": "PATCH"}


async def transaction(
    engine: Engine,
    body: bytes,
    base: str,
    operations: Operations | None = None,
    returns: Returns = "minimal",
    history: Callable[[bytes], Awaitable[bytes]] | None = None,
) -> bytes:
    """Process a transaction or batch Bundle and return the response Bundle; ``base`` is the FHIR base URL.

    ``operations`` are those that an entry can ask for; ``returns`` is what the client wants to see of what it writes;
    ``history`` is what is done with a Bundle of that type.

    Raises what the failing entry raises, with the entry's location in front of each issue.
    """
    known = operations or NoOperations()
    data = parse(body).data
    if history is not None and (data.get("resourceType"), data.get("type")) == ("Bundle", "history"):
        return await history(body)
    entries = bundle_entries(data)
    if data["type"] == "batch":
        return await batch(engine, entries, base, known, returns)
    steps = parse_entries(entries, base)
    written = await write(engine, steps, base, known)
    responses = {index: answer_write(each, base, returns) for index, each in written.items()}
    for step in steps:
        if not step.writes:
            try:
                with located(step):
                    responses[step.index] = await answer_read(engine, step, base, known)
            except RegistryError as error:  # another client was in between; what is written is written
                responses[step.index] = answer_error(error)
    return bundle("transaction-response", [responses[step.index] for step in steps])


def bundle_entries(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of a transaction or batch Bundle; raises :class:`Invalid` where it is none."""
    if data.get("resourceType") != "Bundle" or data.get("type") not in ("transaction", "batch"):
        raise Invalid("The body is a Bundle of type transaction or batch.", expression="Bundle.type")
    entries = data.get("entry", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Invalid("Bundle.entry is an array of objects.", code="structure", expression="Bundle.entry")
    return entries


async def write(
    engine: Engine, steps: Sequence[Step], base: str, operations: Operations | None = None
) -> dict[int, Written]:
    """Do what the entries of a transaction write, as one commit, and return what became of each, by its index."""

    async def attempt() -> list[Committed]:
        return await _commit(engine, steps, base, operations or NoOperations())

    committed = await until_settled(attempt)
    outcomes = iter(committed)
    return {step.index: _outcome(step, outcomes) for step in _ordered(steps) if step.writes}


def _ordered(steps: Sequence[Step]) -> list[Step]:
    return sorted(steps, key=lambda step: ORDER[step.verb])


async def _commit(engine: Engine, steps: Sequence[Step], base: str, operations: Operations) -> list[Committed]:
    """Resolve, rewrite, check and write; every problem of every resource is reported at once."""
    writes = [step for step in _ordered(steps) if step.writes]
    for step in writes:
        step.guards, step.client, step.prepared = [], [], None
        with located(step):
            await _resolve(engine, step)
    _refuse_overlaps(writes)
    identities = {(step.type, step.id): step.verb for step in writes}
    for step in steps:
        if not step.writes:
            with located(step):
                await check_read(engine, step, identities, operations)
    await _prepare(engine, writes, _links(writes, base))
    guards = [guard for step in writes for guard in step.guards]
    guards += await _resolve_references(engine, writes)
    guards += await _resolve_versions(engine, writes)
    changes = _changes(writes)
    client = {guard: step for step in writes for guard in step.client}
    try:
        return await engine.commit(changes, [*client, *guards])
    except RefusedDefinitions as refused:
        raise _located(refused, writes) from None
    except GuardFailed as failed:
        if failed.guard not in client:
            raise
        with located(client[failed.guard]):
            raise refusal(failed.guard) from None


def _located(refused: RefusedDefinitions, writes: Sequence[Step]) -> Unprocessable:
    issues: list[Issue] = []
    for change, found in refused.found:
        try:
            with located(next(step for step in writes if step.change is change)):
                raise Unprocessable(found)
        except Unprocessable as error:
            issues.extend(error.issues)
    return Unprocessable(issues)


async def _resolve(engine: Engine, step: Step) -> None:
    """Find the id that a write is about."""
    criteria = step.if_none_exist if step.verb == "POST" else step.criteria if step.id is None else None
    type_ = step.type or ""
    if step.verb == "POST":
        step.id = step.new_id
    if criteria is not None:
        query, step.found = await find_one(engine, type_, criteria)
        step.guards.append(matches(query, *([step.found] if step.found else [])))
        if step.found is not None:
            step.id = step.found.id
        elif step.verb == "PUT":
            own = (step.resource or {}).get("id")
            step.id = own if isinstance(own, str) else step.new_id
            step.guards += await unused(engine, type_, step.id)
        elif step.verb == "PATCH":
            raise NotFound(f"No {type_} meets the criteria.")
    if step.verb == "PATCH":
        id_ = step.id or ""
        step.found = existing(step.found or await engine.store.read(type_, id_), type_, id_)
        step.guards.append(VersionIs(type_, id_, step.found.version))
    if step.id is not None:
        step.client = version_guard(type_, step.id, step.if_match, absent=step.if_none_match == "*")


def _refuse_overlaps(writes: Sequence[Step]) -> None:
    seen: dict[tuple[str | None, str | None], Step] = {}
    sought: dict[tuple[str | None, tuple[tuple[str, str], ...]], Step] = {}
    for step in writes:
        if step.if_none_exist is not None and step.found is None:
            other = sought.setdefault((step.type, tuple(sorted(step.if_none_exist))), step)
            if other is not step:  # each would create, though only one may
                raise Invalid(
                    f"{other.where} and {step.where} create a {step.type} under the same condition.",
                    code="duplicate",
                    expression=step.where,
                )
        first = seen.setdefault((step.type, step.id), step)
        if first is not step and step.id is not None:
            raise Invalid(
                f"{step.type}/{step.id} is written by {first.where} and by {step.where}.",
                code="duplicate",
                expression=step.where,
            )


def _links(writes: Sequence[Step], base: str) -> dict[str, str]:
    """Temporary and full URL -> the reference that replaces it."""
    links: dict[str, str] = {}
    for step in writes:
        reference = f"{step.type}/{step.id}"
        if step.full_url and step.verb in ("POST", "PUT") and step.full_url != f"{base}/{reference}":
            if step.full_url in links:
                raise Invalid(
                    f"{step.full_url} names two entries.", code="duplicate", expression=f"{step.where}.fullUrl"
                )
            links[step.full_url] = reference
    return links


async def _prepare(engine: Engine, writes: Sequence[Step], links: dict[str, str]) -> None:
    """Give each entry its change; raises :class:`Unprocessable` with every problem of every resource."""
    issues: list[Issue] = []
    for step in writes:
        await asyncio.sleep(0)  # thousands of entries take seconds, in which others are to be answered
        try:
            with located(step):
                step.change = await _change(engine, step, links)
        except Unprocessable as error:
            issues.extend(error.issues)
    if issues:
        raise Unprocessable(issues)


async def _change(engine: Engine, step: Step, links: dict[str, str]) -> Change | None:
    type_, id_ = step.type or "", step.id
    step.links = []
    if step.verb == "DELETE":
        return Change(type_, id_, "DELETE", None) if id_ is not None else None
    if step.verb == "POST" and step.found is not None:
        return None
    resource = _patched(engine, step) if step.verb == "PATCH" else step.resource or {}
    own_id = resource.get("id")
    if step.verb == "PUT" and own_id != id_ and not (own_id is None and step.criteria):
        raise Invalid(f"The resource's id is {own_id!r}, the entry's {id_!r}.", expression=f"{type_}.id")
    if step.verb == "PATCH" and own_id != id_:
        raise Unprocessable("A patch cannot change a resource's id.", expression=f"{type_}.id")
    step.rewritten = _rewritten(resource, links, step)
    return await _prepared(engine, step)


def _patched(engine: Engine, step: Step) -> dict[str, Any]:
    """Return what a patch makes of the resource as it was before the transaction."""
    assert step.found is not None  # noqa: S101  # found when the entry was resolved
    form, body = patch_of(step.resource or {})
    patched = parse_patch(body, form)(loads(step.found.json or b""), engine.limits.resource_size)
    found: dict[str, Any] = loads(patched)
    return found


async def _prepared(engine: Engine, step: Step) -> Change:
    document = parse_resource(engine, dumps(step.rewritten), step.type or "")
    step.prepared = await prepare(engine, document, step.id or "", _METHODS[step.verb])
    return step.prepared.change


def _rewritten(resource: dict[str, Any], links: dict[str, str], step: Step) -> dict[str, Any]:
    """Replace links between the entries, and note those that are searches.

    A relative reference is one below the base of the entry's own full URL
    (https://hl7.org/fhir/R5/bundle.html#references).
    """
    own = parse_literal(step.full_url) if step.full_url else None
    root = own.base if own else None

    def replacement(link: str) -> str | None:
        target, hash_, fragment = link.partition("#")
        type_, question, _ = link.partition("?")
        if question and type_ in definitions.resource_types():
            step.links.append(link)
        found = links.get(link) or links.get(target) or links.get(f"{root}/{target}")
        return found if found is None or not hash_ or link in links else f"{found}#{fragment}"

    return rewrite(resource, replacement)


async def _resolve_references(engine: Engine, writes: Sequence[Step]) -> list[Guard]:
    """Replace the references that are searches by what they find when everything else is done."""
    changes = _changes(writes)
    resolved: dict[str, str] = {}
    guards: list[Guard] = []
    for step in writes:
        with located(step):
            for link in step.links:
                if link not in resolved:
                    type_, _, text = link.partition("?")
                    criteria = parse_pairs(text, link)
                    resolved[link], guard = await resolve(engine, type_, criteria, changes)
                    guards.append(guard)
            if step.links:
                step.rewritten = rewrite(step.rewritten, resolved.get)
                step.change = await _prepared(engine, step)
    return guards


async def _resolve_versions(engine: Engine, writes: Sequence[Step]) -> list[Guard]:
    """Give the references that ask for it the version that their target will have."""
    asking = [(step, keys) for step in writes if step.change and (keys := list(marked(engine, step.rewritten)))]
    if not asking:
        return []
    keys = list(dict.fromkeys(key for _, asked in asking for key in asked))
    targets = Targets(await engine.store.read_many(keys), keys)
    for step, asked in asking:
        with located(step):
            targets.check(asked, _changes(writes))
    open_ = {step.index: step.rewritten for step, _ in asking}
    news = True
    while news:
        for step, _ in asking:
            with located(step):
                step.rewritten = pinned(engine, open_[step.index], targets.versions())
                step.change = await _prepared(engine, step)
        news = targets.learn(_changes(writes))
    return targets.guards


def _changes(writes: Sequence[Step]) -> list[Change]:
    return [step.change for step in writes if step.change is not None]


def _outcome(step: Step, committed: Iterator[Committed]) -> Written:
    if step.change is None:
        return Written(step.found, "unchanged")
    done = next(committed)
    return step.prepared.written(done) if step.prepared else Written(done.version, done.effect)
