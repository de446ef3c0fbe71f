"""A study as a page: what it is, its arms, and its results with value, interval, source and the place in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from service.fhir.json import loads
from service.interactions.engine import Engine, existing
from service.operations.table import Targets, rows_of
from service.operations.table_formats import NAMES
from service.registry import codes
from service.registry.words import name_of, words_of
from service.search.parse import parse_criteria
from service.store.base import Version
from service.web.studies import STUDY, reports_of, sections_of, summary

Json = Mapping[str, Any]

RESULTS: Final = 200
"""Evidence on one page."""
STATISTICS: Final = 50
"""Statistics of one Evidence; some have thousands of adverse events."""
OTHERS: Final = 1000
"""Evidence that is looked for at the most where no report lists it."""


async def study_page(engine: Engine, id_: str, start: int) -> dict[str, Any]:
    """Return what the template shows: the study with its results from the ``start``\\ th on.

    Raises :class:`NotFound` or :class:`Gone` where there is no such study.
    """
    seq = (await engine.store.head()).seq
    study = loads(existing(await engine.store.read(STUDY, id_, seq), STUDY, id_).json or b"{}")
    listed = await _listed(engine, study, seq)
    part = listed[start : start + RESULTS]
    versions = await engine.store.read_many([("Evidence", each) for _, each in part], seq)
    found = [versions[key] for _, each in part if (key := ("Evidence", each)) in versions]
    rows = await rows_of([each for each in found if each.json is not None], Targets(engine, seq))
    return {
        "study": {**summary(study, {}), **_details(study)},
        "papers": await _papers(engine, study, seq),
        "sections": _sections(part, [dict(zip(NAMES, row, strict=True)) for row in rows]),
        "number": len(listed),
        "first": start + 1,
        "last": start + len(part),
        "previous": max(0, start - RESULTS) if start else None,
        "next": start + RESULTS if start + RESULTS < len(listed) else None,
    }


async def _listed(engine: Engine, study: Json, seq: int) -> list[tuple[str, str]]:
    """The ids of the study's results, each with its section: in the order of its reports, then what no report lists."""
    reports = await engine.store.read_many(reports_of(study), seq)
    found: dict[str, str] = {}
    for version in reports.values():
        for title, references in sections_of(loads(version.json)) if version.json else ():
            ids = (each.removeprefix("Evidence/") for each in references if each.startswith("Evidence/"))
            for id_ in ids:
                found.setdefault(id_, title)
    query = parse_criteria(engine.catalogue, "Evidence", [("study", str(study["id"]))], engine.context)
    if await engine.store.count(query, seq) > len(found):
        others = "Other results" if found else ""
        for each in await engine.store.search(query, seq, limit=OTHERS):
            found.setdefault(each.id, others)
    return [(title, id_) for id_, title in found.items()]


def _sections(part: Sequence[tuple[str, str]], rows: Sequence[dict[str, str]]) -> list[tuple[str, list[Json]]]:
    titles = {id_: title for title, id_ in part}
    numbers = Counter(row["evidence"] for row in rows)
    found: dict[str, list[Json]] = {}
    for row in rows:
        place = int(row["position"])
        if place < STATISTICS:
            more = numbers[row["evidence"]] - STATISTICS if place == STATISTICS - 1 else 0
            found.setdefault(titles[row["evidence"]], []).append({**_shown(row), "more": more})
    return list(found.items())


def _shown(row: dict[str, str]) -> Json:
    """A row of the table as one reads it."""
    versus = f"{row['exposure_name']} versus {row['reference_name']}" if row["exposure_name"] else ""
    unit = codes.UNITS.get(row["time_unit"], "")
    when = f"at {row['time']} {unit}" if row["time"] else ""
    whole = row["denominator"] or row["n"]
    of = f"{row['affected']} of {whole}" if row["affected"] and whole else row["affected"] or whole
    kind = ", ".join(filter(None, (row["statistic_name"], row["category"], when, row["timing"])))
    return {**row, "versus": versus, "kind": kind, "of": of}


def _details(study: Json) -> Json:
    lead = [each for each in study.get("associatedParty", []) if words_of(each.get("role")) == "lead-sponsor"]
    return {
        "description": study.get("description", ""),
        "conditions": [words_of(each) for each in study.get("condition", [])],
        "enrolled": study.get("recruitment", {}).get("actualNumber"),
        "stopped": words_of(study.get("whyStopped")),
        "sponsors": [str(each["name"]) for each in lead if "name" in each],
        "groups": [
            {
                "name": each.get("name", ""),
                "kind": words_of(each.get("type")),
                "description": each.get("description", ""),
            }
            for each in study.get("comparisonGroup", [])
        ],
    }


async def _papers(engine: Engine, study: Json, seq: int) -> list[Json]:
    """The publications of the results, with a link where they have a DOI."""
    ids = [str(each.get("reference", "")).partition("Citation/")[2] for each in study.get("result", [])]
    found = await engine.store.read_many([("Citation", each) for each in ids if each], seq)
    return [_paper(version) for version in found.values() if version.json is not None]


def _paper(version: Version) -> Json:
    citation = loads(version.json or b"{}")
    artifact = citation.get("citedArtifact", {})
    dois = [str(each.get("value", "")) for each in artifact.get("identifier", []) if each.get("system") == codes.DOI]
    title = next((str(each["text"]) for each in artifact.get("title", []) if "text" in each), "")
    link = next((f"https://doi.org/{quote(doi, safe='/')}" for doi in dois if doi.startswith("10.")), None)
    return {"name": name_of(citation), "title": title, "link": link}
