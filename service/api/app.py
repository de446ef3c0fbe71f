"""The FastAPI application around the FHIR routes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route
from starlette.types import Lifespan, Receive, Scope, Send

from service.api.dispatch import Dispatch
from service.api.errors import http_error, registry_error, unexpected_error
from service.api.routes import Api, openapi_paths
from service.errors import RegistryError
from service.interactions.engine import Engine
from service.settings import Settings


class Application(FastAPI):
    """A FastAPI application that leaves the FHIR base to an application of its own.

    Its middleware is for the rest, such as the pages; OpenAPI describes all of it.
    """

    def __init__(self, api: Api, settings: Settings, **options: Any) -> None:  # noqa: ANN401  # those of FastAPI
        super().__init__(**options)
        self._api = api
        self._base_path = settings.base_path
        self._fhir = Dispatch(api.endpoints, settings.base_path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or live as long as the server does."""
        await (self._fhir if self._fhir.takes(scope) else super().__call__)(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """Return the description of all routes."""
        description = super().openapi()
        description["paths"].update(openapi_paths(self._api.endpoints, self._base_path))
        return description


def build_app(
    settings: Settings,
    engine: Callable[[], Engine],
    pages: Sequence[BaseRoute],
    lifespan: Lifespan[FastAPI] | None,
    version: str,
) -> FastAPI:
    """Return the application: the FHIR API below its base path, and pages for people."""
    api = Api(engine, settings)
    app = Application(
        api,
        settings,
        title="trial-registry",
        version=version,
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from elsewhere, which a hospital's network does not let through
        redoc_url=None,
        exception_handlers={
            RegistryError: registry_error,
            HTTPException: http_error,
            Exception: unexpected_error,
        },
    )
    app.router.routes.append(Route("/health", api.health))
    app.router.routes.extend(pages)
    return app
