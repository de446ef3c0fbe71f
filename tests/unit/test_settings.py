"""Settings: every one has a flag of serve, an environment variable and a description."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from service import cli
from service.settings import Settings

NAMES = list(Settings.model_fields)
EXAMPLES: dict[str, tuple[str, object]] = {
    "store": ("sqlite:///x.db", "sqlite:///x.db"),
    "host": ("::1", "::1"),
    "port": ("1234", 1234),
    "workers": ("3", 3),
    "base_path": ("/r5/fhir", "/r5/fhir"),
    "base_url": ("https://x.test/fhir", "https://x.test/fhir"),
    "handling": ("lenient", "lenient"),
    "page_size": ("7", 7),
    "max_page_size": ("70", 70),
    "max_body_size": ("2048", 2048),
    "max_resource_size": ("2048", 2048),
    "history_bundles": ("on", "on"),
    "conditional_delete_limit": ("9", 9),
    "validation": ("warn", "warn"),
    "required_profiles": (
        "Group=http://x.test/p, Group=http://x.test/q",
        ("Group=http://x.test/p", "Group=http://x.test/q"),
    ),
    "unknown_profile": ("error", "error"),
    "packages": ("a#1.0.0,/x/b.tgz", ("a#1.0.0", "/x/b.tgz")),
    "package_cache": ("/x", "/x"),
    "mongo_transactions": ("off", "off"),
    "terminology_server": ("https://tx.test/r5", "https://tx.test/r5"),
    "ctgov_url": ("https://x.test/api/v2", "https://x.test/api/v2"),
    "export_dir": ("/x/exports", "/x/exports"),
    "import_dir": ("/x/imports", "/x/imports"),
    "import_from": (
        "https://x.test/a, http://y.test:81",
        ("https://x.test/a", "http://y.test:81"),
    ),
    "max_import_size": ("2048", 2048),
    "job_hours": ("0.5", 0.5),
    "log_level": ("debug", "debug"),
}
WRONG: dict[str, list[str]] = {
    "port": ["-1", "65536", "x", ""],
    "workers": ["0", "x"],
    "base_path": ["fhir", "/fhir/", "/", "/a b", "/{x}"],
    "handling": ["other", ""],
    "page_size": ["0", "1.5"],
    "max_page_size": ["0"],
    "max_body_size": ["1023"],
    "max_resource_size": ["1023", str(15 * 1024 * 1024 + 1)],
    "history_bundles": ["maybe"],
    "conditional_delete_limit": ["0"],
    "validation": ["none", ""],
    "required_profiles": ["Group", "=http://x.test/p", "Group=", "Group=a b"],
    "unknown_profile": ["information"],
    "mongo_transactions": ["maybe"],
    "terminology_server": ["", "tx.test", "ftp://tx.test"],
    "import_from": ["x.test", "ftp://x.test", "https://a:b@x.test", "https://x.test/?a"],
    "max_import_size": ["1023"],
    "job_hours": ["0", "x"],
    "log_level": ["loud"],
}


def test_every_flag_of_serve_is_a_setting_and_the_other_way_round() -> None:
    """Every flag has a setting of the same name, in the same order."""
    assert list(inspect.signature(cli.serve).parameters) == NAMES
    assert set(EXAMPLES) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_documented(name: str) -> None:
    """The help of serve has the flag, its environment variable and the description."""
    field = Settings.model_fields[name]
    assert field.description
    assert field.description.endswith(".")
    result = CliRunner().invoke(cli.app, ["serve", "--help"], env={"COLUMNS": "400", "NO_COLOR": "1", "TERM": "dumb"})
    assert result.exit_code == 0
    assert f"--{name.replace('_', '-')} " in result.output
    assert f"TRIAL_REGISTRY_{name.upper()}" in result.output
    assert " ".join(field.description.split()) in " ".join(result.output.split())


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_comes_from_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is TRIAL_REGISTRY_ and the name in capitals; what is given in so many words goes before it."""
    text, value = EXAMPLES[name]
    monkeypatch.setenv(f"TRIAL_REGISTRY_{name.upper()}", text)
    assert getattr(Settings(), name) == value
    default = Settings.model_fields[name].default
    given = {name: default}
    assert getattr(Settings(**given), name) == default


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in WRONG.items() for text in texts])
def test_wrong_values_are_refused(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that cannot be is an error that names the setting, from the environment and in the code."""
    monkeypatch.setenv(f"TRIAL_REGISTRY_{name.upper()}", text)
    with pytest.raises(ValidationError) as refusal:
        Settings()
    assert refusal.value.errors()[0]["loc"][0] == name


def test_an_unknown_setting_is_refused() -> None:
    """A misspelt setting is not silently nothing."""
    misspelt: dict[str, Any] = {"prot": 1}
    with pytest.raises(ValidationError):
        Settings(**misspelt)
