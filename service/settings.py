"""Settings: from flags, from the environment (``TRIAL_REGISTRY_`` and the name in capitals), or the default."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MEBIBYTE = 1024 * 1024


def _listed(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
"""Several values, as text separated by commas."""
Place = Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")]
Required = Annotated[str, Field(pattern=r"^[A-Za-z]+=\S+$")]


class Settings(BaseSettings):
    """How one registry runs; every flag of ``trial-registry serve`` is one of these."""

    model_config = SettingsConfigDict(env_prefix="TRIAL_REGISTRY_", frozen=True, extra="forbid")

    store: str = Field(
        default="sqlite:///data/registry.db",
        description="Where resources are kept: sqlite:///FILE, sqlite:// (memory, gone at the end) or mongodb://...",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=8000, description="Port to listen on; 0 takes a free one."
    )
    workers: Annotated[int, Field(ge=1)] = Field(default=1, description="Server processes.")
    base_path: str = Field(default="/fhir", pattern=r"^(/[A-Za-z0-9._~-]+)+$", description="Path of the FHIR base.")
    base_url: str | None = Field(
        default=None,
        description="FHIR base URL as clients see it, behind a proxy; without it, the address of each request.",
    )
    handling: Literal["strict", "lenient"] = Field(
        default="strict",
        description="What becomes of unknown search parameters where a request does not say: refused, or left out.",
    )
    page_size: Annotated[int, Field(ge=1)] = Field(default=20, description="Entries of a page without _count.")
    max_page_size: Annotated[int, Field(ge=1)] = Field(default=1000, description="Entries of a page at the most.")
    max_body_size: Annotated[int, Field(ge=1024)] = Field(
        default=32 * MEBIBYTE, description="Bytes of a request body at the most."
    )
    max_resource_size: Annotated[int, Field(ge=1024, le=15 * MEBIBYTE)] = Field(
        default=15 * MEBIBYTE, description="Bytes of one resource at the most."
    )
    history_bundles: Literal["on", "off"] = Field(
        default="off",
        description="on: a Bundle of type history that is posted to the base is restored, with the versions and the "
        "instants that it has, and checked only for the structure of R5.",
    )
    conditional_delete_limit: Annotated[int, Field(ge=1)] = Field(
        default=1, description="Resources that one conditional delete may remove."
    )
    validation: Literal["strict", "warn", "off"] = Field(
        default="strict",
        description="What becomes of a resource that breaks an invariant or a profile: refused, stored with the tag "
        "with-errors, or not looked at; what breaks the structure of R5 is always refused.",
    )
    required_profiles: Annotated[tuple[Required, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=(),
        description="Profiles that all resources of a type must meet: Type=URL, several with commas between.",
    )
    unknown_profile: Literal["warning", "error"] = Field(
        default="warning",
        description="What it is that a resource claims a profile which is not known here or cannot be used.",
    )
    packages: Listed = Field(
        default=(),
        description="FHIR packages whose definitions hold: folders, .tgz files or name#version of the package cache, "
        "several with commas between.",
    )
    package_cache: str = Field(
        default="~/.fhir/packages", description="Where packages and what they depend on are looked for."
    )
    mongo_transactions: Literal["on", "off"] = Field(
        default="on",
        description="off: MongoDB without a replica set, with this process as its only writer.",
    )
    terminology_server: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/]+",
        description="FHIR base URL of a terminology server that is asked for codes that are not known here.",
    )
    ctgov_url: str = Field(
        default="https://clinicaltrials.gov/api/v2",
        pattern=r"^https?://[^\s/]+",
        description="Base URL of the API v2 of ClinicalTrials.gov, from which import-ctgov --fetch reads.",
    )
    export_dir: str = Field(
        default="data/exports", description="Folder for the files of $export, which all processes of a server share."
    )
    import_dir: str = Field(
        default="data/imports", description="Folder for the files of $import, which all processes of a server share."
    )
    import_from: Annotated[tuple[Place, ...], NoDecode, BeforeValidator(_listed)] = Field(
        default=(),
        description="URLs that files of $import may be fetched from: places with all that is below them, several with "
        "commas between. Without any, resources can only be sent.",
    )
    max_import_size: Annotated[int, Field(ge=1024)] = Field(
        default=2048 * MEBIBYTE, description="Bytes of one file of $import at the most, unpacked."
    )
    job_hours: Annotated[float, Field(gt=0)] = Field(
        default=24, description="Hours for which the files of $export and $import are kept."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="What is logged.")

    def as_text(self, name: str) -> str | None:
        """Return a setting as the environment has it; None where it is not set."""
        value = getattr(self, name)
        return ",".join(value) if isinstance(value, tuple) else None if value is None else str(value)
