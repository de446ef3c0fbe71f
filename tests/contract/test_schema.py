"""A registry whose tables another version of this software has made."""

from __future__ import annotations

import sqlite3

import pytest
from pymongo import AsyncMongoClient

from service.errors import Unavailable
from tests.support.stores import Place

pytestmark = pytest.mark.anyio


async def make_older(place: Place) -> None:
    """Give the registry at a place the number of an older schema."""
    if place.kind == "sqlite":
        connection = sqlite3.connect(place.location)
        connection.execute("PRAGMA user_version = 1")
        connection.close()
        return
    client: AsyncMongoClient[dict[str, object]] = AsyncMongoClient(place.location)
    async with client:
        await client.get_default_database()["registry"].update_one({"_id": "identity"}, {"$set": {"schema": 0}})


async def test_an_older_registry_is_refused(lasting: Place) -> None:
    """It is not opened, nor changed: the refusal names both numbers and says how its content gets here."""
    await (await lasting.open()).close()
    await make_older(lasting)
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"has schema [01]; .* reads \d+\. .*export.*import"):
            await lasting.open()
