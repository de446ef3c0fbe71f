"""Compare the index rows of example resources with what another FHIRPath engine extracts from them.

::

    python -m tools.compare_index ORACLE.jsonl EXAMPLES

ORACLE has a line for every resource and search parameter that finds something in it: ``file``, ``param``, and either
``values`` (objects with ``type`` and ``value``) or, for a composite, ``tuples`` (per element a list of values for each
component). EXAMPLES is the folder of the resources. The rows of a resource must be those of exactly these values;
what differs is printed by parameter, with an example, and makes the exit status 1.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from service.fhir import json
from service.search.index import rows_of
from service.search.parameters import Catalogue, Parameter
from service.search.rows import RangeRow, Row, TermRow
from service.search.types import kind

Line = dict[str, Any]
Differences = dict[str, list[str]]


def main(oracle: Path, examples: Path) -> int:
    """Print the comparison and return the exit status."""
    expected: dict[str, dict[str, Line]] = {}
    for text in oracle.read_bytes().splitlines():
        line = orjson.loads(text)
        expected.setdefault(line["file"], {})[line["param"]] = line
    figures: Counter[str] = Counter()
    differences: Differences = {}
    unindexed: Counter[str] = Counter()
    for path in sorted(examples.glob("*.json")):
        if path.name in ("package.json", ".index.json"):
            continue
        resource = json.loads(path.read_bytes())
        if isinstance(resource, dict) and "resourceType" in resource:
            _compare(resource, path.name, expected.get(path.name, {}), figures, differences, unindexed)
    for name, number in sorted(figures.items()):
        print(f"{number:>9,}  {name}")
    print("values without a row, by parameter type and FHIR type:")
    for name, number in unindexed.most_common():
        print(f"{number:>9,}  {name}")
    print(f"parameters that differ: {len(differences)}")
    for name, found in sorted(differences.items()):
        print(f"{len(found):>9,}  {name}: {found[0]}")
    return 1 if differences else 0


def _compare(
    resource: dict[str, Any],
    file: str,
    lines: dict[str, Line],
    figures: Counter[str],
    differences: Differences,
    unindexed: Counter[str],
) -> None:
    figures["resources"] += 1
    for code, parameter in _CATALOGUE.for_type(resource["resourceType"]).items():
        if parameter.words or not parameter.indexed:
            continue
        figures["evaluations"] += 1
        line = lines.get(code, {})
        values = line.get("values", ())
        wanted = set(_of_tuples(parameter, line["tuples"]) if "tuples" in line else _of_values(parameter, values))
        found = set(rows_of(resource, [parameter]))
        found.discard(TermRow(parameter.present, ""))
        figures["rows"] += len(found)
        figures["values"] += len(values)
        figures["complete tuples"] += len({row.part for row in wanted if row.part})
        for value in values:
            if not any(_of_values(parameter, [value])):
                unindexed[f"{parameter.type}: {value['type']}, {_reason(value.get('value'))}"] += 1
        if wanted != found:
            more, less = found - wanted, wanted - found
            text = f"{file} only here {sorted(map(str, more))[:2]} only there {sorted(map(str, less))[:2]}"
            differences.setdefault(parameter.key, []).append(text)


def _of_values(parameter: Parameter, values: list[Line]) -> Iterator[Row]:
    """The rows of what the other engine has found."""
    for item in values:
        if item.get("value") is not None:
            yield from kind(parameter).rows(parameter, _type(parameter, item["type"]), _decimals(item["value"]))


def _of_tuples(parameter: Parameter, tuples: list[list[list[Line]]]) -> Iterator[Row]:
    for number, found in enumerate(tuples, 1):
        parts = [
            list(_of_values(component, values)) for component, values in zip(parameter.components, found, strict=True)
        ]
        if all(parts):
            for row in (row for part in parts for row in part):
                if isinstance(row, TermRow):
                    yield TermRow(row.key, row.value, row.qualifier, number)
                else:
                    yield RangeRow(row.key, row.low, row.high, number)


def _type(parameter: Parameter, found: str | None) -> str:
    """The FHIR type of a value; a computed value and an id have none there, but can have only one here."""
    if found is None or found.startswith("System."):
        return next(iter(parameter.types)) if len(parameter.types) == 1 else (found or "")
    return found


def _decimals(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """The value with exact decimals, as this server reads JSON."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {name: _decimals(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_decimals(held) for held in value]
    return value


def _reason(value: Any) -> str:  # noqa: ANN401  # any JSON value
    if isinstance(value, dict):
        if str(value.get("reference", "")).startswith("#"):
            return "contained"
        return "with " + (", ".join(sorted(value)) or "nothing")
    return "contained" if str(value).startswith("#") else "empty" if value in (None, "") else "other"


_CATALOGUE = Catalogue()

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
