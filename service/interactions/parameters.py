"""The search parameters that users define (https://hl7.org/fhir/R5/searchparameter.html), as they come and go.

An active SearchParameter resource of the registry is a parameter; there is no other list. Each version of one has index
rows under keys of its own, so that rows of an older edition are never taken for its own. That its index is complete is
a row of the definition itself, which every process sees. See docs/adr/0005-custom-search-parameters.md.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from service.errors import Conflict
from service.fhir.json import loads
from service.interactions.definitions import (
    TYPE,
    Custom,
    Refused,
    RefusedDefinitions,
    Resources,
    Whole,
    accept,
    takes_effect,
)
from service.interactions.follow import Follower, newest_since
from service.search.parameters import Catalogue
from service.search.query import Query, Term
from service.search.rows import TermRow
from service.store.base import Change, Committed, Guard, Store, Version

INDEXED: Final = "SearchParameter:indexed"
"""The key of the row that a definition has once everything is indexed by it."""
_NEW: Final = 1 << 63
"""A position after all that are written."""


class Parameters:
    """The search parameters of a store as this process knows them: those of the server, and those of users.

    ``searchable`` holds what can be searched by, ``indexed`` also what is still being indexed. ``changed`` is called
    for as long as there is something to index or to remove. ``bases`` are the base URLs that are this server's own, as
    the settings or whoever wrote the last definition knows it.
    """

    def __init__(self, store: Store, own: Catalogue, bases: tuple[str, ...] = ()) -> None:
        self.store = store
        self.bases = bases
        self.searchable = self.indexed = self._own = own
        self.customs: dict[int, Custom] = {}
        self.refused: Refused = {}
        self.retired: list[tuple[Custom, Catalogue]] = []
        self.whole: Whole | None = None
        self.generation = 0
        self.changed: Callable[[], None] = lambda: None
        self._resources: Resources = {}
        self._seen = -1
        self._writing: Counter[int] = Counter()
        self._follower, self._committing = Follower(self._follow), asyncio.Lock()

    @property
    def unsettled(self) -> list[Custom]:
        """Those by which this process has something to index."""
        return [custom for custom in self.customs.values() if not custom.settled]

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do in the background."""
        return not (self.unsettled or self.retired or (self.whole and self.whole.running))

    async def refresh(self, *, now: bool = False) -> None:
        """Follow the store, at most once in ``INTERVAL`` seconds unless it is to be ``now``."""
        if await self._follower.refresh(now=now) and not self.idle:
            self.changed()

    async def commit(
        self, changes: Sequence[Change], guards: Sequence[Guard], bases: tuple[str, ...]
    ) -> list[Committed]:
        """Commit; definitions among the changes are checked before, and known when it returns.

        Raises :class:`RefusedDefinitions`, or :class:`Conflict` where others need a definition that would go.
        """
        if not any(change.type == TYPE for change in changes):
            return await self.store.commit(changes, guards)
        async with self._committing:
            await self.refresh(now=True)
            self.check(changes)
            committed = await self.store.commit(changes, guards)
            self.bases = bases
        await self.refresh(now=True)
        return committed

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Around a write: what it indexes by is settled when it begins, and it may take its time."""
        generation = self.generation
        self._writing[generation] += 1
        try:
            yield
        finally:
            self._writing[generation] -= 1

    def written_before(self, generation: int) -> bool:
        """Whether all writes are done that may not know the parameters of this generation."""
        self._writing = +self._writing
        return all(begun >= generation for begun in self._writing)

    async def complete(self, customs: Sequence[Custom]) -> None:
        """Note in the store that everything is indexed by these."""
        await self.store.add_rows([(custom.position, [TermRow(INDEXED, "")]) for custom in customs])
        await self.refresh(now=True)
        for custom in customs:  # only now: whoever sees nothing left to do can search by them
            custom.settled = True

    async def _follow(self) -> None:
        changed = await newest_since(self.store, TYPE, self._seen)
        first = self._seen < 0
        if changed or first:
            self._take(changed)
        waiting = [custom for custom in self.customs.values() if not custom.ready]
        if waiting:
            query = Query((TYPE,), Term(INDEXED, ""))
            done = {version.position for version in await self.store.search(query, limit=1 << 20)}
            for custom in waiting:
                custom.ready = custom.position in done
                custom.settled |= first and custom.ready  # written before this process began to write
        if changed or any(custom.ready for custom in waiting):
            self._publish()

    def _take(self, changed: dict[str, Version]) -> None:
        for id_, version in changed.items():
            self._resources.pop(id_, None)
            resource = None if version.json is None else loads(version.json)
            if resource is not None and takes_effect(resource, self._own):
                self._resources[id_] = (version.position, resource)
        self._seen = max((version.position for version in changed.values()), default=0)
        accepted, self.refused = accept(self._own, self._resources)
        known = {self._resources[id_][0]: (id_, definition) for id_, definition in accepted.items()}
        if known.keys() != self.customs.keys():
            self.generation += 1
        self.retired += [(old, self.indexed) for position, old in self.customs.items() if position not in known]
        self.customs = {
            position: self.customs.get(position) or Custom(id_, position, definition)
            for position, (id_, definition) in known.items()
        }

    def _publish(self) -> None:
        customs = sorted(self.customs.values(), key=lambda custom: custom.position)
        editions = {custom.definition.url: custom.edition for custom in customs}
        ready = [custom.definition for custom in customs if custom.ready]
        waiting = [custom for custom in customs if not custom.ready]
        self.indexed = Catalogue((*self._own.extra, *(each.definition for each in customs)), editions)
        self.searchable = Catalogue((*self._own.extra, *ready), editions, waiting) if waiting else self.indexed

    def check(self, changes: Sequence[Change]) -> None:
        """Refuse definitions among the changes that cannot be used, as far as this process knows the others.

        Raises :class:`RefusedDefinitions`, or :class:`Conflict` where others need a definition that would go.
        """
        after = dict(self._resources)
        new: dict[str, Change] = {}
        for change in (each for each in changes if each.type == TYPE):
            after.pop(change.id, None)
            resource = None if change.body is None else loads(change.body.render(0, ""))
            if resource is not None and takes_effect(resource, self._own):
                after[change.id] = (_NEW, resource)
                new[change.id] = change
        _, refused = accept(self._own, after)
        found = [(new[id_], issues) for id_, issues in refused.items() if id_ in new]
        if found:
            raise RefusedDefinitions(found)
        if broken := sorted(refused.keys() - self.refused.keys()):
            raise Conflict(
                f"SearchParameter/{', SearchParameter/'.join(broken)} could not do without what this changes."
            )
