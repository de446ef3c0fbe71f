"""Pages for people: rendered on the server, complete without scripts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from service.errors import NotFound
from service.interactions.engine import Engine
from service.settings import Settings
from service.web.studies import list_studies
from service.web.study import study_page

HERE: Final = Path(__file__).parent
_SECURITY: Final = {
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
        return [
            Route("/", self.studies),
            Route("/study/{id}", self.study),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ]

    async def studies(self, request: Request) -> Response:
        """The studies with status, phase, arms and number of results."""
        query = request.query_params
        results = query.get("results") != "no"
        listed = await list_studies(self._engine(), results=results, place=next(iter(query.getlist("page")), None))
        return self._page("studies.html", {"listed": listed})

    async def study(self, request: Request) -> Response:
        """One study with its results."""
        start = request.query_params.get("from", "0")
        number = int(start) if start.isascii() and start.isdigit() and len(start) < 9 else 0
        try:
            shown = await study_page(self._engine(), request.path_params["id"], number)
        except NotFound as error:
            return self._page("missing.html", {"words": error.issues[0].diagnostics}, error.status)
        return self._page("study.html", shown)

    def _page(self, template: str, context: Mapping[str, Any], status: int = 200) -> Response:
        text = self._templates.get_template(template).render({**context, "base": self._settings.base_path})
        return HTMLResponse(text, status, headers=_SECURITY)
