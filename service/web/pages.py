"""Pages for people: rendered on the server, complete without scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from service.errors import Invalid
from service.fhir.json import loads
from service.interactions.engine import Engine
from service.interactions.search import search
from service.settings import Settings
from service.store.base import Version

HERE = Path(__file__).parent
PAGE = 50
OPEN = "9999"
"""Sorts after every date: the end of a period that has none."""
_SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Pages:
    """The pages of one engine."""

    def __init__(self, engine: Callable[[], Engine], settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )

    def routes(self) -> list[BaseRoute]:
        """Return the routes of the pages and of what they are styled with."""
        return [Route("/", self.studies), Mount("/static", StaticFiles(directory=HERE / "static"))]

    async def studies(self, request: Request) -> Response:
        """The studies with status, phase, arms and number of results."""
        engine = self._engine()
        place = [("_page", text) for text in request.query_params.getlist("page")[:1]]
        try:
            page = await search(engine, "ResearchStudy", [("_count", str(PAGE)), *place])
        except Invalid:  # an old or broken link leads to the first page
            page = await search(engine, "ResearchStudy", [("_count", str(PAGE))])
        studies = [loads(version.json or b"{}") for version in page.versions]
        results = await _results(engine, studies)
        context = {
            "studies": [_summary(study, results) for study in studies],
            "total": page.total,
            "next_page": page.next_page,
            "base": self._settings.base_path,
        }
        return HTMLResponse(self._templates.get_template("studies.html").render(context), headers=_SECURITY)


async def _results(engine: Engine, studies: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return the number of results in each EvidenceReport that the studies list, by its reference."""
    keys = {key for study in studies for result in study.get("result", []) if (key := _key(result, "EvidenceReport"))}
    reports = await engine.store.read_many(sorted(keys))
    return {"/".join(key): _entries(version) for key, version in reports.items()}


def _key(reference: Mapping[str, Any], type_: str) -> tuple[str, str] | None:
    kind, _, id_ = str(reference.get("reference", "")).partition("/")
    return (kind, id_) if kind == type_ and id_ else None


def _entries(report: Version) -> int:
    return _count(loads(report.json).get("section", [])) if report.json else 0


def _count(sections: Iterable[Mapping[str, Any]]) -> int:
    return sum(len(each.get("entryReference", [])) + _count(each.get("section", [])) for each in sections)


def _summary(study: Mapping[str, Any], results: Mapping[str, int]) -> dict[str, Any]:
    references = [str(result.get("reference")) for result in study.get("result", [])]
    return {
        "id": study["id"],
        "title": study.get("title") or study.get("name") or study["id"],
        "identifiers": [each["value"] for each in study.get("identifier", []) if "value" in each],
        "acronyms": [
            label["value"]
            for label in study.get("label", [])
            if _text(label.get("type")) == "Acronym" and "value" in label
        ],
        "status": _state(study),
        "phase": _text(study.get("phase")),
        "arms": [group["name"] for group in study.get("comparisonGroup", []) if "name" in group],
        "results": sum(results.get(reference, 0) for reference in references),
        "reports": [reference for reference in references if reference in results],
    }


def _state(study: Mapping[str, Any]) -> str:
    """The state that lasts longest, where it is actual, or else the publication status of the record."""
    progress = study.get("progressStatus", [])
    actual = [each for each in progress if each.get("actual", True) and "state" in each]
    if not actual:
        return str(study.get("status", ""))
    return _text(max(actual, key=lambda each: str(each.get("period", {}).get("end", OPEN)))["state"])


def _text(concept: Mapping[str, Any] | None) -> str:
    """What a CodeableConcept says to a person."""
    if not concept:
        return ""
    if "text" in concept:
        return str(concept["text"])
    return next((str(each.get("display") or each.get("code") or "") for each in concept.get("coding", [])), "")
