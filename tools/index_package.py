"""Writes the .index.json of the package's folders; with --check only says whether they are up to date.

https://hl7.org/fhir/R5/packages.html: what a package manager reads in place of every file.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from service.registry.package import folder

NAME: Final = ".index.json"
_MEMBERS: Final = ("resourceType", "id", "url", "version", "kind", "type", "derivation", "content")


def index_of(place: Path) -> str:
    """The index of the resources that lie directly in a folder, by file name."""
    files: list[dict[str, Any]] = []
    for path in sorted(place.glob("*.json")):
        resource = json.loads(path.read_bytes())
        if path.name != NAME and "resourceType" in resource:
            known = {name: resource[name] for name in _MEMBERS if isinstance(resource.get(name), str)}
            files.append({"filename": path.name, **known})
    return json.dumps({"index-version": 2, "files": files}, indent=2) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the indexes, or compare them; 1 where one is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where an index is out of date")
    options = parser.parse_args(arguments)
    stale = False
    for place in (folder(), folder() / "example"):
        path, text = place / NAME, index_of(place)
        if path.exists() and path.read_text() == text:
            continue
        stale = True
        print(f"{path.relative_to(folder())} {'is out of date' if options.check else 'written'}")
        if not options.check:
            path.write_text(text)
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
