"""Narratives: https://hl7.org/fhir/R5/narrative.html.

What the text has to be is read by :mod:`service.fhir.fhirpath.narrative`; here its faults become issues, and its links
have to find what they point to: an anchor of the narrative, or any element or resource with that id.
"""

from __future__ import annotations

from typing import Final

from service.fhir.fhirpath.narrative import Fault, read
from service.profiles.run import SINGLE, Object, Run, Where, quoted

RULES: Final = ("txt-1", "txt-2")
"""The keys of the invariants that this rule stands for."""

_RULE_OF: Final = {"rules": "txt-1", "content": "txt-2", "form": "narrative"}


def xhtml(value: Object, where: Where, run: Run) -> None:
    """Check the div of a Narrative."""
    text = value.get("div")
    if type(text) is not str or not text:
        return
    narrative = read(text)
    for fault in narrative.faults:
        code = "structure" if fault.kind == "form" else "invariant"
        run.report(code, _RULE_OF[fault.kind], (where, "div", SINGLE), _placed(fault))
    if narrative.repeated:
        repeated = ", ".join(map(quoted, sorted(narrative.repeated)[:5]))
        run.report("structure", "narrative", (where, "div", SINGLE), f"has the id {repeated} twice", "warning")
    for target, (line, column) in narrative.links.items():
        if target not in narrative.anchors and target not in run.all_ids():
            text = f"the link to {quoted('#' + target)} leads nowhere"
            run.report("structure", "narrative", (where, "div", SINGLE), _placed(Fault("form", text, line, column)))


def _placed(fault: Fault) -> str:
    return f"line {fault.line}, column {fault.column}: {fault.text}"
