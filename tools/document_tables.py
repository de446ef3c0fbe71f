"""Writes the data dictionary of ``docs/tables.md`` from the columns; ``--check`` only says whether it is stale."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from service.registry.table.dictionary import DICTIONARY

TARGET: Final = Path(__file__).parent.parent / "docs" / "tables.md"
BEGIN: Final = "<!-- columns: made by python -m tools.document_tables -->\n"


def columns() -> str:
    """Return the tables of the columns."""
    read = [f"| `{each.name}` | {each.type} | {each.words} | {_path(each.path)} |" for each in DICTIONARY if each.read]
    rest = [
        f"| `{each.name}` | {each.type} | {each.words} | {_path(each.path)} |" for each in DICTIONARY if not each.read
    ]
    head = "| Column | Type | What it holds | Where that is in FHIR |\n|---|---|---|---|\n"
    return (
        f"\n### Columns that are read\n{head}"
        + "\n".join(read)
        + f"\n\n### Columns that explain\n{head}"
        + "\n".join(rest)
    ) + "\n"


def _path(path: str) -> str:
    escaped = path.replace("|", "\\|")
    return f"`{escaped}`" if path else ""


def page() -> str:
    """Return the page as it is to be: what stands above the mark is written by hand."""
    return TARGET.read_text(encoding="utf-8").partition(BEGIN)[0] + BEGIN + columns()


def main() -> None:
    """Write the page, or compare it."""
    text = page()
    if "--check" not in sys.argv:
        TARGET.write_text(text, encoding="utf-8")
    elif TARGET.read_text(encoding="utf-8") != text:
        sys.exit(f"{TARGET.name} is stale: run python -m tools.document_tables")


if __name__ == "__main__":
    main()
