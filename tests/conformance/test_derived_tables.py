"""The committed tables are what the packages of the specification say."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from service.fhir import definitions
from tests.conformance.packages import package
from tools.derive_r5 import Package, derive


def test_deriving_again_gives_the_committed_tables(tmp_path: Path) -> None:
    """The tables are derived, never edited: running the tool on the packages reproduces them byte for byte."""
    names = ("hl7.fhir.r5.core", "hl7.fhir.r5.expansions", "hl7.fhir.uv.extensions.r5")
    core, expansions, extensions = (Package(package(name)) for name in names)
    written = derive(core, expansions, extensions, tmp_path)
    committed = {path.name: path.read_bytes() for path in definitions.TABLES.iterdir()}
    assert {path.name: path.read_bytes() for path in written.values()} == committed


def test_an_archive_is_read_like_the_folder_in_it(tmp_path: Path) -> None:
    """A package may be given as it was downloaded; files beside the resources are not read."""
    folder = tmp_path / "package"
    (folder / "other").mkdir(parents=True)
    (folder / "package.json").write_text('{"name": "test", "version": "1"}')
    (folder / "CodeSystem-b.json").write_text('{"resourceType": "CodeSystem", "id": "b"}')
    (folder / "CodeSystem-a.json").write_text('{"resourceType": "CodeSystem", "id": "a"}')
    (folder / ".index.json").write_text("[]")
    (folder / "other" / "CodeSystem-c.json").write_text('{"resourceType": "CodeSystem", "id": "c"}')
    with tarfile.open(tmp_path / "test.tgz", "w:gz") as archive:
        archive.add(folder, "package")
    for source in (tmp_path, folder, tmp_path / "test.tgz"):
        found = Package(source)
        assert found.manifest["name"] == "test"
        assert [system["id"] for system in found.of_type("CodeSystem")] == ["a", "b"]


def test_a_folder_without_a_manifest_is_no_package(tmp_path: Path) -> None:
    """A wrong path ends with a message, not with empty tables."""
    with pytest.raises(SystemExit, match="not a FHIR package"):
        Package(tmp_path)
