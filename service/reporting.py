"""What a validation found, printed: for people, or as OperationOutcomes, one a line, for programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from service.errors import Issue
from service.fhir.json import dumps
from service.interactions.policy import FATAL
from service.validating import Checked, Finding, Summary, outcome

Write = Callable[[dict[str, Any]], None]
"""Writes a line of JSON, or leaves it."""


@contextmanager
def json_lines(path: Path) -> Iterator[Write]:
    """Yield what writes lines of JSON into a file."""
    with path.open("wb") as stream:
        yield lambda line: stream.writelines([dumps(line), b"\n"])


class Report:
    """Prints each result as it comes: on ``out``, and the summary there too unless programs read it (``as_json``)."""

    def __init__(self, out: Console, err: Console, *, as_json: bool) -> None:
        self.summary = Summary()
        self._out, self._err, self._as_json = out, err, as_json

    def add(self, checked: Checked) -> None:
        """Print what was found in one resource; one of many is only named where there is something to say."""
        self.summary.add(checked)
        if self._as_json:
            self._out.print(dumps(outcome(checked)).decode(), markup=False, soft_wrap=True)
            return
        if checked.findings or checked.alone:
            place = "" if checked.alone or checked.line is None else f":{checked.line}"
            verdict = "[red]not valid[/red]" if checked.failed else "[green]valid[/green]"
            self._out.print(f"{escape(checked.source + place)}: {verdict}", soft_wrap=True)
        for finding in checked.findings:
            self._finding(checked, finding)

    def end(self, what: str, *, rules: bool = False) -> None:
        """Print the summary: of so many ``what``, and how often each rule was broken where that is wanted."""
        summary = self.summary
        console = self._err if self._as_json else self._out
        if rules and summary.rules:
            table = Table(box=None, pad_edge=False)
            for title in ("severity", "rule", "times"):
                table.add_column(title, justify="right" if title == "times" else "left")
            for (severity, rule), times in sorted(summary.rules.items(), key=lambda each: (each[0][0], -each[1])):
                table.add_row(f"[{_colour(severity)}]{severity}[/]", escape(rule), str(times))
            console.print(table)
        console.print(
            f"{summary.sources} {what}, {summary.resources} resources, "
            f"{summary.errors} errors, {summary.warnings} warnings."
        )

    def _finding(self, checked: Checked, finding: Finding) -> None:
        place = finding.place
        where = f"{checked.source}:{place.line}:{place.column}" if place else ""
        print_issue(self._out, finding.issue, where)
        if place and place.excerpt:
            self._out.print(f"    [dim]{place.line:>5} | {escape(place.excerpt)}[/dim]", soft_wrap=True)


def print_issue(console: Console, issue: Issue, where: str = "") -> None:
    """Print one issue; ``where`` is a place in a file."""
    expression = escape(", ".join(issue.expression))
    parts = [escape(where)] if where else []
    if expression:
        parts.append(f"{expression}:")
    source = " of ".join(filter(None, [issue.rule, issue.profile]))
    suffix = f" [dim]({escape(source)})[/dim]" if source else ""
    text = " ".join([f"[{_colour(issue.severity)}]{issue.severity}[/]", *parts, escape(issue.diagnostics)])
    console.print(f"  {text}{suffix}", soft_wrap=True)


def progress_on(err: Console, out: Console, *, bytes_: bool) -> Progress:
    """Return a bar on ``err``, of things or of bytes; ``out`` is where what is found is printed."""
    done = DownloadColumn() if bytes_ else MofNCompleteColumn()
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), done, TimeRemainingColumn())
    disabled = os.environ.get("CI") == "true" or not err.is_terminal
    # What is printed into a pipe must not end above the bar.
    return Progress(*columns, console=err, disable=disabled, redirect_stdout=out.is_terminal)


def _colour(severity: str) -> str:
    return "red" if severity in FATAL else "yellow" if severity == "warning" else "cyan"
