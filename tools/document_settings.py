"""Writes ``docs/settings.md`` from the settings themselves; ``--check`` only says whether it is stale."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal, get_args, get_origin

from service.settings import Settings

TARGET = Path(__file__).parent.parent / "docs" / "settings.md"
HEAD = """# Settings

Each is a flag of `trial-registry serve` and an environment variable; a flag wins. `load` takes those of the store.
This page is made by `python -m tools.document_settings`.

| flag | environment variable | default | what it is |
|---|---|---|---|
"""


def page() -> str:
    """Return the page."""
    rows = []
    for name, field in Settings.model_fields.items():
        choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
        allowed = f" One of {', '.join(f'`{choice}`' for choice in choices)}." if choices else ""
        default = f"`{field.default}`" if field.default not in (None, ()) else ""
        flag = f"--{name.replace('_', '-')}"
        rows.append(f"| `{flag}` | `TRIAL_REGISTRY_{name.upper()}` | {default} | {field.description}{allowed} |")
    return HEAD + "\n".join(rows) + "\n"


def main() -> None:
    """Write the page, or compare it."""
    if "--check" not in sys.argv:
        TARGET.write_text(page(), encoding="utf-8")
    elif TARGET.read_text(encoding="utf-8") != page():
        sys.exit(f"{TARGET.name} is stale: run python -m tools.document_settings")


if __name__ == "__main__":
    main()
