"""$export (https://hl7.org/fhir/uv/bulkdata/export.html): from a request to a job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from starlette.responses import Response

from service.api import http
from service.api.bodies import read_body
from service.api.dispatch import Handler
from service.api.message import Request
from service.api.negotiation import input_type
from service.api.polling import NDJSON, NDJSON_NAMES, Polling, check_async
from service.api.representation import as_json
from service.bulk.asking import instant_of
from service.bulk.export import begin, export
from service.bulk.folder import Folder
from service.bulk.job import ExportRequest, Job, State
from service.bulk.jobs import Jobs
from service.bulk.manifest import manifest
from service.errors import Invalid
from service.fhir.references import parse_literal
from service.interactions.engine import Engine
from service.interactions.everything import STUDY
from service.operations.inputs import Inputs, Parameter
from service.operations.registry import Operation
from service.settings import Settings

OPERATIONS: Final = (("export", "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export", (None,)),)
"""What the capability statement lists: code, definition, and where."""
_SYSTEM: Final = {
    name: Parameter(name, type_, max_)
    for name, type_, max_ in (
        ("_outputFormat", "string", "1"),
        ("_since", "instant", "1"),
        ("_until", "instant", "1"),
        ("_type", "string", "*"),
        ("_elements", "string", "*"),
        ("_typeFilter", "string", "*"),
        ("patient", "Reference", "*"),
        ("includeAssociatedData", "string", "*"),
        ("organizeOutputBy", "string", "1"),
        ("allowPartialManifests", "boolean", "1"),
    )
}


class Export:
    """The endpoints of exports."""

    def __init__(self, engine: Callable[[], Engine], settings: Settings) -> None:
        self._settings = settings
        self._engine = engine
        jobs = Jobs("export", Job, self._work, Path(settings.export_dir), settings.job_hours * 3600)
        self.polling = Polling(jobs, manifest, settings)

    def endpoint(self, operation: Operation | None, type_: str | None) -> Handler:
        """Return what answers a request on the system (None), or on the type or an instance of an operation."""

        async def answer(request: Request) -> Response:
            id_ = request.parameters.get("id")
            inputs = operation.inputs(type_, id_) if operation else Inputs("export", _SYSTEM, "system")
            return await self._start(request, inputs, "/".join(part for part in (type_, id_) if part))

        return answer

    async def _start(self, request: Request, inputs: Inputs, place: str) -> Response:
        """Answer a request for an export: where to ask how far it is."""
        ask = http.ask(request)
        check_async(ask, "export")
        inputs.take_pairs(ask.parameters)
        base = http.base_url(request, self._settings)
        if request.method == "POST":
            body = await read_body(request, self._settings.max_body_size)
            inputs.take_body(as_json(body, input_type(request.headers.get("content-type"))) if body else body)
        engine = self._engine()
        await engine.parameters.refresh()
        query = f"?{request.query.decode('ascii', 'replace')}" if request.query else ""
        asked = _asked(inputs, place, base, f"{base}{request.path}{query}")
        return await self.polling.start(request, ask, lambda job: begin(engine.at(base), job, asked))

    async def _work(self, job: Folder[State], state: State) -> None:
        await export(self._engine().at(state.request.base), job, state)


def _asked(inputs: Inputs, place: str, base: str, url: str) -> ExportRequest:
    inputs.refuse("patient", "includeAssociatedData")
    organized = inputs.text("organizeOutputBy")
    if organized not in (None, STUDY):
        raise Invalid(
            f"Files are organized by {STUDY} here, not by {organized}.",
            code="not-supported",
            expression="organizeOutputBy",
        )
    format_ = inputs.text("_outputFormat")
    # A plus sign in a URL is a space once decoded.
    if format_ is not None and format_.replace(" ", "+") not in NDJSON_NAMES:
        raise Invalid(f"{format_} is no format of an export; {NDJSON} is.", expression="_outputFormat")
    return ExportRequest(
        types=_listed(inputs.every("_type")),
        since=instant_of("_since", _instant(inputs.text("_since"))),
        until=instant_of("_until", _instant(inputs.text("_until"))),
        elements=_listed(inputs.every("_elements")),
        filters=_filters(inputs.every("_typeFilter")),
        gzip=True,
        url=url,
        base=base,
        place=place,
        studies=_studies(inputs.every("study"), base),
        organized=organized is not None,
    )


def _studies(references: list[Any], base: str) -> tuple[str, ...]:
    found: list[str] = []
    for reference in references:
        text = reference.get("reference")
        literal = parse_literal(text) if isinstance(text, str) else None
        if literal is None or literal.type != STUDY or literal.base not in (None, base):
            raise Invalid(f"{text!r} is no study of this server.", code="value", expression="study")
        found.append(literal.id)
    return tuple(dict.fromkeys(found))


def _instant(text: str | None) -> str | None:
    return None if text is None else text.replace(" ", "+")


def _listed(values: list[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for value in values for part in value.split(",")))


def _filters(values: list[Any]) -> tuple[str, ...]:
    """Return the searches; a comma before ``Type?`` separates two, any other belongs to a value."""
    found: list[str] = []
    for value in values:
        for part in value.split(","):
            if found and "?" not in part and part not in values:
                found[-1] += f",{part}"
            else:
                found.append(part)
    return tuple(found)
