"""Builds the seed bundles from their tables; with --check only says whether they are up to date."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from service.errors import Unprocessable
from service.registry.description import read_catalogue, read_trial
from service.registry.results_table import read_table
from service.registry.seed import build_bundle

SEEDS = Path(__file__).resolve().parents[1] / "seed_bundles"


def build_all(seeds: Path = SEEDS) -> dict[Path, str]:
    """The text of every bundle, by the file that it belongs in."""
    tables = seeds / "tables"
    catalogue = read_catalogue(*(part.read_bytes() for part in sorted(tables.glob("catalogue*.json"))))
    bundles: dict[Path, str] = {}
    for table in sorted(tables.glob("*.csv")):
        trial = read_trial(table.with_suffix(".json").read_bytes(), catalogue)
        bundles[seeds / f"{trial.slug}.json"] = build_bundle(read_table(table.read_bytes()), trial, catalogue)
    return bundles


def main(arguments: list[str] | None = None) -> int:
    """Write the bundles, or compare them; 1 where a table has problems or a bundle is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a bundle is out of date")
    options = parser.parse_args(arguments)
    try:
        bundles = build_all()
    except Unprocessable as error:
        for issue in error.issues:
            print(f"{', '.join(issue.expression)}: {issue.diagnostics}", file=sys.stderr)
        return 1
    stale = [path for path, text in bundles.items() if not path.exists() or path.read_bytes() != text.encode()]
    for path in stale:
        print(f"{path.name} {'is out of date' if options.check else 'written'}")
        if not options.check:
            path.write_bytes(bundles[path].encode())
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
