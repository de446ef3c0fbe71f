"""Packages made for a test, as folders and as archives."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Json = dict[str, Any]
BASE = "https://example.org"


def manifest(name: str = "test.a", version: str = "1.0.0", **members: Any) -> Json:
    """Return a package.json."""
    return {"name": name, "version": version, "fhirVersions": ["5.0.0"], **members}


def value_set(name: str, version: str = "1.0.0", **members: Any) -> Json:
    """Return a ValueSet with a canonical URL."""
    return {
        "resourceType": "ValueSet",
        "url": f"{BASE}/ValueSet/{name}",
        "version": version,
        "status": "active",
        **members,
    }


def folder(place: Path, files: Mapping[str, Any], about: Json | None = None) -> Path:
    """Write a package into ``package/`` below a place; what is bytes is written as it is."""
    below = place / "package"
    below.mkdir(parents=True)
    for name, content in {"package.json": about or manifest(), **files}.items():
        (below / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return place


def member(name: str, content: Any, kind: bytes = tarfile.REGTYPE, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    """Return one member of an archive."""
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(text)
    return info, text


def archive(path: Path, members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> Path:
    """Write an archive of these members."""
    with tarfile.open(path, "w:gz") as made:
        for info, content in members:
            made.addfile(info, io.BytesIO(content))
    return path


def packed(path: Path, files: Mapping[str, Any], about: Json | None = None) -> Path:
    """Write a package as an archive."""
    contents = {"package.json": about or manifest(), **files}
    return archive(path, [member(f"package/{name}", content) for name, content in contents.items()])


def zeros(path: Path, size: int) -> Path:
    """Write an archive with one file of zeros, which takes next to nothing."""
    head = tarfile.TarInfo("package/zeros.txt")
    head.size = size
    with gzip.open(path, "wb", compresslevel=1) as made:
        made.write(head.tobuf())
        block = bytes(1 << 20)
        for _ in range(size >> 20):
            made.write(block)
    return path
