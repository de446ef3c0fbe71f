"""Fixtures for the stores: every kind, in a place of its own for each test."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import settings

from service.store.base import Store
from tests.support import mongo
from tests.support.stores import Kind, Place

# Whoever works on the project meets new examples with every run; a build of CI is repeatable.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known."""
    config.addinivalue_line("markers", "needs(what): what a MongoDB server must be able to do for the test")


def pytest_report_header() -> str:
    """Say which MongoDB the run has found."""
    return mongo.report_header()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def mongo_session() -> Iterator[mongo.Server | None]:
    """One MongoDB server for the tests of this process, if there is one to be had."""
    with mongo.running() as server:
        yield server


@pytest.fixture
def mongo_server(mongo_session: mongo.Server | None, request: pytest.FixtureRequest) -> mongo.Server:
    """A MongoDB server that can do what the test needs."""
    if mongo_session is None:
        mongo.missing()
        raise AssertionError
    for marker in request.node.iter_markers("needs"):
        if marker.args[0] in mongo_session.lacks:
            pytest.skip(f"{mongo_session.name} lacks {marker.args[0]}")
    return mongo_session


@pytest.fixture
def mongo_database(mongo_server: mongo.Server) -> Iterator[str]:
    """The URL of a database that nobody else uses."""
    name = mongo.new_database()
    yield mongo_server.database(name)
    mongo_server.drop(name)


def _location(kind: str, request: pytest.FixtureRequest) -> tuple[Kind, str]:
    if kind == "mongo":
        server: mongo.Server = request.getfixturevalue("mongo_server")
        location: str = request.getfixturevalue("mongo_database")
        return "mongo" if server.mode == "on" else "mongo-single-writer", location
    path: Path = request.getfixturevalue("tmp_path")
    return ("sqlite-memory", "") if kind == "sqlite-memory" else ("sqlite", str(path / "registry.db"))


@pytest.fixture(params=["sqlite", "mongo"])
def location(request: pytest.FixtureRequest) -> tuple[Kind, str]:
    """Every kind of store that outlives its process, and where it is."""
    return _location(request.param, request)


@pytest.fixture(params=["sqlite", "sqlite-memory", "mongo"])
def any_location(request: pytest.FixtureRequest) -> tuple[Kind, str]:
    """Every kind of store, and where it is."""
    return _location(request.param, request)


@pytest.fixture
async def lasting(location: tuple[Kind, str], anyio_backend: str) -> AsyncIterator[Place]:  # noqa: ARG001
    """A place that can be closed and opened again, for every kind of store that outlives its process."""
    async with AsyncExitStack() as stack:
        yield Place(*location, stack)


@pytest.fixture
async def place(any_location: tuple[Kind, str], anyio_backend: str) -> AsyncIterator[Place]:  # noqa: ARG001
    """A place that can be opened once, for every kind of store."""
    async with AsyncExitStack() as stack:
        yield Place(*any_location, stack)


@pytest.fixture
async def store(place: Place) -> Store:
    """An empty store of every kind."""
    return await place.open()
