"""One package: https://hl7.org/fhir/R5/packages.html."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from service.errors import Invalid, NotFound, RegistryError, TooLarge
from service.packages import archive as reading
from service.packages.library import package_library
from service.packages.package import Package, open_package
from service.registry.package import folder as own_package
from tests.unit.packages.making import BASE, archive, folder, manifest, member, packed, value_set, zeros

A = f"{BASE}/ValueSet/a"
FILES = {"ValueSet-a.json": value_set("a"), "ValueSet-b.json": value_set("b")}


def urls(package: Package) -> list[str | None]:
    """Return the URLs of what a package has."""
    return [entry.url for entry in package.entries]


def flat(place: Path) -> Path:
    """Return a package whose files are in the folder itself, as those of this project are."""
    return folder(place, FILES) / "package"


@pytest.mark.parametrize("make", [lambda p: folder(p / "x", FILES), flat, lambda p: packed(p / "x.tgz", FILES)])
def test_the_forms_of_a_package(make: Any, tmp_path: Path) -> None:
    """packages.html: a folder ``package`` in an archive; unpacked, with and without that folder, it is the same."""
    package = open_package(make(tmp_path))
    assert package.label == "test.a#1.0.0"
    assert urls(package) == [A, f"{BASE}/ValueSet/b"]
    assert package_library([package]).find("ValueSet", A) == value_set("a")


def test_only_canonical_resources_count(tmp_path: Path) -> None:
    """Examples lie in folders of their own; JSON without type or URL is nothing that can be referred to."""
    files = {"x.json": {"resourceType": "Patient", "id": "x"}, "y.json": [1], "z.json": {"url": 5}, **FILES}
    place = folder(tmp_path / "x", files)
    (place / "package" / "example").mkdir()
    (place / "package" / "example" / "e.json").write_text("{")
    assert len(open_package(place).entries) == 2
    members = [member(f"package/{name}", content) for name, content in {"package.json": manifest(), **files}.items()]
    whole = archive(tmp_path / "x.tgz", [*members, member("package/example/e.json", b"{"), member("other/x.json", b"")])
    assert len(open_package(whole).entries) == 2


def test_the_index_is_believed_where_it_is_complete(tmp_path: Path) -> None:
    """packages.html: .index.json saves the look at every file; one that misses a file is stale, and not used."""
    listed = {"filename": "ValueSet-a.json", "resourceType": "ValueSet", "url": A}
    complete = {"index-version": 2, "files": [listed, {"filename": "broken.json", "resourceType": "ValueSet"}]}
    files = {"ValueSet-a.json": value_set("a"), "broken.json": b"{"}
    assert urls(open_package(folder(tmp_path / "x", {**files, ".index.json": complete}))) == [A]
    with pytest.raises(Invalid, match=r"broken\.json"):
        open_package(folder(tmp_path / "y", {**files, ".index.json": {"files": [listed]}}))


def test_resources_are_parsed_when_they_are_asked_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A package of thousands costs its index: what is wrong deep in a file is met, and logged, when it is looked up."""
    half = b'{"resourceType":"ValueSet","url":"https://example.org/ValueSet/h","version":"1","compose":{"a":1,"a":2}}'
    library = package_library([open_package(folder(tmp_path / "x", {**FILES, "h.json": half}))])
    assert library.find("ValueSet", A) == value_set("a")
    assert library.find("ValueSet", f"{BASE}/ValueSet/h") is None
    assert [each.getMessage() for each in caplog.records if "h.json of test.a#1.0.0" in each.getMessage()]
    assert len(list(library.of_type("ValueSet"))) == 2


def test_an_index_that_is_wrong_about_a_file(tmp_path: Path) -> None:
    """A file that does not hold what it is said to is an error that names it, and never taken for another."""
    index = {"files": [{"filename": "x.json", "resourceType": "ValueSet", "url": A}]}
    package = open_package(folder(tmp_path / "x", {"x.json": value_set("b"), ".index.json": index}))
    with pytest.raises(Invalid, match=r"x\.json"):
        package.resource(package.entries[0])
    assert package_library([package]).find("ValueSet", A) is None


def test_versions_of_a_url(tmp_path: Path) -> None:
    """references.html#canonical: without a version the newest active one, also of those not yet parsed."""
    files = {
        "1.json": value_set("a", "1.9.0"),
        "2.json": value_set("a", "1.10.0"),
        "3.json": value_set("a", "2.0.0", status="draft"),
    }
    library = package_library([open_package(folder(tmp_path / "x", files))])
    assert (library.find("ValueSet", A) or {})["version"] == "1.10.0"
    assert (library.find("ValueSet", f"{A}|2.0.0") or {})["status"] == "draft"
    assert library.find("ValueSet", f"{A}|3") is None
    assert len(list(library.of_type("ValueSet"))) == 3
    assert list(library.of_type("CodeSystem")) == []


def test_looking_up_is_no_change(tmp_path: Path) -> None:
    """What is compiled from a library stays good while resources are only parsed; what is added stands before."""
    library = package_library([open_package(folder(tmp_path / "x", FILES))])
    before = library.generation()
    library.find("ValueSet", A)
    assert library.generation() == before
    changed = value_set("b", title="changed")
    library.add(changed)
    assert library.find("ValueSet", f"{BASE}/ValueSet/b") == changed
    assert library.generation() != before


def test_the_package_of_the_registry() -> None:
    """fhir_profiles/ is a FHIR package that any tool, this loader included, can read."""
    package = open_package(own_package())
    assert package.manifest.name == "org.example.trial-registry"
    assert {entry.type for entry in package.entries} >= {"SearchParameter", "OperationDefinition"}


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (member("../evil.json", b"{}"), "outside"),
        (member("package/../../evil.json", b"{}"), "outside"),
        (member("/etc/evil.json", b"{}"), "outside"),
        (member("package\\evil.json", b"{}"), "outside"),
        (member("package/evil.json", b"", tarfile.SYMTYPE, "/etc/passwd"), "link"),
        (member("package/evil.json", b"", tarfile.LNKTYPE, "package/package.json"), "link"),
        (member("package/evil.json", b"", tarfile.CHRTYPE), "link or device"),
        (member("package/evil.json", b"", tarfile.FIFOTYPE), "link or device"),
    ],
)
def test_hostile_names_and_links(info: tuple[tarfile.TarInfo, bytes], message: str, tmp_path: Path) -> None:
    """A member that leads out of the package is refused, and nothing of an archive is ever written to the disk."""
    before = sorted(tmp_path.parent.rglob("*"))
    path = archive(tmp_path / "x.tgz", [member("package/package.json", manifest()), info])
    with pytest.raises(Invalid, match=message) as refusal:
        open_package(path)
    assert refusal.value.issues[0].code == "security"
    assert sorted(tmp_path.parent.rglob("*")) == sorted([*before, path])


def test_an_archive_that_unfolds_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes that are unfolded are counted, those of files that are of no use included."""
    monkeypatch.setattr(reading, "MAX_ARCHIVE", 1 << 20)
    with pytest.raises(TooLarge, match="unfolds"):
        open_package(zeros(tmp_path / "x.tgz", 4 << 20))


def test_one_file_too_large_or_one_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is measured before it is read, and files are counted."""
    path = packed(tmp_path / "x.tgz", {"x.json": value_set("x", description="x" * 2000)})
    monkeypatch.setattr(reading, "MAX_FILE", 1000)
    with pytest.raises(TooLarge, match=r"x\.json"):
        open_package(path)
    monkeypatch.setattr(reading, "MAX_FILES", 1)
    with pytest.raises(TooLarge, match="more than 1 files"):
        open_package(path)


@pytest.mark.parametrize("cut", [0, 1, 10, 100, -8, -1])
def test_an_archive_that_is_not_whole(cut: int, tmp_path: Path) -> None:
    """Half a download is an error that names the file."""
    whole = packed(tmp_path / "x.tgz", FILES).read_bytes()
    half = tmp_path / "half.tgz"
    half.write_bytes(whole[:cut])
    with pytest.raises(Invalid, match=r"half\.tgz"):
        open_package(half)


@pytest.mark.parametrize("content", [b"{", b"", b'{"a":' + b"[" * 100_000, b'{"url":"\xff"}'])
def test_files_that_are_no_json(content: bytes, tmp_path: Path) -> None:
    """A file that cannot be parsed, however it was made so, is an error that names it."""
    with pytest.raises(Invalid, match=r"x\.json of .*cannot be read"):
        open_package(folder(tmp_path / "x", {"x.json": content}))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x1f\x8b\x08\x00", b'{"name":"x"}'])
def test_what_is_no_archive(content: bytes, tmp_path: Path) -> None:
    """The name of a file does not make it an archive."""
    (tmp_path / "x.tgz").write_bytes(content)
    with pytest.raises(Invalid, match=r"x\.tgz"):
        open_package(tmp_path / "x.tgz")


@pytest.mark.parametrize(
    "about", [b"{", b"[]", b'{"name":"x"}', b'{"name":5,"version":"1"}', b'{"name":"x","version":"1","dependencies":5}']
)
def test_a_manifest_that_says_too_little(about: bytes, tmp_path: Path) -> None:
    """packages.html: package.json describes the package; without its name and version it is none."""
    folder(tmp_path / "x", {"package.json": about})
    with pytest.raises(Invalid, match=r"package\.json"):
        open_package(tmp_path / "x")


def test_what_is_no_package(tmp_path: Path) -> None:
    """Without a manifest, or where there is nothing, the place is named."""
    (tmp_path / "x.json").write_text("{}")
    bare = archive(tmp_path / "bare.tgz", [member("x/package.json", manifest())])
    for place in (tmp_path, tmp_path / "nothing", tmp_path / "x.json", bare):
        with pytest.raises(RegistryError, match=place.name) as refusal:
            open_package(place)
        assert isinstance(refusal.value, (NotFound, Invalid))


def test_supplements_are_known_without_reading_the_rest(tmp_path: Path) -> None:
    """codesystem.html#supplements: they change what a code system of another package says, and are seldom."""
    system = {"resourceType": "CodeSystem", "url": f"{BASE}/CodeSystem/a", "content": "complete"}
    more = {**system, "url": f"{BASE}/CodeSystem/more", "content": "supplement", "supplements": f"{system['url']}|1"}
    package = open_package(folder(tmp_path / "x", {"a.json": system, "more.json": more, **FILES}))
    read: list[str] = []

    def reader(name: str) -> bytes:
        read.append(name)
        return package.reader(name)

    library = package_library([replace(package, reader=reader)])
    assert library.supplements(system["url"]) == [more]
    assert sorted(read) == ["a.json", "more.json", "more.json"], "no value set is read, and only the supplement twice"
