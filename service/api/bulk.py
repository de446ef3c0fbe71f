"""Bulk data over HTTP (https://hl7.org/fhir/uv/bulkdata/export.html): asked for, asked about, fetched, cancelled."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from starlette.responses import FileResponse, Response, StreamingResponse

from service.api import http
from service.api.bodies import read_body
from service.api.message import Answer, Request
from service.api.negotiation import FHIR_JSON, input_type
from service.api.representation import as_json
from service.bulk.asking import instant_of
from service.bulk.job import ExportRequest, State
from service.bulk.jobs import Jobs
from service.bulk.manifest import manifest
from service.errors import Invalid, Issue
from service.fhir.dates import http_date
from service.fhir.json import dumps
from service.fhir.outcome import operation_outcome
from service.interactions.engine import Engine
from service.operations.inputs import Inputs, Parameter
from service.settings import Settings

NDJSON: Final = "application/fhir+ndjson"
OPERATIONS: Final = (("export", "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export", (None,)),)
"""What the capability statement lists: code, definition, and where."""
STATUS, FILE = "/$export-status/{job}", "/$export-file/{job}/{file}"
_FORMATS: Final = frozenset({NDJSON, "application/ndjson", "ndjson"})
_PARAMETERS: Final = {
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
_AGAIN_SECONDS: Final = 2
_CHUNK: Final = 256 * 1024


class Bulk:
    """The endpoints of exports."""

    def __init__(self, engine: Callable[[], Engine], settings: Settings) -> None:
        self._settings = settings
        self._engine = engine
        self._jobs = Jobs(engine, Path(settings.export_dir), settings.export_hours * 3600)

    async def export(self, request: Request) -> Response:
        """Answer a request for an export: where to ask how far it is."""
        ask = http.ask(request)
        if "respond-async" not in ask.preferences:
            raise Invalid("An export is asynchronous: send Prefer: respond-async.", expression="Prefer")
        inputs = Inputs("export", _PARAMETERS, "system")
        inputs.take_pairs(ask.parameters)
        base = http.base_url(request, self._settings)
        if request.method == "POST":
            body = await read_body(request, self._settings.max_body_size)
            inputs.take_body(as_json(body, input_type(request.headers.get("content-type"))) if body else body)
        engine = self._engine()
        await engine.parameters.refresh()
        query = f"?{request.query.decode('ascii', 'replace')}" if request.query else ""
        name = await self._jobs.start(engine.at(base), _asked(inputs, base, query))
        where = f"{base}{STATUS.format(job=name)}"
        outcome = operation_outcome([Issue("information", "informational", f"The export is begun; see {where}.")])
        return http.resource_answer(ask, dumps(outcome), 202, {"content-location": where})

    async def status(self, request: Request) -> Response:
        """Answer how far an export is; with the manifest where it is complete."""
        name = request.parameters["job"]
        state = await self._jobs.state(name)
        if state.status == "failed":
            outcome = operation_outcome([Issue("fatal", "exception", state.problem)])
            return Answer(500, dumps(outcome), FHIR_JSON)
        if state.status == "running":
            headers = {"x-progress": _progress(state), "retry-after": str(_AGAIN_SECONDS)}
            return Answer(202, headers=headers)
        folder = f"{http.base_url(request, self._settings)}/$export-file/{name}/"
        expires = await self._jobs.expires(name)
        return Answer(200, manifest(state, folder), "application/json", {"expires": http_date(expires)})

    async def file(self, request: Request) -> Response:
        """Answer a file as NDJSON, packed where the client takes that."""
        path = await self._jobs.file(request.parameters["job"], unquote(request.parameters["file"]))
        headers = {"vary": "accept-encoding"}
        if _takes_gzip(request.headers.get("accept-encoding", "")):
            return FileResponse(path, headers={**headers, "content-encoding": "gzip"}, media_type=NDJSON)
        return StreamingResponse(_unpacked(path), headers=headers, media_type=NDJSON)

    async def cancel(self, request: Request) -> Response:
        """Answer a cancellation: nothing is left of the export."""
        await self._jobs.remove(request.parameters["job"])
        return Answer(202)


def _asked(inputs: Inputs, base: str, query: str) -> ExportRequest:
    inputs.refuse("patient", "includeAssociatedData", "organizeOutputBy")
    format_ = inputs.text("_outputFormat")
    # A plus sign in a URL is a space once decoded.
    if format_ is not None and format_.replace(" ", "+") not in _FORMATS:
        raise Invalid(f"{format_} is no format of an export; {NDJSON} is.", expression="_outputFormat")
    return ExportRequest(
        types=_listed(inputs.every("_type")),
        since=instant_of("_since", _instant(inputs.text("_since"))),
        until=instant_of("_until", _instant(inputs.text("_until"))),
        elements=_listed(inputs.every("_elements")),
        filters=_filters(inputs.every("_typeFilter")),
        gzip=True,
        url=f"{base}/$export{query}",
        base=base,
    )


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


def _progress(state: State) -> str:
    return f"{state.written} of {state.total} resources"


def _takes_gzip(accepted: str) -> bool:
    codings = {part.partition(";")[0].strip(): part.replace(" ", "") for part in accepted.lower().split(",")}
    return "gzip" in codings and not codings["gzip"].endswith(("q=0", "q=0.0"))


async def _unpacked(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(gzip.open, path) as stream:
        while chunk := await asyncio.to_thread(stream.read, _CHUNK):
            yield chunk if isinstance(chunk, bytes) else chunk.encode()
