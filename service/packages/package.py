"""One FHIR package: its manifest, and what is in it, known before any of it is parsed.

https://hl7.org/fhir/R5/packages.html. A package is a folder with ``package.json`` (in it, or in ``package/`` below it)
or an archive of such a folder. What its files hold is told by ``.index.json`` where that is there and complete, else by
the first look at each of them, which skips what it does not need.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from service.errors import Invalid, NotFound, RegistryError, TooLarge
from service.fhir.json import loads
from service.packages.archive import FOLDER, MAX_FILE, MAX_FILES, read_archive

_Shape = TypeVar("_Shape")

ARCHIVES: Final = (".tgz", ".tar.gz")
MANIFEST: Final = "package.json"
INDEX: Final = ".index.json"


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """What ``package.json`` says."""

    name: str
    version: str
    dependencies: Mapping[str, str] = {}
    fhir_versions: tuple[str, ...] = ()


class Entry(msgspec.Struct, frozen=True, rename={"type": "resourceType"}):
    """What a file holds: a resource of this type, with this URL and business version if it has any."""

    filename: str = ""
    type: str | None = None
    url: str | None = None
    version: str | None = None


class _Index(msgspec.Struct, frozen=True):
    files: tuple[Entry, ...]


Reader = Callable[[str], bytes]
"""From the name of a file to its content."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package that can be read: ``entries`` are its canonical resources; ``place`` is where it was found."""

    manifest: Manifest
    place: Path
    entries: tuple[Entry, ...]
    reader: Reader

    @property
    def label(self) -> str:
        """Its name and version as the package cache writes them."""
        return f"{self.manifest.name}#{self.manifest.version}"

    def mentions(self, entry: Entry, text: bytes) -> bool:
        """Whether the file of an entry may have this text, which costs less to know than to parse it."""
        try:
            return text in self.reader(entry.filename)
        except RegistryError:  # whoever asks for the resource is told
            return True

    def resource(self, entry: Entry) -> dict[str, Any]:
        """Return the resource of an entry; raises :class:`Invalid` where the file does not hold what it is said to."""
        try:
            resource = loads(self.reader(entry.filename))
        except RegistryError as problem:
            raise Invalid(f"{entry.filename} of {self.label}: {problem}", code="structure") from None
        found = [resource.get(name) for name in ("resourceType", "url")] if isinstance(resource, dict) else []
        if found != [entry.type, entry.url]:
            raise Invalid(f"{entry.filename} of {self.label} is not the {entry.type} {entry.url}.", code="structure")
        return dict(resource)


def open_package(place: Path) -> Package:
    """Open a folder or an archive.

    Raises :class:`NotFound` where there is none, :class:`Invalid` for what is no package, and :class:`TooLarge`.
    """
    if place.is_dir():
        folder = next((each for each in (place / FOLDER, place) if (each / MANIFEST).is_file()), None)
        if folder is None:
            raise NotFound(f"{place} is no FHIR package: it has no {MANIFEST}.")
        names = sorted(each.name for each in folder.glob("*.json") if each.is_file())
        return _package(place, names, lambda name: _read_file(folder / name))
    if place.is_file() and place.name.endswith(ARCHIVES):
        files = read_archive(place)
        if MANIFEST not in files:
            raise Invalid(f"{place} is no FHIR package: it has no {FOLDER}/{MANIFEST}.", code="structure")
        return _package(place, sorted(files), lambda name: zlib.decompress(files[name]))
    raise NotFound(f"{place} is neither a folder nor a .tgz archive.")


def _package(place: Path, names: list[str], reader: Reader) -> Package:
    if len(names) > MAX_FILES:
        raise TooLarge(f"{place} has more than {MAX_FILES} files.")
    manifest = _decode(reader(MANIFEST), Manifest, f"{MANIFEST} of {place}")
    files = [name for name in names if name not in (MANIFEST, INDEX)]
    entries = _indexed(reader, place) if INDEX in names else None
    if entries is None or sorted(entry.filename for entry in entries) != files:  # edited by hand after it was made
        entries = _looked_at(files, reader, place)
    return Package(manifest, place, tuple(entry for entry in entries if entry.type and entry.url), reader)


def _indexed(reader: Reader, place: Path) -> tuple[Entry, ...]:
    return _decode(reader(INDEX), _Index, f"{INDEX} of {place}").files


def _looked_at(files: Iterable[str], reader: Reader, place: Path) -> tuple[Entry, ...]:
    heads = ((name, _decode(reader(name), Entry, f"{name} of {place}", otherwise=Entry())) for name in files)
    return tuple(msgspec.structs.replace(head, filename=name) for name, head in heads)


def _read_file(path: Path) -> bytes:
    if path.stat().st_size > MAX_FILE:
        raise TooLarge(f"{path} has more than {MAX_FILE} bytes.")
    return path.read_bytes()


def _decode(content: bytes, shape: type[_Shape], what: str, *, otherwise: _Shape | None = None) -> _Shape:
    """Decode JSON; ``otherwise`` is returned for what is JSON of another shape, which is refused without it."""
    try:
        return msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        if otherwise is not None and isinstance(problem, msgspec.ValidationError):
            return otherwise
        raise Invalid(f"{what} cannot be read: {problem}.", code="structure") from None
