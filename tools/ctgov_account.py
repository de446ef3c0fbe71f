"""What becomes of every value of records of ClinicalTrials.gov: ``python -m tools.ctgov_account FILE...``.

Prints, per record, the values in the source, those in FHIR, those deliberately left out and those that are not mapped.
Fails where the sum is not the number of values, and where a value that counts as mapped is not to be found in the
resources: this looks for the value itself there, and does not believe what the importer says that it has read.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from service.errors import RegistryError
from service.registry.ctgov.account import kind_of
from service.registry.ctgov.build import Built, build
from service.registry.ctgov.files import Unread, records
from service.registry.ctgov.record import leaves
from service.registry.ctgov.vocabulary import words

TRANSLATED: Final = re.compile(
    r"(?:DateStruct\.type|enrollmentInfo\.type|references\[\]\.type|armGroups\[\]\.type|primaryPurpose|ciPctValue|phases\[\]|m(?:in|ax)imumAge)$"
)
"""Places of values that are in FHIR as something else: a code, a boolean, a level of 0.95, a quantity."""


@dataclass(slots=True)
class Verdict:
    """What the account of one record says, and what is wrong with it."""

    built: Built
    missing: list[str] = field(default_factory=list)

    @property
    def line(self) -> str:
        """The account in one line."""
        found = self.built.account
        return (
            f"{self.built.nct}: {found.total} values, {found.mapped} in FHIR ({len(self.built.resources)} resources), "
            f"{found.number_left_out} deliberately left out, {found.number_unmapped} not mapped"
        )

    @property
    def good(self) -> bool:
        """Whether the sums agree and every value that counts as mapped has been found."""
        found = self.built.account
        return not self.missing and found.total == found.mapped + found.number_left_out + found.number_unmapped


def examine(data: dict[str, Any]) -> Verdict:
    """Build a record and look for its values in what was built."""
    built = build(data)
    verdict = Verdict(built)
    exact, everything = _haystack(built.resources)
    elsewhere = {each.path for each in (*built.account.left_out, *built.account.unmapped)}
    for path, value in leaves(data):
        kind = kind_of(path)
        if kind not in elsewhere and not TRANSLATED.search(kind) and not _found(value, exact, everything):
            verdict.missing.append(f"{path}: {str(value)[:60]!r}")
    return verdict


def _haystack(resources: Sequence[dict[str, Any]]) -> tuple[frozenset[str], str]:
    texts = [
        str(value)
        for resource in resources
        if resource["resourceType"] not in ("Binary", "DocumentReference")
        for _, value in leaves(resource)
    ]
    return frozenset(texts), "\n".join(dict.fromkeys(text.casefold() for text in texts))


def _found(value: object, exact: frozenset[str], everything: str) -> bool:
    return any(form in exact or form.casefold() in everything for form in _forms(value))


def _forms(value: object) -> Iterator[str]:
    if isinstance(value, bool):
        yield "true" if value else "false"
        return
    text = str(value).strip()
    yield text
    yield words(text)
    yield text.lstrip("<>=≤≥ ")
    yield text.partition(": ")[2] or text  # Drug: Name
    if text == "NA":
        yield "not-estimable"
        yield "not-reached"


def main(arguments: Sequence[str]) -> int:
    """Print the accounts; 1 where one is wrong."""
    wrong = 0
    for path in map(Path, arguments):
        for record in records(path):
            try:
                if isinstance(record, Unread):
                    raise record.error
                verdict = examine(record.data)
            except RegistryError as problem:
                print(f"{record.place}: {problem}")
                wrong += 1
                continue
            print(verdict.line)
            for each in verdict.built.account.unmapped:
                print(f"    not mapped: {each.count} of {each.path}: {each.reason}")
            for each in verdict.built.account.left_out:
                print(f"    left out: {each.count} of {each.path}: {each.reason}")
            for missing in verdict.missing:
                print(f"    NOT FOUND IN FHIR: {missing}")
            wrong += not verdict.good
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
