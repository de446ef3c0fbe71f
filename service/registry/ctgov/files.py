"""Records in files and in the bodies of requests: a record, a page of a search, or NDJSON with one record per line.

A page is what ``GET /studies`` of the API answers: ``{"studies": [...]}``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from service.errors import Invalid, NotFound, RegistryError
from service.fhir.json import parse

SUFFIXES: Final = (".json", ".ndjson", ".jsonl")


@dataclass(frozen=True, slots=True)
class Record:
    """A record, and where it was read."""

    place: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unread:
    """What is no record, where it was read, and why it is none."""

    place: str
    error: RegistryError


def of_value(data: dict[str, Any], place: str) -> Iterator[Record]:
    """The records of a page, or the record itself; raises :class:`Invalid`."""
    if "studies" not in data:
        yield Record(place, data)
        return
    studies = data["studies"]
    if not isinstance(studies, list) or not all(isinstance(each, dict) for each in studies):
        raise Invalid("studies is not a list of records.", code="structure", expression="studies")
    for index, study in enumerate(studies):
        yield Record(f"{place} studies[{index}]", study)


def of_file(path: Path) -> Iterator[Record | Unread]:
    """The records of a file; a line of NDJSON that is none does not end it."""
    if path.suffix == ".json":
        yield from _of_text(path.read_bytes(), str(path))
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield from _of_text(line, f"{path}:{number}")


def _of_text(text: bytes, place: str) -> Iterator[Record | Unread]:
    try:
        yield from of_value(parse(text).data, place)
    except RegistryError as error:
        yield Unread(place, error)


def files(path: Path) -> list[Path]:
    """A file, or the files of a folder that may hold records; raises :class:`NotFound`."""
    if path.is_dir():
        found = sorted(each for each in path.iterdir() if each.suffix in SUFFIXES and each.is_file())
        if found:
            return found
        raise NotFound(f"There is no file of records ({', '.join(SUFFIXES)}) in {path}.")
    if path.is_file():
        return [path]
    raise NotFound(f"{path} is neither a file nor a folder.")


def records(path: Path) -> Iterator[Record | Unread]:
    """The records of a file or folder."""
    for each in files(path):
        yield from of_file(each)
