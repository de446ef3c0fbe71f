"""Validating what lies in files and in a store: resources, Bundles, and NDJSON line by line.

https://hl7.org/fhir/R5/validation.html. One resource is in memory at a time, however long an NDJSON file is.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

from service.bulk.source import MAX_LINE, STDIN
from service.errors import Issue, NotFound, RegistryError
from service.fhir import definitions
from service.fhir.json import loads, parse
from service.fhir.outcome import EXTENSION, operation_outcome
from service.fhir.positions import Place, Positions
from service.interactions.policy import FATAL, Policy
from service.store.base import Store

_RESOURCES: Final = frozenset({*definitions.resource_types(), "Resource", "DomainResource"})
_AT: Final = re.compile(r"at line (\d+), column (\d+)\.$")
_BEYOND: Final = Issue("fatal", "too-long", f"A line has more than {MAX_LINE} bytes.")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    """An issue and where it stands in the text, if it has one."""

    issue: Issue
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in one resource: of ``source``, where it begins at ``line``; it has ``size`` bytes.

    ``resources`` counts it and those in the entries of a Bundle; ``alone``: it is all that the source has.
    """

    source: str
    findings: tuple[Finding, ...]
    size: int = 0
    line: int | None = None
    resources: int = 1
    alone: bool = True

    @property
    def failed(self) -> bool:
        """Whether there is an error among the findings."""
        return any(finding.issue.severity in FATAL for finding in self.findings)


@dataclass(slots=True)
class Summary:
    """Counts over all that was checked; ``rules`` has, by severity and rule, how often it was broken."""

    sources: int = 0
    resources: int = 0
    errors: int = 0
    warnings: int = 0
    rules: Counter[tuple[str, str]] = field(default_factory=Counter)
    _last: str | None = None

    def add(self, checked: Checked) -> None:
        """Count one more; what comes of one source comes together."""
        self.sources += checked.source != self._last
        self._last = checked.source
        self.resources += checked.resources
        for issue in (finding.issue for finding in checked.findings):
            self.errors += issue.severity in FATAL
            self.warnings += issue.severity == "warning"
            if issue.severity in FATAL or issue.severity == "warning":
                self.rules["error" if issue.severity in FATAL else "warning", issue.rule or issue.code] += 1


class Inspector:
    """Checks resources by a policy, and by ``profiles`` those that these are about.

    Raises :class:`NotFound` for a profile that nothing can be checked against, or that is about no resource type.
    """

    def __init__(self, policy: Policy, profiles: Sequence[str] = ()) -> None:
        self._policy = policy
        self._profiles: dict[str, list[str]] = {}
        for profile in profiles:
            if problem := policy.unusable(profile):
                raise NotFound(problem)
            type_ = policy.profile_type(profile)
            if type_ not in _RESOURCES:
                raise NotFound(f"The profile {profile} is about {type_}, which is no type of resources.")
            self._profiles.setdefault(type_, []).append(profile)

    def issues(self, resource: Json) -> list[Issue]:
        """Return the problems of a resource, and of those in the entries of a Bundle."""
        found = self._policy.check(resource, self._of(resource)).issues
        for where, inner in _entries(resource):
            # The Bundle as a whole has been checked, its entries by what they claim; what is left is what is demanded.
            if profiles := [*self._policy.required.get(inner["resourceType"], ()), *self._of(inner)]:
                known = {(issue.expression, issue.rule, issue.diagnostics) for issue in found}
                more = [_within(issue, where) for issue in self._policy.check(inner, profiles).issues]
                found += [each for each in more if (each.expression, each.rule, each.diagnostics) not in known]
        return found

    def _of(self, resource: Json) -> list[str]:
        type_ = resource.get("resourceType")
        lineage = [type_, *definitions.ancestors(type_)] if type_ in definitions.resource_types() else []
        return [profile for name in lineage for profile in self._profiles.get(str(name), ())]

    def text(self, source: str, content: bytes, line: int = 1, *, alone: bool = True) -> Checked:
        """Check the text of one resource that begins at a line of its source."""
        try:
            document = parse(content)
        except RegistryError as problem:
            findings = tuple(Finding(issue, _syntax_place(issue, line)) for issue in problem.issues)
            return Checked(source, findings, len(content), line, 1, alone)
        issues = self.issues(document.data)
        positions = Positions(content.decode("utf-8-sig"), line) if issues else None
        findings = tuple(
            Finding(issue, positions.place(issue.expression[0] if issue.expression else "") if positions else None)
            for issue in issues
        )
        return Checked(source, findings, len(content), line, 1 + len(list(_entries(document.data))), alone)

    def stream(self, source: str, stream: BinaryIO, first: bytes = b"") -> Iterator[Checked]:
        """Check NDJSON line by line; ``first`` has been read already."""
        number = 0
        while content := first or stream.readline(MAX_LINE + 1):
            first = b""
            number += 1
            if len(content) > MAX_LINE:
                size = len(content) + _skip_line(stream, content)
                yield Checked(source, (Finding(_BEYOND, Place(number, 1, "")),), size, number, 1, alone=False)
            elif content.strip():
                yield self.text(source, content, number, alone=False)

    def file(self, source: str) -> Iterator[Checked]:
        """Check a file, NDJSON by its name; what comes from the standard input is looked at to know."""
        if source == STDIN:
            yield from self._input(sys.stdin.buffer)
        elif Path(source).suffix == ".ndjson":
            with Path(source).open("rb") as stream:
                yield from self.stream(source, stream)
        else:
            yield self.text(source, Path(source).read_bytes())

    def _input(self, stream: BinaryIO) -> Iterator[Checked]:
        first = stream.readline(MAX_LINE + 1)
        try:
            lines = isinstance(loads(first), dict)
        except RegistryError:
            lines = False
        if lines:
            yield from self.stream(STDIN, stream, first)
        else:
            yield self.text(STDIN, first + stream.read())

    async def store(self, store: Store, types: Sequence[str], at: int | None = None) -> AsyncIterator[Checked]:
        """Check the current resources of a store, of these types or of all; the source is ``Type/id/_history/n``."""
        async for version in store.scan(types, at=at):
            issues = self.issues(loads(version.json or b""))
            source = f"{version.type}/{version.id}/_history/{version.version}"
            yield Checked(source, tuple(map(Finding, issues)), len(version.json or b""), alone=False)


def sizes(files: Sequence[str]) -> int | None:
    """Return the bytes of all files; None where that cannot be known."""
    return None if STDIN in files else sum(Path(file).stat().st_size for file in files)


def outcome(checked: Checked) -> Json:
    """Return what was found as an OperationOutcome, with the extensions for the file and the place in it."""
    resource = operation_outcome([finding.issue for finding in checked.findings])
    for entry, finding in zip(resource["issue"], checked.findings, strict=False):
        if finding.place is not None:
            entry["extension"] = [
                *entry.get("extension", ()),
                {"url": f"{EXTENSION}issue-line", "valueInteger": finding.place.line},
                {"url": f"{EXTENSION}issue-col", "valueInteger": finding.place.column},
            ]
    file = {"url": f"{EXTENSION}file", "valueString": checked.source}
    return {"resourceType": resource["resourceType"], "extension": [file], "issue": resource["issue"]}


def _syntax_place(issue: Issue, line: int) -> Place:
    """Return where a text ceases to be JSON, as far as the parser says."""
    found = _AT.search(issue.diagnostics)
    return Place(line + int(found[1]) - 1, int(found[2]), "") if found else Place(line, 1, "")


def _entries(resource: Json) -> Iterator[tuple[str, Json]]:
    entries = resource.get("entry") if resource.get("resourceType") == "Bundle" else None
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        inner = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(inner, dict) and isinstance(inner.get("resourceType"), str):
            yield f"Bundle.entry[{index}].resource", inner


def _within(issue: Issue, where: str) -> Issue:
    return replace(issue, expression=tuple(where + each[len(each.partition(".")[0]) :] for each in issue.expression))


def _skip_line(stream: BinaryIO, content: bytes) -> int:
    skipped = 0
    while content and not content.endswith(b"\n"):
        content = stream.readline(MAX_LINE)
        skipped += len(content)
    return skipped
