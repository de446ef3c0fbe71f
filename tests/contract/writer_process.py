"""A process that commits for ever and prints each acknowledged commit, until it is killed.

``python -m tests.contract.writer_process KIND LOCATION NAME``: every commit writes three resources with the commit's
number in them (``NAME-a``, ``NAME-b``, and ``NAME-`` with the number), four commits are under way at any time, and a
line with the number is printed once the store has acknowledged it.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Iterator

from service.store.base import Store
from tests.contract.making import named
from tests.support.stores import open_at

LANES = 4


async def lane(store: Store, name: str, numbers: Iterator[int]) -> None:
    """Commit one number after the other."""
    for number in numbers:
        marks = (f"{name}{number}", "any")
        await store.commit([named(f"{name}-{part}", *marks, value=number) for part in ("a", "b", number)])
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


async def main(kind: str, location: str, name: str) -> None:
    """Open the store and write until the end."""
    store = await open_at(kind, location)
    numbers = itertools.count(1)
    await asyncio.gather(*(lane(store, name, numbers) for _ in range(LANES)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
