"""Resources in files: what ``load`` and ``validate`` read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.errors import Invalid, Issue, NotFound, RegistryError
from service.fhir import definitions
from service.fhir.json import Document, parse
from service.interactions.create import create
from service.interactions.engine import Engine, Written
from service.interactions.entries import parse_entries
from service.interactions.transaction import bundle_entries, write
from service.interactions.update import update

LOCAL_BASE = "https://trial-registry.example.org/fhir"
"""The base that links of a response are made with where there is no server."""


@dataclass(frozen=True, slots=True)
class ResourceFile:
    """A file with one resource."""

    path: Path

    def read(self) -> bytes:
        """Return its bytes."""
        return self.path.read_bytes()

    def document(self) -> Document:
        """Return its parsed content; raises :class:`Invalid`."""
        return parse(self.read())


@dataclass(slots=True)
class Loaded:
    """What a load did."""

    files: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0

    def count(self, written: Written) -> None:
        """Add what a write did."""
        setattr(self, written.effect, getattr(self, written.effect) + 1)


# What a FHIR package says of itself, https://hl7.org/fhir/R5/packages.html.
_NO_RESOURCES: Final = ("package.json", ".index.json")


def read_resources(paths: Sequence[Path]) -> list[ResourceFile]:
    """Return the files, and the resources directly in the folders (``*.json``); raises :class:`NotFound`."""
    files: list[ResourceFile] = []
    for path in paths:
        if path.is_dir():
            files.extend(ResourceFile(each) for each in sorted(path.glob("*.json")) if each.name not in _NO_RESOURCES)
        elif path.is_file():
            files.append(ResourceFile(path))
        else:
            raise NotFound(f"{path} is neither a file nor a folder.")
    if not files:
        raise NotFound(f"There is no JSON file in {', '.join(map(str, paths))}.")
    return files


async def load_paths(engine: Engine, files: Sequence[ResourceFile], done: Callable[[], None]) -> Loaded:
    """Load every file: a transaction Bundle is processed, any other resource is stored under its id.

    ``done`` is called after each file. Raises the first error, with the file in front of every issue.
    """
    loaded = Loaded()
    for file in files:
        try:
            with engine.parameters.writing():
                await _load(engine, file, loaded)
        except RegistryError as error:
            error.issues = tuple(
                Issue(each.severity, each.code, f"{file.path}: {each.diagnostics}", each.expression, each.rule)
                for each in error.issues
            )
            raise
        loaded.files += 1
        done()
    return loaded


async def _load(engine: Engine, file: ResourceFile, loaded: Loaded) -> None:
    data = file.document().data
    type_ = data.get("resourceType")
    if type_ == "Bundle" and data.get("type") == "transaction":
        steps = parse_entries(bundle_entries(data), LOCAL_BASE)
        for written in (await write(engine, steps, LOCAL_BASE)).values():
            loaded.count(written)
    elif isinstance(type_, str) and type_ in definitions.resource_types():
        body = file.read()
        loaded.count(
            await (update(engine, type_, str(data["id"]), body) if "id" in data else create(engine, type_, body))
        )
    else:
        raise Invalid(f"{type_!r} is not a resource type of FHIR R5.", expression="resourceType")
