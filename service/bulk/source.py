"""Where resources come from: NDJSON, JSON, either of them packed with gzip, folders of these, the standard input."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase, BufferedReader
from pathlib import Path
from typing import Final, cast

from service.bulk.packed import MAGIC
from service.errors import Invalid, Issue, NotFound, RegistryError
from service.fhir.json import loads

STDIN: Final = "-"
MAX_LINE: Final = 64 * 1024 * 1024
"""Bytes of one line of NDJSON, or of one JSON file, at the most."""
PLAIN: Final = (".json", ".ndjson")
ANY: Final = (*PLAIN, ".json.gz", ".ndjson.gz")
"""How the names of files end in which resources are looked for: not packed, or packed too."""
# What a FHIR package or an export says of itself.
_NO_RESOURCES: Final = ("package.json", "manifest.json", "job.json")


@dataclass(frozen=True, slots=True)
class Line:
    """The text of one resource; it begins at line ``number`` of its source."""

    source: str
    number: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no resource at a line."""

    source: str
    number: int
    issues: tuple[Issue, ...]


def find_files(paths: Sequence[str], suffixes: tuple[str, ...] = ANY) -> list[str]:
    """Return the files, and those with one of the suffixes directly in folders; raises :class:`NotFound`."""
    files: list[str] = []
    for path in map(Path, paths):
        if str(path) == STDIN or path.is_file():
            files.append(str(path))
        elif path.is_dir():
            files += [str(each) for each in sorted(path.iterdir()) if _holds_resources(each, suffixes)]
        else:
            raise NotFound(f"{path} is neither a file nor a folder.")
    if not files:
        raise NotFound(f"There is no JSON file in {', '.join(paths)}.")
    return files


def lines(source: str) -> Iterator[Line | Problem]:
    """Yield the resources of a file, or of the standard input, one in memory at a time.

    A file is NDJSON where its name says so, or where its first line is whole; anything else is one JSON text.
    """
    named = source.removesuffix(".gz").endswith(".ndjson")
    with _opened(source) as stream:
        number = 0
        try:
            while text := stream.readline(MAX_LINE + 1):
                number += 1
                if number == 1 and not named and not _is_object(text):
                    text += stream.read(MAX_LINE + 1 - len(text))
                if len(text) > MAX_LINE:
                    yield Problem(source, number, (Issue("fatal", "too-long", f"More than {MAX_LINE} bytes."),))
                    while text and not text.endswith(b"\n"):
                        text = stream.readline(MAX_LINE)
                elif not text.isspace():
                    yield Line(source, number, text)
        except (EOFError, gzip.BadGzipFile) as problem:
            issue = Issue("fatal", "structure", f"The file is not whole: {problem}.")
            yield Problem(source, number + 1, (issue,))


@contextmanager
def _opened(source: str) -> Iterator[BufferedIOBase]:
    if source == STDIN:
        yield _unpacked(cast(BufferedReader, sys.stdin.buffer))
        return
    with Path(source).open("rb") as stream:
        yield _unpacked(stream)


def _unpacked(stream: BufferedReader) -> BufferedIOBase:
    return gzip.GzipFile(fileobj=stream) if stream.peek(len(MAGIC)).startswith(MAGIC) else stream


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(loads(text), dict)
    except Invalid:
        return False
    except RegistryError:
        return True  # too deep: a matter of this line


def _holds_resources(path: Path, suffixes: tuple[str, ...]) -> bool:
    named = path.name.endswith(suffixes) and not path.name.startswith(".") and path.name not in _NO_RESOURCES
    return named and path.is_file()
