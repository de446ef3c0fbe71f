"""The seed trials with and without their results, and tables as a client sees them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Final

from service.fhir.json import dumps, loads
from tests.support.asking import Fhir, Json

SEEDS: Final = Path(__file__).parents[2] / "seed_bundles"
CSV: Final = "text/csv"
Rows = list[dict[str, str]]


@cache
def bundles() -> dict[str, Json]:
    """The bundle of each seed table, by the name of the table."""
    tables = sorted((SEEDS / "tables").glob("*.csv"))
    names = {path.stem: loads(path.with_suffix(".json").read_bytes())["slug"] for path in tables}
    return {stem: loads((SEEDS / f"{slug}.json").read_bytes()) for stem, slug in names.items()}


def slug_of(stem: str) -> str:
    """The id of the study of a seed table."""
    return str(bundles()[stem]["id"])


def resources_of(stem: str, *types: str) -> dict[str, Json]:
    """The resources of a bundle, by type and id."""
    found = [entry["resource"] for entry in bundles()[stem]["entry"]]
    return {f"{each['resourceType']}/{each['id']}": each for each in found if each["resourceType"] in types}


def table_text(stem: str) -> str:
    """A seed table."""
    return (SEEDS / "tables" / f"{stem}.csv").read_text(encoding="utf-8")


async def load(fhir: Fhir, *stems: str, results: bool = True) -> None:
    """Load seed trials; without results they have neither Evidence nor a report, and no row is in any resource."""
    for stem in stems:
        bundle = bundles()[stem]
        entries = [e if results else {**e, "resource": _bare(e["resource"])} for e in bundle["entry"]]
        kept = [e for e in entries if results or e["resource"]["resourceType"] not in ("Evidence", "EvidenceReport")]
        response = await fhir.post("", dumps({**bundle, "entry": kept}))
        assert response.status_code == 200, response.text


def _bare(resource: Json) -> Json:
    """A resource without what the rows of a table put into it."""
    found = {name: value for name, value in resource.items() if name != "result"}
    for name in ("characteristic", "note"):
        kept = [each for each in found.pop(name, ()) if "." not in each.get("id", "")]
        found |= {name: kept} if kept else {}
    return found


def read(text: str) -> Rows:
    """The rows of a CSV."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def write(rows: Iterable[dict[str, str]]) -> bytes:
    """A CSV of rows with the same columns."""
    listed = list(rows)
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(listed[0]))
    writer.writeheader()
    writer.writerows(listed)
    return out.getvalue().encode()


async def table(fhir: Fhir, query: str = "") -> Rows:
    """Ask for a table and read it."""
    response = await fhir.get(f"Evidence/$table?{query}")
    assert response.status_code == 200, response.text
    return read(response.text)


def own(resource: Any) -> Any:
    """A resource without what the server puts into its meta."""
    meta = {name: value for name, value in resource["meta"].items() if name not in ("versionId", "lastUpdated")}
    return {**resource, "meta": meta}
