"""A process that sends one transaction of 2,000 entries, and says when its commit begins and when it has been answered.

``python -m tests.contract.transaction_process KIND LOCATION NUMBER``: one half of the entries are resources that every
such transaction writes anew (``shared-1`` and so on), the other half are its own (``NUMBER-1``); all are named NUMBER.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any

from service.compose import build_engine
from service.fhir.json import dumps
from service.interactions.transaction import transaction
from service.settings import Settings
from service.store.base import Change, Committed, Guard
from tests.support.bundles import entry, group
from tests.support.bundles import transaction as bundle
from tests.support.stores import open_at

ENTRIES = 2_000


def say(word: str) -> None:
    """Tell whoever started this."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def body(number: int) -> bytes:
    """The Bundle."""
    ids = [f"{owner}-{index}" for index in range(ENTRIES // 2) for owner in ("shared", number)]
    return dumps(bundle(*(entry("PUT", f"Group/{id_}", group(id=id_, name=str(number))) for id_ in ids)))


async def main(kind: str, location: str, number: int) -> None:
    """Send it."""
    store: Any = await open_at(kind, location)
    commit = store.commit

    async def announced(changes: Sequence[Change], guards: Sequence[Guard] = ()) -> list[Committed]:
        say("commit")
        found: list[Committed] = await commit(changes, guards)
        say("done")
        return found

    store.commit = announced
    await transaction(build_engine(store, Settings()), body(number), "http://registry.test/fhir")
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
