"""What became of every value of a record: in FHIR, deliberately left out, or not mapped, with the reason.

The three sum up to the values of the source, because each value is in exactly one of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from service.registry.ctgov.record import Log, leaves

_INDEX: Final = re.compile(r"\[\d+\]")
_PERSONAL: Final = "names a person, or says how to reach one"
_DERIVED: Final = "computed by ClinicalTrials.gov from other values of the record"

LEFT_OUT: Final[tuple[tuple[str, str], ...]] = (
    ("protocolSection.contactsLocationsModule.centralContacts", _PERSONAL),
    ("protocolSection.contactsLocationsModule.overallOfficials", _PERSONAL),
    ("protocolSection.contactsLocationsModule.locations[].contacts", _PERSONAL),
    ("protocolSection.sponsorCollaboratorsModule.responsibleParty.investigator", _PERSONAL),
    ("protocolSection.sponsorCollaboratorsModule.responsibleParty.old", _PERSONAL),
    ("resultsSection.moreInfoModule.pointOfContact", _PERSONAL),
    ("derivedSection", _DERIVED),
)
"""The beginnings of the places of what is not imported, deliberately; see ADR 11."""

_UNKNOWN: Final = "this importer has no place for it, or does not know the value"


@dataclass(frozen=True, slots=True)
class Unmapped:
    """Values of one kind of place: how many, and why they are not in FHIR."""

    path: str
    count: int
    reason: str


@dataclass(slots=True)
class Account:
    """How many values a record has, how many of them are in FHIR, and what became of the others."""

    total: int = 0
    mapped: int = 0
    left_out: list[Unmapped] = field(default_factory=list)
    unmapped: list[Unmapped] = field(default_factory=list)

    @property
    def number_left_out(self) -> int:
        """How many values were deliberately left out."""
        return sum(each.count for each in self.left_out)

    @property
    def number_unmapped(self) -> int:
        """How many values are not in FHIR though nobody decided so."""
        return sum(each.count for each in self.unmapped)


def kind_of(path: str) -> str:
    """The place of a value without its positions in lists: ``phases[]``."""
    return _INDEX.sub("[]", path)


def reason_left_out(path: str) -> str | None:
    """Why a value is deliberately left out, if it is."""
    kind = kind_of(path)
    return next((reason for start, reason in LEFT_OUT if kind.startswith(start)), None)


def without_left_out(data: dict[str, Any]) -> dict[str, Any]:
    """A copy of a record without what is deliberately left out."""
    return _pruned(data, "") or {}


def _pruned(value: Any, path: str) -> Any:  # noqa: ANN401  # any JSON
    if isinstance(value, dict):
        kept = {name: _pruned(item, f"{path}.{name}" if path else name) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item is not None} or None
    if isinstance(value, list):
        items = [_pruned(item, f"{path}[]") for item in value]
        return [item for item in items if item is not None] or None
    return None if reason_left_out(path) else value


def account(data: dict[str, Any], log: Log, kept_study: str | None) -> Account:
    """The account of a record. ``kept_study`` is the study that was there before and was not changed, if there is."""
    found = Account()
    left: Counter[tuple[str, str]] = Counter()
    lost: Counter[tuple[str, str]] = Counter()
    for path, _ in leaves(data):
        found.total += 1
        reason = reason_left_out(path)
        if reason is not None:
            left[kind_of(path), reason] += 1
        elif path not in log.elsewhere:
            lost[kind_of(path), _UNKNOWN] += 1
        elif kept_study is not None and not log.elsewhere[path]:
            lost[kind_of(path), f"{kept_study} is this study already and is left as it is"] += 1
        else:
            found.mapped += 1
    found.left_out, found.unmapped = _sorted(left.items()), _sorted(lost.items())
    return found


def _sorted(counted: Iterable[tuple[tuple[str, str], int]]) -> list[Unmapped]:
    return [Unmapped(path, count, reason) for (path, reason), count in sorted(counted)]
