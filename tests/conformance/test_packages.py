"""A build without the packages is never mistaken for a good one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.packages import package


@pytest.fixture(autouse=True)
def nothing_cached_and_no_npm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty cache, and no npm to fill it."""
    monkeypatch.setenv("TRIAL_REGISTRY_TEST_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))


def test_without_npm_a_test_is_skipped_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a developer's machine a missing tool is no failure, but it is named."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"install Node\.js"):
        package("hl7.fhir.r5.core")


def test_in_ci_a_missing_package_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI a skipped oracle would go unnoticed."""
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"install Node\.js"):
        package("hl7.fhir.r5.core")


def test_a_cached_package_needs_no_npm(tmp_path: Path) -> None:
    """What was fetched once is read from the cache."""
    folder = tmp_path / "hl7.fhir.r5.core-5.0.0" / "package"
    folder.mkdir(parents=True)
    assert package("hl7.fhir.r5.core") == folder
