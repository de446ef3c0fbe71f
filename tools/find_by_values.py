"""Find every example resource over HTTP by every value that another FHIRPath engine extracts from it.

::

    python -m tools.find_by_values ORACLE.jsonl EXAMPLES [--store URL] [--every N]

ORACLE is the extraction of :mod:`tools.oracle`, EXAMPLES the folder of the resources. They are written with PUT to the
store, which must be empty: SQLite in memory, a URL, or ``stand-in`` for the MongoDB of the tests. Then all questions of
:mod:`tools.value_questions` are asked, with N only every Nth. What differs is printed; what is not explained makes the
exit status 1.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from service.compose import open_store
from service.search.parameters import Catalogue
from service.settings import Settings
from service.store.base import Store
from tools.oracle import explained, read, resources, typed
from tools.value_questions import Difference, Extract, Question, ask, client_of, indexed, questions, requests, write

UNEXPLAINED: Final = "unexplained"
_PROGRESS: Final = 1_000
"""Searches after which a line says how far it is."""


def oracle_extracts(oracle: Path, examples: Path, catalogue: Catalogue) -> Iterator[Extract]:
    """What the oracle has found in the examples."""
    lines = read(oracle)
    for file, resource in resources(examples):
        for parameter in indexed(catalogue, resource["resourceType"]):
            line = lines.get(file, {}).get(parameter.code)
            if line is None:
                continue
            elements = [
                [typed(component, held) for component, held in zip(parameter.components, element, strict=True)]
                for element in line.get("tuples", ())
            ]
            values = typed(parameter, line.get("values", []))
            yield Extract(file, resource["resourceType"], resource["id"], parameter, values, elements)


async def main(oracle: Path, examples: Path, store: str, every: int) -> int:
    """Write, ask, print, and return the exit status."""
    catalogue = Catalogue()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(client_of(await _open(stack, store)))
        start = time.monotonic()
        refused = await write(client, resources(examples))
        held: dict[str, set[str]] = {}
        for file, resource in resources(examples):
            if file not in refused:
                held.setdefault(resource["resourceType"], set()).add(resource["id"])
        print(f"{sum(map(len, held.values())):>9,}  resources written in {time.monotonic() - start:.0f} s")
        print(
            f"{len(refused):>9,}  refused: {', '.join(f'{name} ({status})' for name, status in refused.items())}",
            flush=True,
        )
        extracts = [each for each in oracle_extracts(oracle, examples, catalogue) if each.file not in refused]
        asked = questions(extracts, {type_: frozenset(ids) for type_, ids in held.items()}, catalogue)[::every]
        start = time.monotonic()
        wrong: list[Difference] = []
        together = list(requests(asked))
        for done in range(0, len(together), _PROGRESS):
            wrong += [each async for each in ask(client, together[done : done + _PROGRESS])]
            print(f"{done:>9,}  of {len(together):,} searches are done", file=sys.stderr, flush=True)
        print(f"{time.monotonic() - start:>9,.0f}  seconds for {len(together):,} searches", flush=True)
    return _report(extracts, asked, wrong)


async def _open(stack: AsyncExitStack, store: str) -> Store:
    if store == "stand-in":
        from tests.support import mongo  # the tests' own server, for those who have no other

        server = stack.enter_context(mongo.running())
        if server is None:
            raise SystemExit(mongo.HOW_TO_GET_ONE)
        url = server.database(mongo.new_database())
        opened = await open_store(Settings.model_validate({"store": url, "mongo_transactions": server.mode}))
    else:
        opened = await open_store(Settings(store=store))
    stack.push_async_callback(opened.close)
    return opened


def _report(extracts: list[Extract], asked: list[Question], wrong: list[Difference]) -> int:
    searched = {(each.type, each.search) for each in asked}
    failed = {(each.question.type, each.question.search, id_) for each in wrong for id_ in each.lacking}
    values: Counter[str] = Counter()
    nothing: Counter[str] = Counter()
    for extract in extracts:
        for answered in extract.each():
            own = [search for search in answered if (extract.type, search) in searched]
            if not answered:
                nothing[extract.parameter.type] += 1
            elif own:
                lost = any((extract.type, search, extract.id) in failed for search in own)
                values["values asked"] += 1
                values["values not found" if lost else "values found"] += 1
    for name, number in values.items():
        print(f"{number:>9,}  {name}")
    kinds = ", ".join(f"{number} {type_}" for type_, number in nothing.most_common())
    print(f"{nothing.total():>9,}  values with nothing to ask for: {kinds}")
    print(f"{len(asked):>9,}  questions")
    files = {(each.type, each.id): each.file for each in extracts}
    differences: dict[str, list[str]] = {}
    for each in wrong:
        parameter = each.question.parameter
        involved = sorted(each.lacking | each.besides)
        reasons = {explained(parameter, files.get((each.question.type, id_), "")) for id_ in involved} or {None}
        reason = UNEXPLAINED if None in reasons else ", ".join(sorted(filter(None, reasons)))
        text = f"{each.url[:200]} lacks {sorted(each.lacking)[:3]} has {sorted(each.besides)[:3]} {each.error[:300]}"
        differences.setdefault(f"{parameter.key} {each.question.search.modifier or '='}: {reason}", []).append(text)
    print(f"{len(wrong):>9,}  differences")
    for name, texts in sorted(differences.items()):
        print(f"{len(texts):>9,}  {name}: {texts[0]}")
    return 1 if any(name.endswith(UNEXPLAINED) for name in differences) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("oracle", type=Path)
    parser.add_argument("examples", type=Path)
    parser.add_argument("--store", default="sqlite://")
    parser.add_argument("--every", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    given = _arguments()
    sys.exit(asyncio.run(main(given.oracle, given.examples, given.store, given.every)))
