"""The application over every kind of store, asked without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from service.compose import create_app_over
from service.settings import Settings
from service.store.base import Store
from tests.support.asking import BASE, Fhir
from tests.support.terminology import MAP, SET, SYSTEM

Configured = Callable[..., Fhir]


@pytest.fixture
async def configured(store: Store) -> AsyncIterator[Configured]:
    """Makes clients of applications over the same store, with settings of one's own."""
    async with AsyncExitStack() as stack:

        def make(**settings: Any) -> Fhir:
            # Whatever is not an error of the registry passes through to the test: nothing may end as a 500.
            transport = httpx.ASGITransport(create_app_over(store, Settings(**settings)), raise_app_exceptions=True)
            client = httpx.AsyncClient(transport=transport, base_url=BASE)
            stack.push_async_callback(client.aclose)
            return Fhir(client)

        yield make


@pytest.fixture
def fhir(configured: Configured) -> Fhir:
    """A client of the application with the default settings."""
    return configured()


@pytest.fixture
async def known(fhir: Fhir) -> Fhir:
    """A client of a server that has a code system, a value set and a map."""
    await fhir.store(SYSTEM, SET, MAP)
    return fhir
