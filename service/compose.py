"""The parts put together: settings, store, engine, application. Nothing else imports a concrete store."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version as distribution_version
from typing import Final
from urllib.parse import unquote

from fastapi import FastAPI
from starlette.types import Lifespan

from service.api.app import build_app
from service.errors import Invalid
from service.interactions.conformance import Conformance
from service.interactions.engine import Engine, Limits
from service.interactions.parameters import Parameters
from service.operations.indexer import Indexer
from service.rules import build_policy, open_library, search_parameters
from service.settings import Settings
from service.store.base import Store
from service.terminology.external import External, connect
from service.web.pages import Pages

log = logging.getLogger(__name__)

SQLITE: Final = "sqlite://"
MONGODB: Final = ("mongodb://", "mongodb+srv://")


async def open_store(settings: Settings) -> Store:
    """Open the store that the settings name.

    Raises :class:`Invalid` for a URL that is none, and what the store itself raises.
    """
    url = settings.store
    if url.startswith(MONGODB):
        from service.store import mongo  # the driver is loaded only where it is used

        return await mongo.open_store(
            url, transactions=settings.mongo_transactions, max_resource_size=settings.max_resource_size
        )
    if url.startswith(SQLITE):
        from service.store import sqlite

        return await sqlite.open_store(_sqlite_path(url), max_resource_size=settings.max_resource_size)
    raise Invalid(f"{url!r} is no store: sqlite:///FILE, sqlite:// or mongodb://...", expression="store")


def _sqlite_path(url: str) -> str | None:
    """``sqlite:///data/x.db`` is a relative file, ``sqlite:////data/x.db`` an absolute one, ``sqlite://`` memory."""
    rest = url.removeprefix(SQLITE)
    if rest and not rest.startswith("/"):
        raise Invalid(f"{url!r} names a host; a file is sqlite:///FILE, memory is sqlite://.", expression="store")
    return unquote(rest[1:]) or None


def build_engine(store: Store, settings: Settings, external: External | None = None) -> Engine:
    """Return the engine over a store; ``external`` is asked for codes that are not known here."""
    limits = Limits(
        resource_size=settings.max_resource_size,
        page=settings.page_size,
        largest_page=settings.max_page_size,
        conditional_delete=settings.conditional_delete_limit,
    )
    bases = (settings.base_url.rstrip("/"),) if settings.base_url else ()
    wanted = settings.packages, settings.package_cache
    parameters = Parameters(store, search_parameters(*wanted), bases)
    conformance = Conformance(store, open_library(*wanted))
    policy = build_policy(settings, conformance.library, conformance.terminology)
    return Engine(store, parameters, policy, limits, bases, conformance=conformance, external=external)


@asynccontextmanager
async def open_engine(settings: Settings) -> AsyncIterator[Engine]:
    """Open the store and close it at the end; in between, follow the search parameters that are defined in it."""
    external = connect(settings.terminology_server) if settings.terminology_server else None
    store = await open_store(settings)
    try:
        engine = build_engine(store, settings, external)
        await engine.conformance.refresh(now=True)
        for profile in (each for profiles in engine.policy.required.values() for each in profiles):
            if problem := engine.policy.unusable(profile):
                log.warning("Resources are to meet a profile that nothing can be checked against. %s", problem)
        async with Indexer(engine.parameters).following():
            yield engine
    finally:
        await store.close()
        if external is not None:
            await external.close()


def create_app(settings: Settings | None = None, ready: Callable[[], None] = lambda: None) -> FastAPI:
    """Return the application; without settings, those of the environment.

    The store is opened as it starts up; ``ready`` is called when that is done.
    """
    chosen = settings or Settings()
    current: list[Engine] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        async with open_engine(chosen) as engine:
            current.append(engine)
            ready()
            yield

    return _application(chosen, lambda: current[-1], lifespan)


def create_app_over(store: Store, settings: Settings) -> FastAPI:
    """Return the application over a store that is open, and that whoever opened it closes."""
    engine = build_engine(store, settings)
    Indexer(engine.parameters)
    return _application(settings, lambda: engine, None)


def _application(settings: Settings, engine: Callable[[], Engine], lifespan: Lifespan[FastAPI] | None) -> FastAPI:
    pages = Pages(engine, settings)
    return build_app(settings, engine, pages.routes(), lifespan, distribution_version("trial-registry"))
