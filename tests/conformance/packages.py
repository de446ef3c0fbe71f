"""The FHIR packages that the conformance tests read, fetched once with npm and kept in a cache.

Where a package cannot be had, the tests that need it are skipped with a line that says what to install; in CI, where
``CI`` is set, they fail instead, so that nobody mistakes a build without these tests for a good one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

VERSIONS = {
    "hl7.fhir.r5.core": "5.0.0",
    "hl7.fhir.r5.examples": "5.0.0",
    "hl7.fhir.r5.expansions": "5.0.0",
    "hl7.fhir.uv.extensions.r5": "5.3.0-ballot-tc1",
}


def cache() -> Path:
    """The folder in which packages are kept: TRIAL_REGISTRY_TEST_CACHE, or .cache in the repository."""
    configured = os.environ.get("TRIAL_REGISTRY_TEST_CACHE")
    return Path(configured) if configured else Path(__file__).parents[2] / ".cache"


def package(name: str) -> Path:
    """Return the folder that holds the resources of a package, fetching it if it is not in the cache yet."""
    folder = cache() / f"{name}-{VERSIONS[name]}"
    if not folder.is_dir():
        _fetch(name, folder)
    return folder / "package"


def _fetch(name: str, folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        _unavailable(f"{name} needs npm: install Node.js, which brings it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        command = [npm, "pack", f"{name}@{VERSIONS[name]}", "--pack-destination", work, "--silent"]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=300, cwd=work)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as problem:
            _unavailable(f"{name} could not be fetched with npm pack, is there a network? {problem}")
        unpacked = Path(work) / "unpacked"
        with tarfile.open(next(Path(work).glob("*.tgz"))) as archive:
            archive.extractall(unpacked, filter="data")
        try:
            unpacked.rename(folder)
        except OSError:  # another test process was faster
            if not folder.is_dir():
                raise


def _unavailable(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def resource_files(name: str) -> list[Path]:
    """Return the files of a package that are resources, sorted by name."""
    found = [path for path in package(name).glob("*.json") if not path.name.startswith(".")]
    return sorted(path for path in found if path.name != "package.json")
