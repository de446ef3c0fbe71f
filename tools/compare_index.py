"""Compare the index rows of example resources with what another FHIRPath engine extracts from them.

::

    python -m tools.compare_index ORACLE.jsonl EXAMPLES

ORACLE is the extraction of :mod:`tools.oracle`, EXAMPLES the folder of the resources. The rows of a resource must be
those of exactly these values; what differs is printed by parameter, with an example. What is not explained there makes
the exit status 1.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from service.search.index import rows_of
from service.search.parameters import Catalogue, Parameter
from service.search.rows import RangeRow, Row, TermRow, WordsRow
from service.search.types import kind
from tools.oracle import Json, explained, read, resources, typed

Differences = dict[str, list[str]]
UNEXPLAINED = "unexplained"


def main(oracle: Path, examples: Path) -> int:
    """Print the comparison and return the exit status."""
    expected = read(oracle)
    figures: Counter[str] = Counter()
    differences: Differences = {}
    unindexed: Counter[str] = Counter()
    for file, resource in resources(examples):
        _compare(resource, file, expected.get(file, {}), figures, differences, unindexed)
    for name, number in sorted(figures.items()):
        print(f"{number:>9,}  {name}")
    print("values without a row, by parameter type and FHIR type:")
    for name, number in unindexed.most_common():
        print(f"{number:>9,}  {name}")
    print(f"parameters that differ: {len(differences)}")
    for name, found in sorted(differences.items()):
        print(f"{len(found):>9,}  {name}: {found[0]}")
    return 1 if any(name.endswith(UNEXPLAINED) for name in differences) else 0


def _compare(
    resource: dict[str, Any],
    file: str,
    lines: dict[str, Json],
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
        found.discard(WordsRow(parameter.present, ("",)))
        figures["rows"] += len(found)
        figures["values"] += len(values)
        figures["complete tuples"] += len({row.part for row in wanted if not isinstance(row, WordsRow) and row.part})
        for value in values:
            if not any(_of_values(parameter, [value])):
                unindexed[f"{parameter.type}: {value['type']}, {_reason(value.get('value'))}"] += 1
        if wanted != found:
            more, less = found - wanted, wanted - found
            text = f"{file} only here {sorted(map(str, more))[:2]} only there {sorted(map(str, less))[:2]}"
            reason = explained(parameter, file) or UNEXPLAINED
            differences.setdefault(f"{parameter.key}: {reason}", []).append(text)


def _of_values(parameter: Parameter, values: list[Json]) -> Iterator[Row]:
    """The rows of what the other engine has found."""
    for fhir_type, value in typed(parameter, values):
        yield from kind(parameter).rows(parameter)(fhir_type, value)


def _of_tuples(parameter: Parameter, tuples: list[list[list[Json]]]) -> Iterator[Row]:
    for number, found in enumerate(tuples, 1):
        parts = [
            list(_of_values(component, values)) for component, values in zip(parameter.components, found, strict=True)
        ]
        if all(parts):
            for row in (row for part in parts for row in part):
                if isinstance(row, TermRow):
                    yield TermRow(row.key, row.value, row.qualifier, number)
                elif isinstance(row, RangeRow):
                    yield RangeRow(row.key, row.low, row.high, number)
                else:
                    yield from (TermRow(row.key, word, part=number) for word in row.words)


def _reason(value: Any) -> str:  # noqa: ANN401  # any JSON value
    if isinstance(value, dict):
        if str(value.get("reference", "")).startswith("#"):
            return "contained"
        return "with " + (", ".join(sorted(value)) or "nothing")
    return "contained" if str(value).startswith("#") else "empty" if value in (None, "") else "other"


_CATALOGUE = Catalogue()

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
