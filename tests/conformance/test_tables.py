"""The official examples of Evidence as a table."""

from __future__ import annotations

from service.fhir.json import loads
from service.registry.evidence_rows import number_text
from service.registry.table.column import Fact
from service.registry.table.dictionary import DICTIONARY, record, references
from tests.conformance.packages import resource_files

NAMES = [column.name for column in DICTIONARY]
META = {"versionId": "1", "lastUpdated": "2026-01-01T00:00:00.000Z"}


def test_every_statistic_of_the_examples_is_a_row() -> None:
    """docs/tables.md: what others write has rows too, with its number as it is written and its sample."""
    found = [loads(path.read_bytes()) for path in resource_files("hl7.fhir.r5.examples")
             if path.name.startswith("Evidence-")]  # fmt: skip
    rows = 0
    for evidence in found:
        assert references(evidence)
        for place, statistic in enumerate(evidence.get("statistic", ())):
            cells = record(Fact({**evidence, "meta": META}, statistic, place, {}))
            row = dict(zip(NAMES, cells, strict=True))
            assert row["value_number"] == number_text(statistic.get("quantity", {}).get("value"))
            assert row["n"] == number_text(statistic.get("sampleSize", {}).get("numberOfParticipants"))
            assert (row["evidence"], row["position"]) == (evidence["id"], str(place))
            assert all(isinstance(cell, str) for cell in cells)
            rows += 1
    assert rows >= len(found) > 3
