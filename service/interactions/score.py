"""How well a resource matches the words that were asked for (https://hl7.org/fhir/R5/bundle-definitions.html#Bundle.entry.search.score)."""

from __future__ import annotations

from collections.abc import Mapping

from service.fhir.json import loads
from service.search.index import rows_of
from service.search.parameters import Parameter
from service.search.rows import WordsRow
from service.store.base import Version


def score(version: Version, asked: Mapping[Parameter, frozenset[str]]) -> float:
    """Return the share of the resource's words that were asked for, above 0 and up to 1.

    So of two that have a word, the one that says less beside it comes out higher.
    """
    rows = [row for row in rows_of(loads(version.json or b"{}"), asked) if isinstance(row, WordsRow)]
    there = [(row.key, word) for row in rows for word in row.words if word]
    wanted = {(parameter.key, word) for parameter, words in asked.items() for word in words}
    hits = sum(each in wanted for each in there)
    return round(max(hits, 1) / max(len(there), 1), 4)
