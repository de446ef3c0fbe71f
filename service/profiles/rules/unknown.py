"""Properties that a type does not have: https://hl7.org/fhir/R5/json.html.

There is no way to ignore them safely, for an unknown property may be a misspelt modifier; what was meant is suggested
where it can be guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Final

from service.profiles.node import Unknown
from service.profiles.run import SINGLE, Run, Where, quoted

HINTS_PER_RUN: Final = 50
"""Guessing is slow; a resource with more problems than this gets no more suggestions."""

LONGEST_NAME: Final = 64
"""No element has a name of this length, nor is one worth guessing at."""


def unknown(type_name: str, names: Iterable[str], choices: Mapping[str, Sequence[str]]) -> Unknown:
    """Report properties that are not among ``names``; ``choices`` are the ``[x]`` elements and their types."""
    known = sorted(name for name in names if not name.startswith("_"))

    def report(name: str, where: Where, run: Run) -> None:
        there: Where = (where, name, SINGLE)
        for stem, types in choices.items():
            suffix = name.removeprefix("_").removeprefix(stem)
            if suffix[:1].isupper() and name.removeprefix("_").startswith(stem):
                allowed = ", ".join(types)
                run.report("structure", "choice", there, f"{stem}[x] has no type {quoted(suffix)}; allowed: {allowed}")
                return
        hint = ""
        if len(run.issues) < HINTS_PER_RUN and len(name) < LONGEST_NAME:
            close = get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
        run.report("structure", "unknown", there, f"{type_name} has no element {quoted(name)}{hint}")

    return report
