"""Date parameters: intervals compared with intervals (https://hl7.org/fhir/R5/search.html#date)."""

from __future__ import annotations

import re
import time
from typing import Final

from service.errors import Invalid
from service.fhir.dates import interval
from service.search.escaping import split, unescape
from service.search.query import Not, Or, Predicate, Updated

MODIFIERS: Final[frozenset[str]] = frozenset()
_PREFIXED: Final = re.compile(r"(?P<prefix>[a-z]{2})?(?P<value>[0-9].*)")
_PREFIXES: Final = frozenset({"eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"})


def parse_updated(name: str, text: str) -> Predicate:
    """Return the predicate of ``_lastUpdated``, an instant with milliseconds: alternatives of ``[prefix]date``."""
    return Or(tuple(_updated(name, unescape(name, value)) for value in split(text, ",")))


def _updated(name: str, text: str) -> Predicate:
    found = _PREFIXED.fullmatch(text)
    try:
        if found is None or (found["prefix"] or "eq") not in _PREFIXES:
            raise ValueError(f"{text!r} is not a date with an optional prefix ({', '.join(sorted(_PREFIXES))})")
        start, end = interval(found["value"])
    except ValueError as problem:
        raise Invalid(f"{name}: {problem}.", expression=name) from None
    # What is stored is a whole number of milliseconds, so bounds in between round up.
    first, after = -(-start // 1000), -(-end // 1000)
    match found["prefix"] or "eq":
        case "ne":
            return Not(Updated(first, after))
        case "gt" | "sa":
            return Updated(after, None)
        case "lt" | "eb":
            return Updated(None, first)
        case "ge":
            return Updated(first, None)
        case "le":
            return Updated(None, after)
        case "ap":
            margin = abs(int(time.time() * 1000) - first) // 10  # a tenth of the distance from now
            return Updated(first - margin, after + margin)
        case _:
            return Updated(first, after)
