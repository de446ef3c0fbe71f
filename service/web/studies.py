"""The list of studies: those with results first, then those without, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from service.errors import Invalid
from service.fhir.json import loads
from service.interactions.engine import Engine
from service.interactions.search import SearchPage, search
from service.registry.words import words_of
from service.store.base import Version

Json = Mapping[str, Any]

STUDY: Final = "ResearchStudy"
PAGE: Final = 50
OPEN: Final = "9999"
"""Sorts after every date: the end of a period that has none."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of the studies with results, or of those without; ``counts`` are how many there are of each, if counted.

    ``following`` is the query of the next page, None after the last one.
    """

    results: bool
    studies: list[dict[str, Any]]
    counts: Mapping[bool, int | None]
    following: dict[str, str] | None


async def list_studies(engine: Engine, *, results: bool, place: str | None) -> Listed:
    """Return the page at a place; an old or broken one leads to the first, and where that is empty to the others."""
    pages = {each: await _search(engine, each, None) for each in (True, False)}
    if place is None and not pages[results].versions:
        results = not results
    page = pages[results]
    if place is not None:
        try:
            page = await _search(engine, results, place)
        except Invalid:
            results = results if page.versions else not results
            page = pages[results]
    following = None
    if page.next_page is not None:
        following = {"page": page.next_page} if results else {"results": "no", "page": page.next_page}
    elif results and pages[False].versions:
        following = {"results": "no"}
    studies = [loads(version.json or b"{}") for version in page.versions]
    counted = await _results(engine, studies)
    shown = [summary(study, counted) for study in studies]
    return Listed(results, shown, {each: pages[each].total for each in pages}, following)


async def _search(engine: Engine, results: bool, place: str | None) -> SearchPage:
    criteria = [("has-results", str(results).lower()), ("_sort", "title"), ("_count", str(PAGE))]
    return await search(engine, STUDY, [*criteria, *([("_page", place)] if place is not None else [])])


async def _results(engine: Engine, studies: Iterable[Json]) -> dict[str, int]:
    """Return the number of results in each EvidenceReport that the studies list, by its reference."""
    keys = {key for study in studies for key in reports_of(study)}
    reports = await engine.store.read_many(sorted(keys))
    return {"/".join(key): _entries(version) for key, version in reports.items()}


def reports_of(study: Json) -> list[tuple[str, str]]:
    """Return the EvidenceReports (type, id) that a study lists."""
    parts = [str(result.get("reference", "")).partition("/") for result in study.get("result", [])]
    return [(kind, id_) for kind, _, id_ in parts if kind == "EvidenceReport" and id_]


def _entries(report: Version) -> int:
    return sum(len(ids) for _, ids in sections_of(loads(report.json))) if report.json else 0


def sections_of(report: Json) -> list[tuple[str, list[str]]]:
    """Return the title of each section of an EvidenceReport and the references in it, those inside others after."""
    found: list[tuple[str, list[str]]] = []
    pending = list(report.get("section", []))
    while pending:
        section = pending.pop(0)
        entries = [str(each.get("reference", "")) for each in section.get("entryReference", [])]
        found += [(str(section.get("title", "")), entries)] if entries else []
        pending = [*section.get("section", []), *pending]
    return found


def summary(study: Json, results: Mapping[str, int]) -> dict[str, Any]:
    """Return what the pages say of a study."""
    references = [str(result.get("reference")) for result in study.get("result", [])]
    return {
        "id": study["id"],
        "title": study.get("title") or study.get("name") or study["id"],
        "identifiers": [each["value"] for each in study.get("identifier", []) if "value" in each],
        "acronyms": [
            label["value"]
            for label in study.get("label", [])
            if words_of(label.get("type")) == "Acronym" and "value" in label
        ],
        "status": _state(study),
        "phase": words_of(study.get("phase")),
        "arms": [group["name"] for group in study.get("comparisonGroup", []) if "name" in group],
        "results": sum(results.get(reference, 0) for reference in references),
    }


def _state(study: Json) -> str:
    """The state that lasts longest, where it is actual, or else the publication status of the record."""
    progress = study.get("progressStatus", [])
    actual = [each for each in progress if each.get("actual", True) and "state" in each]
    if not actual:
        return str(study.get("status", ""))
    return words_of(max(actual, key=lambda each: str(each.get("period", {}).get("end", OPEN)))["state"])
