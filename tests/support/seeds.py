"""The studies that come with the registry, as tests read them: their tables, descriptions and bundles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any, Final

import pytest

from service.registry.description import Catalogue, Trial, read_catalogue, read_trial
from service.registry.results_table import read_table
from service.registry.rows import Row
from tools.build_seeds import SEEDS

TRIALS: Final = {
    path.stem: json.loads(path.with_suffix(".json").read_bytes())["slug"]
    for path in sorted((SEEDS / "tables").glob("*.csv"))
}


@cache
def catalogue() -> Catalogue:
    """The shared catalogue."""
    return read_catalogue(*(part.read_bytes() for part in sorted((SEEDS / "tables").glob("catalogue*.json"))))


@cache
def trial_of(name: str) -> Trial:
    """The description of a trial."""
    return read_trial((SEEDS / "tables" / f"{name}.json").read_bytes(), catalogue())


@cache
def table_of(name: str) -> tuple[Row, ...]:
    """The results table of a trial."""
    return read_table((SEEDS / "tables" / f"{name}.csv").read_bytes())


@cache
def bundle_of(name: str) -> dict[str, Any]:
    """The committed bundle of a trial, with decimals as they are written."""
    text = (SEEDS / f"{TRIALS[name]}.json").read_text(encoding="utf-8")
    bundle: dict[str, Any] = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    return bundle


def resources(name: str, kind: str | None = None) -> list[dict[str, Any]]:
    """The resources of a trial, of one type or of all."""
    found = [entry["resource"] for entry in bundle_of(name)["entry"]]
    return [resource for resource in found if kind in (None, resource["resourceType"])]


def statistic(name: str, key: str) -> dict[str, Any]:
    """The statistic of a row, by the row's key."""
    evidence = next(e for e in resources(name, "Evidence") if e["id"] == f"{TRIALS[name]}-{key.partition('.')[0]}")
    found: dict[str, Any] = next(s for s in evidence["statistic"] if s["id"] == key)
    return found


def walk(node: object) -> Iterator[tuple[str, object]]:
    """Every element of a resource, with its name."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield name, value
            yield from walk(value)
    elif isinstance(node, list):
        for item in node:
            yield from walk(item)


every_trial = pytest.mark.parametrize("name", TRIALS)
with_results = pytest.mark.parametrize("name", [t for t in TRIALS if any(r.place == "statistic" for r in table_of(t))])
