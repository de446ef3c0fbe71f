"""The pages of an application over a store in memory: what is shown does not depend on the store."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from service.compose import create_app_over
from service.settings import Settings
from service.store.sqlite import open_store
from tests.support.asking import BASE, Fhir


@pytest.fixture
async def fhir(anyio_backend: str) -> AsyncIterator[Fhir]:  # noqa: ARG001
    """A client of an empty registry."""
    store = await open_store(None)
    transport = httpx.ASGITransport(create_app_over(store, Settings()), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        yield Fhir(client)
    await store.close()
