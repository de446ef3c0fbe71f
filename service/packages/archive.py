"""The files of a package that is one compressed archive (https://hl7.org/fhir/R5/packages.html).

Nothing is unpacked to the disk: the archive is read once, from its beginning to its end, and what is of use is kept in
memory, compressed. So no name in it can lead anywhere, and its size is bounded before it is believed.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from service.errors import Invalid, TooLarge

MAX_ARCHIVE: Final = 512 * 1024 * 1024
"""Bytes that an archive may unfold to, everything in it counted."""
MAX_FILE: Final = 64 * 1024 * 1024
"""Bytes of one file in it."""
MAX_FILES: Final = 50_000
FOLDER: Final = "package"
"""The folder of a package that holds its resources; other folders have examples and what the format does not define."""

_CHUNK: Final = 1 << 16


def read_archive(path: Path) -> Mapping[str, bytes]:
    """Return the JSON files directly in the folder ``package``: name -> content compressed by zlib.

    Raises :class:`Invalid` for what is no such archive or has names or links that lead out of it, and
    :class:`TooLarge` beyond the bounds of this module.
    """
    files: dict[str, bytes] = {}
    try:
        with (
            gzip.open(path) as unfolded,
            tarfile.open(fileobj=_Bounded(unfolded, path), mode="r|", bufsize=_CHUNK) as archive,  # type: ignore[call-overload]  # needs no more than read()
        ):
            for number, member in enumerate(archive):
                if number >= MAX_FILES:
                    raise TooLarge(f"{path} has more than {MAX_FILES} files.")
                name = _name(member, path)
                if name is not None:
                    content = archive.extractfile(member)
                    files[name] = zlib.compress(content.read() if content else b"", 1)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as problem:
        raise Invalid(f"{path} is not a whole .tgz archive: {problem}.", code="structure") from None
    return files


def _name(member: tarfile.TarInfo, path: Path) -> str | None:
    """Return the name of a file that is of use; raises for a member that no honest package has."""
    parts = PurePosixPath(member.name).parts
    if member.name.startswith("/") or ".." in parts or "\\" in member.name:
        raise Invalid(f"{path} has a file that would lie outside of it: {member.name!r}.", code="security")
    if not (member.isfile() or member.isdir()):
        raise Invalid(f"{path} has a link or device: {member.name!r}.", code="security")
    if not member.isfile() or len(parts) != 2 or parts[0] != FOLDER or not parts[1].endswith(".json"):
        return None
    if member.size > MAX_FILE:
        raise TooLarge(f"{member.name} in {path} has {member.size} bytes; the limit is {MAX_FILE}.")
    return parts[1]


class _Bounded:
    """Passes bytes on until there are too many: a small archive may unfold to more than any disk holds."""

    def __init__(self, source: gzip.GzipFile, path: Path) -> None:
        self._source, self._path, self._left = source, path, MAX_ARCHIVE

    def read(self, size: int) -> bytes:
        content = self._source.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise TooLarge(f"{self._path} unfolds to more than {MAX_ARCHIVE} bytes.")
        return content
