"""A MongoDB for the tests: the one of ``$MONGODB_URL``, else one in Docker, else mongo-java-server, else none.

Every test has a database of its own, so one server serves all tests of a process; under pytest-xdist each worker has
its own server.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

HOW_TO_GET_ONE: Final = (
    "no MongoDB for the tests: set MONGODB_URL, or start Docker, or install Java 17 with Maven (for mongo-java-server)"
)
JAVA_SERVER_LACKS: Final = frozenset({"transactions", "explain"})
"""What mongo-java-server cannot do; a test that needs one of these says so with ``@pytest.mark.needs``."""

_HERE: Final = Path(__file__).parent / "mongo_server"
_IMAGE: Final = "mongo:8"
_JAVA_SERVER: Final = "mongo-java-server-1.47.0"
_START_SECONDS: Final = 90


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its URL, what to call it, and by name what it cannot do."""

    url: str
    name: str
    lacks: frozenset[str] = frozenset()

    @property
    def mode(self) -> str:
        """The setting ``mongo_transactions`` that a store needs here."""
        return "off" if "transactions" in self.lacks else "on"

    def database(self, name: str) -> str:
        """Return the URL of a database."""
        parts = urlsplit(self.url)
        options = dict(parse_qsl(parts.query))
        if parts.username and "authSource" not in options:
            options["authSource"] = parts.path.strip("/") or "admin"
        return urlunsplit(parts._replace(path=f"/{name}", query=urlencode(options)))

    def drop(self, name: str) -> None:
        """Remove a database."""
        with MongoClient[dict[str, object]](self.url) as client:
            client.drop_database(name)


def new_database() -> str:
    """Return a name that no other test has."""
    return f"test_{uuid.uuid4().hex}"


@cache
def kind() -> str | None:
    """Tell which MongoDB the tests will use, without starting anything."""
    if os.environ.get("MONGODB_URL"):
        return "$MONGODB_URL"
    if _docker_answers():
        return f"{_IMAGE} in Docker"
    if shutil.which("java") and (shutil.which("mvn") or _jars().is_dir()):
        return _JAVA_SERVER
    return None


def report_header() -> str:
    """Return the line for the head of a test run."""
    return f"MongoDB: {kind() or HOW_TO_GET_ONE}"


def missing(reason: str = HOW_TO_GET_ONE) -> None:
    """Skip the test that needs MongoDB; fail it in CI, where a missing server must not pass for a green run."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def running() -> Iterator[Server | None]:
    """Start the server and stop it at the end; None where there is none to be had."""
    match kind():
        case None:
            yield None
        case "$MONGODB_URL":
            yield _given(os.environ["MONGODB_URL"])
        case found if found == _JAVA_SERVER:
            with _java() as server:
                yield server
        case _:
            with _docker() as server:
                yield server


def _given(url: str) -> Server:
    with MongoClient[dict[str, object]](url, serverSelectionTimeoutMS=10_000) as client:
        hello = client.admin.command("hello")
    replicated = "setName" in hello or hello.get("msg") == "isdbgrid"
    return Server(url, "$MONGODB_URL", frozenset() if replicated else frozenset({"transactions"}))


def _docker_answers() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        return subprocess.run([docker, "info"], capture_output=True, timeout=10, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


@contextmanager
def _docker() -> Iterator[Server]:
    from testcontainers.core.container import DockerContainer

    container = DockerContainer(_IMAGE).with_command("--replSet tests --bind_ip_all").with_exposed_ports(27017)
    with container:
        host, port = container.get_container_host_ip(), container.get_exposed_port(27017)
        # Direct: the set knows its member by a name that only holds inside of the container.
        url = f"mongodb://{host}:{port}/?directConnection=true"
        _initiate(url)
        yield Server(url, f"{_IMAGE} in Docker")


def _initiate(url: str) -> None:
    members = {"_id": "tests", "members": [{"_id": 0, "host": "localhost:27017"}]}
    deadline = time.monotonic() + _START_SECONDS
    with MongoClient[dict[str, object]](url, serverSelectionTimeoutMS=1000) as client:
        while True:
            try:
                hello = client.admin.command("hello")
                if hello.get("isWritablePrimary"):
                    return
                if not hello.get("setName"):
                    client.admin.command("replSetInitiate", members)
            except PyMongoError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.2)


def _jars() -> Path:
    cache_directory = os.environ.get("TRIAL_REGISTRY_TEST_CACHE") or Path(__file__).parents[2] / ".cache"
    return Path(cache_directory).absolute() / _JAVA_SERVER


def _fetch_jars() -> Path | None:
    """Return the directory of the server's jars; None where they are not there and cannot be fetched."""
    jars, maven = _jars(), shutil.which("mvn")
    if jars.is_dir() or maven is None:
        return jars if jars.is_dir() else None
    jars.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars.parent) as temporary:
        fetched = Path(temporary) / "jars"
        command = [maven, "-q", "-B", "-f", str(_HERE / "pom.xml"), "dependency:copy-dependencies"]
        done = subprocess.run([*command, f"-DoutputDirectory={fetched}"], capture_output=True, check=False)
        if done.returncode != 0 or not fetched.is_dir():
            return None
        if not jars.is_dir():  # another worker may have been faster
            fetched.rename(jars)
    return jars


@contextmanager
def _java() -> Iterator[Server | None]:
    jars = _fetch_jars()
    if jars is None:
        yield None
        return
    command = ["java", "-Xmx768m", "-cp", f"{jars}/*", str(_HERE / "Main.java")]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            yield Server(f"mongodb://127.0.0.1:{_port(process, errors)}/", _JAVA_SERVER, JAVA_SERVER_LACKS)
        finally:
            process.terminate()


def _port(process: subprocess.Popen[str], errors: IO[str]) -> int:
    line = process.stdout.readline() if process.stdout else ""
    if not line.strip().isdigit():
        process.wait()
        errors.seek(0)
        raise RuntimeError(f"{_JAVA_SERVER} did not start: {errors.read()[-2000:]}")
    return int(line)
