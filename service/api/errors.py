"""From an error to the response that a client sees: always an OperationOutcome."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.api.message import Answer
from service.api.negotiation import FHIR_JSON
from service.api.representation import represent
from service.errors import Issue, NotAcceptable, RegistryError
from service.fhir.json import dumps
from service.fhir.outcome import operation_outcome

log = logging.getLogger(__name__)

_HTTP_CODES = {404: "not-found", 405: "not-supported"}


def outcome_answer(
    status: int,
    issues: tuple[Issue, ...],
    headers: Mapping[str, str] | None = None,
    *,
    media: str = FHIR_JSON,
    pretty: bool = False,
) -> Answer:
    """Return a response with an OperationOutcome, as JSON where another format cannot hold its texts."""
    json = dumps(operation_outcome(issues))
    try:
        body = represent(json, media, pretty=pretty)
    except NotAcceptable:
        body, media = represent(json, FHIR_JSON, pretty=pretty), FHIR_JSON
    return Answer(status, body, media, headers)


def error_answer(error: RegistryError, *, media: str = FHIR_JSON, pretty: bool = False) -> Answer:
    """Return the response to an error of the registry."""
    return outcome_answer(error.status, error.issues, error.headers, media=media, pretty=pretty)


def fault_answer(method: str, path: str, fault: Exception, *, media: str = FHIR_JSON, pretty: bool = False) -> Answer:
    """Return the response to a fault of our own, which does not tell how we are made; the log has the whole of it."""
    log.error("%s %s failed", method, path, exc_info=fault)
    issue = Issue("fatal", "exception", "The registry failed to answer; the fault has been logged.")
    return outcome_answer(500, (issue,), media=media, pretty=pretty)


async def registry_error(request: Request, error: Exception) -> Response:
    """Answer an error of the registry outside of the FHIR base."""
    del request
    assert isinstance(error, RegistryError)  # noqa: S101  # registered for nothing else
    return error_answer(error)


async def http_error(request: Request, error: Exception) -> Response:
    """Answer what the framework refuses: a path or a method that is not there."""
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for nothing else
    code = _HTTP_CODES.get(error.status_code, "processing")
    text = f"{request.method} {request.url.path}: {error.detail}."
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    return outcome_answer(error.status_code, (Issue("error", code, text),), headers)


async def unexpected_error(request: Request, error: Exception) -> Response:
    """Answer a fault of our own outside of the FHIR base."""
    return fault_answer(request.method, request.url.path, error)
