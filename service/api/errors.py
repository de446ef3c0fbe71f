"""From an error to the response that a client sees: always an OperationOutcome."""

from __future__ import annotations

import logging

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.api.negotiation import FHIR_JSON
from service.errors import Issue, RegistryError
from service.fhir.json import dumps
from service.fhir.outcome import operation_outcome

log = logging.getLogger(__name__)

_HTTP_CODES = {404: "not-found", 405: "not-supported"}


def outcome_response(status: int, issues: tuple[Issue, ...], headers: dict[str, str] | None = None) -> Response:
    """Return a response with an OperationOutcome."""
    return Response(dumps(operation_outcome(issues)), status, headers, FHIR_JSON)


async def registry_error(request: Request, error: Exception) -> Response:
    """Answer an error of the registry."""
    del request
    assert isinstance(error, RegistryError)  # noqa: S101  # registered for nothing else
    headers = {"Retry-After": "1"} if error.status == 503 else None
    return outcome_response(error.status, error.issues, headers)


async def http_error(request: Request, error: Exception) -> Response:
    """Answer what the framework refuses: a path or a method that is not there."""
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for nothing else
    code = _HTTP_CODES.get(error.status_code, "processing")
    text = f"{request.method} {request.url.path}: {error.detail}."
    headers = dict(error.headers) if error.headers else None
    return outcome_response(error.status_code, (Issue("error", code, text),), headers)


async def unexpected_error(request: Request, error: Exception) -> Response:
    """Answer a fault of our own without telling how we are made; the log has the whole of it."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    issue = Issue("fatal", "exception", "The registry failed to answer; the fault has been logged.")
    return outcome_response(500, (issue,))
