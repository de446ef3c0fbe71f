"""The flags and arguments that several commands of ``cli.py`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from service.settings import Settings


def flag(name: str) -> Any:  # noqa: ANN401  # typer's option object
    """The flag of a setting."""
    field = Settings.model_fields[name]
    return typer.Option(
        help=field.description,
        envvar=f"TRIAL_REGISTRY_{name.upper()}",
        show_default=str(field.default) if field.default not in (None, ()) else False,
    )


StoreFlag = Annotated[str | None, flag("store")]
MongoFlag = Annotated[str | None, flag("mongo_transactions")]
UnknownFlag = Annotated[str | None, flag("unknown_profile")]
CtgovFlag = Annotated[str | None, flag("ctgov_url")]
CacheFlag = Annotated[str | None, flag("package_cache")]
Profiles = Annotated[
    list[str] | None,
    typer.Option(help="Canonical URL of a profile that resources of its type must meet; repeatable."),
]
Packages = Annotated[list[str] | None, typer.Option(help="FHIR package: a folder, a .tgz or name#version; repeatable.")]
Json = Annotated[bool, typer.Option("--json", help="Print an OperationOutcome for each resource, one a line.")]
Types = Annotated[list[str] | None, typer.Option("--type", help="Only resources of this type; repeatable.")]
Files = Annotated[list[Path], typer.Argument(help="JSON files (a resource or a Bundle each) or folders of them.")]
