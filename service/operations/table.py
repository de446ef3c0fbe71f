"""Evidence/$table: the statistics of the results that a search finds, as a table with one row each.

Defined by OperationDefinition-table.json of the registry's package; the columns are in docs/tables.md. What is found is
read page by page as it stood at one seq, so that a table of any length is of one moment and takes little memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from service.errors import Invalid, NotFound
from service.fhir.json import loads
from service.fhir.references import is_id
from service.interactions.engine import Engine, existing
from service.interactions.search import seq_of
from service.operations.call import Call
from service.registry.table.column import Fact
from service.registry.table.dictionary import record, references
from service.search.escaping import split
from service.search.parse import Pairs, parse, parse_criteria
from service.search.query import Query
from service.search.request import CONTROLS
from service.store.base import Version

Rows = list[list[str]]
EVIDENCE: Final = "Evidence"
STUDY: Final = "ResearchStudy"
PAGE: Final = 100
"""Evidence that is read at once."""
KNOWN: Final = 5_000
"""Resources that are remembered, because the rows of many Evidence name them."""
_TAKEN: Final = frozenset({"_sort", "_asOf"})


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in an order that holds, by pages of Evidence, and the criteria that they were found by."""

    criteria: Pairs
    pages: AsyncIterator[Rows]


async def table(call: Call) -> Table:
    """Return what the request asks for; the first page is read, so that whatever is wrong with it is raised here.

    Raises :class:`Invalid` for a parameter that is not understood, and :class:`NotFound` for a study that is not there.
    """
    engine = call.engine
    criteria = [*call.inputs.pairs, *([("_id", call.id)] if call.id is not None else [])]
    for name, _ in criteria:
        if name.partition(":")[0] in CONTROLS - _TAKEN:
            raise Invalid(f"A table is whole: it has no {name}.", code="not-supported", expression=name)
    if not any(name == "_sort" for name, _ in criteria):
        criteria.append(("_sort", "_id"))
    if call.id is not None:
        existing(await engine.store.read(EVIDENCE, call.id), EVIDENCE, call.id)
    seq = await seq_of(engine, parse(engine.catalogue, EVIDENCE, _but_studies(criteria), engine.context))
    found = [(name, await _studies(engine, text, seq) if name == "study" else text) for name, text in criteria]
    query = parse(engine.catalogue, EVIDENCE, found, engine.context).query
    pages = _pages(engine, query, seq)
    first: Rows = await anext(pages, [])
    return Table(criteria, _after(first, pages))


def _but_studies(criteria: Pairs) -> list[tuple[str, str]]:
    return [each for each in criteria if each[0] != "study"]


async def _after(first: Rows, pages: AsyncIterator[Rows]) -> AsyncIterator[Rows]:
    yield first
    async for page in pages:
        yield page


async def _pages(engine: Engine, query: Query, seq: int) -> AsyncIterator[Rows]:
    targets = Targets(engine, seq)
    async for versions in engine.pages(query, seq, PAGE):
        yield await rows_of(versions, targets)


async def rows_of(versions: Sequence[Version], targets: Targets) -> Rows:
    """Return the rows of Evidence."""
    resources = [loads(version.json or b"{}") for version in versions]
    known = await targets.of({each for resource in resources for each in references(resource)})
    return [
        record(Fact(resource, statistic, place, known))
        for resource in resources
        for place, statistic in enumerate(resource.get("statistic", ()))
    ]


@dataclass(slots=True)
class Targets:
    """What references name, as it stood at a seq."""

    engine: Engine
    seq: int
    _known: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def of(self, wanted: set[str]) -> Mapping[str, dict[str, Any]]:
        """Return what is known of these references, and maybe of others."""
        if len(self._known) > KNOWN:
            self._known = {}
        keys: dict[str, tuple[str, str]] = {}
        for text in wanted - self._known.keys():
            literal = self.engine.local(text)
            if literal is not None:
                keys[text] = (literal.type, literal.id)
        found = await self.engine.store.read_many(sorted(set(keys.values())), self.seq)
        for text, key in keys.items():
            version = found.get(key)
            self._known[text] = loads(version.json) if version is not None and version.json is not None else {}
        return self._known


async def _studies(engine: Engine, text: str, seq: int) -> str:
    """Replace the numbers of studies, such as NCT numbers, by their ids; what else names a study stays."""
    return ",".join([each for part in split(text, ",") for each in await study_ids(engine, part, seq)])


async def study_ids(engine: Engine, text: str, seq: int) -> list[str]:
    """Return the ids of the studies that an id, a reference or an identifier names.

    Raises :class:`NotFound` where there is none.
    """
    literal = engine.local(text)
    id_ = literal.id if literal is not None and literal.type == STUDY else text
    if is_id(id_):
        known = await engine.store.read(STUDY, id_, seq)
        if known is not None and known.json is not None:
            return [id_]
    query = parse_criteria(engine.catalogue, STUDY, [("identifier", text)], engine.context)
    found = await engine.store.search(query, seq, limit=engine.limits.largest_page)
    if not found:
        raise NotFound(f"No study has the id or the identifier {text!r}.", expression="study")
    return [each.id for each in found]
