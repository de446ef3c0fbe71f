"""The FastAPI application around the FHIR routes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route
from starlette.types import Lifespan

from service.api.errors import http_error, registry_error, unexpected_error
from service.api.routes import Api, openapi_paths
from service.errors import RegistryError
from service.interactions.engine import Engine
from service.settings import Settings

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def build_app(
    settings: Settings,
    engine: Callable[[], Engine],
    pages: Sequence[BaseRoute],
    lifespan: Lifespan[FastAPI] | None,
    version: str,
) -> FastAPI:
    """Return the application: the FHIR API below its base path, and pages for people.

    The FHIR routes are plain Starlette routes, which cost a third of FastAPI's own; OpenAPI describes them all the
    same.
    """
    api = Api(engine, settings)
    app = FastAPI(
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
    app.router.routes.extend(api.routes)
    app.router.routes.append(Route(f"{settings.base_path}/{{path:path}}", api.not_here, methods=METHODS))
    app.router.routes.append(Route("/health", api.health))
    app.router.routes.extend(pages)
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        description = describe()
        description["paths"].update(openapi_paths(api.endpoints, settings.base_path))
        return description

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend the description
    return app
