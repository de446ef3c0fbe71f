"""Compare our errors with those of the HL7 validator, resource by resource.

::

    python -m tools.compare_validators ORACLE [--examples DIR] [--stored FILE] [--answers FILE] [--every N]

ORACLE is a folder with a ``validate.py`` whose class ``Validator`` runs the HL7 validator. Compared are the official
examples in DIR, the good and bad examples of our profiles, the seeds and the mutations (:mod:`tools.mutations`), with N
only every Nth of each group. FILE of ``--stored`` has what the HL7 validator says of the official examples, so that it
need not say it again; FILE of ``--answers`` keeps what it says of everything else, and is read first.

A resource agrees if both find errors at the same places, neither more nor fewer; how places are written alike is
printed by rule (:mod:`tools.faults`). What differs is printed by kind; one that :data:`EXPLAINED` does not have makes
the exit status 1.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib.util
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any

from service.fhir.json import dumps
from service.fhir.library import Library
from service.rules import build_policy, open_library
from service.settings import Settings
from service.terminology.service import TerminologyService
from tools.explained_faults import EXPLAINED
from tools.faults import SPELLINGS, Fault, after_form, differences, of_hl7, of_ours, respelled
from tools.validation_cases import Case, cases, official

Issues = list[dict[str, Any]]
LARGE = 3_000_000
"""Bytes: the HL7 validator takes minutes for larger resources, and there is no outcome of them."""


class Oracle:
    """The HL7 validator, started when it is first needed, and its answers so far."""

    def __init__(self, folder: Path, kept: Path | None) -> None:
        self._folder = folder
        self._kept = kept
        self._running: Any = None
        lines = kept.read_text().splitlines() if kept and kept.exists() else []
        self._answers: dict[str, Issues | None] = {each["key"]: each["issues"] for each in map(json.loads, lines)}

    def issues(self, resource: dict[str, Any]) -> Issues | None:
        """What it says of a resource; None where it fails."""
        text = dumps(resource)
        key = hashlib.sha256(text).hexdigest()
        if key not in self._answers:
            if self._running is None:
                profiles = Path(__file__).resolve().parents[1] / "fhir_profiles"
                wanted = {"igs": [str(profiles)], "best_practice": False, "example_urls": True}
                self._running = _module(self._folder / "validate.py").Validator(**wanted)
            answer = self._running.answer(text.decode())
            found = None if "crash" in answer else [i for i in answer["issues"] if i["severity"] in ("fatal", "error")]
            self._answers[key] = found
            if self._kept:
                with self._kept.open("a") as lines:
                    lines.write(json.dumps({"key": key, "issues": found}) + "\n")
        return self._answers[key]

    def close(self) -> None:
        """Let it end."""
        if self._running is not None:
            self._running.close()


def main(arguments: list[str] | None = None) -> int:
    """Compare, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("oracle", type=Path)
    parser.add_argument("--examples", type=Path)
    parser.add_argument("--stored", type=Path)
    parser.add_argument("--answers", type=Path)
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args(arguments)
    library = open_library((), Settings().package_cache)
    policy = build_policy(Settings(), library, TerminologyService(library))
    oracle = Oracle(options.oracle, options.answers)
    report = Report()
    try:
        for case, theirs in _judged(oracle, library, options.examples, options.stored, options.every):
            report.add(case, of_ours(policy.check(case.resource).issues), theirs)
    finally:
        oracle.close()
    return report.show()


def _judged(
    oracle: Oracle, library: Library, examples: Path | None, stored: Path | None, every: int
) -> Iterator[tuple[Case, Issues | None]]:
    known = _stored(stored) if stored else None
    listed = official(examples, LARGE) if examples else iter(())
    for number, case in enumerate(listed):
        if number % every == 0:
            yield case, oracle.issues(case.resource) if known is None else known.get(case.name, [])
    begin = time.monotonic()
    for _, group in groupby(cases(library, examples), key=lambda case: case.group):
        for number, case in enumerate(group):
            if number % every == 0:
                yield case, oracle.issues(case.resource)
            if number % 500 == 0:
                print(f"{case.group}: {number:,} in {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)


def _stored(path: Path) -> dict[str, Issues | None]:
    """File -> issues; None where the validator failed; a file without issues is not in it."""
    found: dict[str, Issues | None] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            issue = json.loads(line)
            if issue["severity"] == "crash":
                found[issue["file"]] = None
            else:
                listed = found.setdefault(issue["file"], [])
                if listed is not None:
                    listed.append(issue)
    return found


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("hl7_validator_oracle", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Report:
    """What was compared: the outcome of each resource by group, the kinds of what differs, the spellings of places."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Counter[str]] = {}
        self.kinds: Counter[str] = Counter()
        self.shown: dict[str, str] = {}
        self.spelled: Counter[str] = Counter()

    def add(self, case: Case, ours: list[Fault], theirs: Issues | None) -> None:
        """Compare one resource."""
        counts = self.outcomes.setdefault(case.group, Counter())
        if theirs is None:
            counts["not judged"] += 1
            return
        others = respelled(ours, of_hl7(theirs))
        self.spelled.update(key for fault in (*ours, *others) for key in fault.spelled)
        our_own, their_own = differences(ours, others)
        if not our_own and not their_own:
            counts["same"] += 1
            return
        counts["other"] += 1
        after = " after a fault of form" if after_form(ours, others) else ""
        found = {f"ours{after}: {fault.kind}": fault for fault in reversed(our_own)}
        found |= {f"HL7{after}: {fault.kind}": fault for fault in reversed(their_own)}
        for kind, fault in found.items():
            self.kinds[kind] += 1
            self.shown.setdefault(kind, f"{case.name} at {fault.place}: {fault.text[:160]}")

    def show(self) -> int:
        """Print the tables and return the exit status."""
        total: Counter[str] = Counter()
        print(f"{'resources':>9} {'same':>6} {'other':>6} {'agree':>7}")
        for group, counts in [*self.outcomes.items(), ("all", total)]:
            judged = counts["same"] + counts["other"]
            share = counts["same"] / judged if judged else 1
            figures = f"{judged:>9,} {counts['same']:>6,} {counts['other']:>6,} {share:>7.2%}"
            print(f"{figures}  {group}" + (f" ({counts['not judged']} not judged)" if counts["not judged"] else ""))
            total += counts
        print("\nplaces that were written differently, by rule:")
        for key, rule in SPELLINGS.items():
            print(f"{self.spelled[key]:>9,}  {key}: {rule}")
        unexplained = 0
        print("\nresources that differ, by kind:")
        for kind, number in self.kinds.most_common():
            known = next((reason for pattern, reason in EXPLAINED.items() if fnmatchcase(kind, pattern)), None)
            unexplained += known is None
            why = f"{known[0]} (https://hl7.org/fhir/R5/{known[1]})" if known else f"UNEXPLAINED {self.shown[kind]}"
            print(f"{number:>9,}  {kind}: {why}")
        return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
