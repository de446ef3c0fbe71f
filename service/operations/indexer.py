"""Index rows for resources that were there before a search parameter, made in the background.

It reads the log from its beginning and adds rows to every version, current or superseded, so that ``_asOf`` works. What
it does can be done twice without harm; so whatever is interrupted begins anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from service.errors import RegistryError
from service.fhir import definitions
from service.fhir.json import loads
from service.interactions.definitions import Custom, Whole
from service.interactions.follow import INTERVAL
from service.interactions.parameters import Parameters
from service.search.index import rows, rows_of
from service.search.parameters import Catalogue, Parameter
from service.search.rows import Row
from service.store.base import HistoryQuery

BATCH: Final = 200
"""Versions whose rows are added in one step."""
GRACE: Final = 2 * INTERVAL
"""Seconds after which no process searches by, or writes rows for, a parameter that is gone."""

Rows = Callable[[dict[str, Any]], Sequence[Row]]

log = logging.getLogger(__name__)


class Indexer:
    """What one process does in the background, from when its parameters change."""

    def __init__(self, parameters: Parameters) -> None:
        self._parameters = parameters
        self._task: asyncio.Task[None] | None = None
        parameters.changed = self.wake

    def wake(self) -> None:
        """Begin, unless it is under way."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follow what other processes define for as long as this lasts."""
        await self._parameters.refresh(now=True)
        ticking = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            tasks = [task for task in (ticking, self._task) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            try:
                await self._parameters.refresh()
            except RegistryError as problem:
                log.info("The search parameters cannot be read now: %s", problem)

    async def _work(self) -> None:
        parameters = self._parameters
        try:
            while not parameters.idle:
                if parameters.whole is not None and parameters.whole.running:
                    await index_whole(parameters, parameters.whole)
                elif customs := parameters.unsettled:
                    await self._index(customs)
                else:
                    await self._remove()
        except RegistryError as problem:  # the next refresh begins anew
            log.warning("Indexing is interrupted: %s", problem)
        except Exception:
            # Meant to be as broad as that: nobody waits for this task, so whatever ends it unseen would leave a
            # parameter "indexing" for ever. The trace is logged, and the next refresh begins anew.
            log.exception("Indexing failed.")

    async def _index(self, customs: Sequence[Custom]) -> None:
        parameters = self._parameters
        await _older_writes(parameters)
        catalogue = parameters.indexed
        wanted = _parameters_of(customs, catalogue)
        # What others have indexed lacks only what this process may have written without knowing of it.
        late = all(custom.ready for custom in customs)
        after = min(custom.seq for custom in customs) - 1 if late else 0
        total = await parameters.store.history_count(HistoryQuery())
        for custom in customs:
            custom.done, custom.total = 0, total

        def found(resource: dict[str, Any]) -> Sequence[Row]:
            return rows_of(resource, wanted.get(resource["resourceType"], ()), parameters.bases)

        async for number in _add(parameters, found, after):
            for custom in customs:
                custom.done = min(custom.done + number, total)
            gone = not any(custom.position in parameters.customs for custom in customs)
            if gone or (not late and all(custom.ready for custom in customs)):  # another process was faster
                return
        await parameters.complete(customs)

    async def _remove(self) -> None:
        """Remove what is under the keys of a parameter that is gone; the resources say which keys those are."""
        parameters = self._parameters
        custom, catalogue = parameters.retired[0]
        await asyncio.sleep(GRACE)
        await _older_writes(parameters)
        wanted = _parameters_of([custom], catalogue)
        keys: set[str] = set()
        async for version in parameters.store.tail(0):
            if version.json is not None and version.type in wanted:
                keys.update(row.key for row in rows_of(loads(version.json), wanted[version.type]))
                await asyncio.sleep(0)
        await parameters.store.remove_rows(sorted(keys))
        parameters.retired.pop(0)


async def index_whole(parameters: Parameters, whole: Whole, progress: Callable[[], None] = lambda: None) -> None:
    """Add all rows of all versions anew, for every parameter."""
    await _older_writes(parameters)
    catalogue, customs = parameters.indexed, list(parameters.customs.values())
    whole.total = await parameters.store.history_count(HistoryQuery())
    whole.done = 0
    progress()
    async for number in _add(parameters, lambda resource: rows(resource, catalogue, whole.bases), 0):
        whole.done += number
        progress()
    await parameters.complete(customs)
    whole.running = False


async def _older_writes(parameters: Parameters) -> None:
    """Wait for the writes that began before the newest parameters were known."""
    while not parameters.written_before(parameters.generation):
        await asyncio.sleep(0.01)


async def _add(parameters: Parameters, found: Rows, after: int) -> AsyncIterator[int]:
    """Add rows to every version after a seq; yield the number of versions after each step."""
    batch: list[tuple[int, Sequence[Row]]] = []
    async for version in parameters.store.tail(after):
        batch.append((version.position, () if version.json is None else found(loads(version.json))))
        await asyncio.sleep(0)  # requests go first
        if len(batch) == BATCH:
            await parameters.store.add_rows([each for each in batch if each[1]])
            yield len(batch)
            batch = []
    await parameters.store.add_rows([each for each in batch if each[1]])
    yield len(batch)


def _parameters_of(customs: Iterable[Custom], catalogue: Catalogue) -> dict[str, list[Parameter]]:
    """Resource type -> what these parameters are for it."""
    urls = {custom.definition.url for custom in customs}
    found = {
        type_: [each for each in catalogue.for_type(type_).values() if each.url in urls]
        for type_ in definitions.resource_types()
    }
    return {type_: parameters for type_, parameters in found.items() if parameters}
