"""$import: resources that are sent, or that are fetched, from a request to a job.

There is no specification of it yet. The request and the answers are those of the proposal of the bulk data project
(https://github.com/smart-on-fhir/bulk-import), as JSON or as the Parameters that OperationDefinition-import.json of the
registry's package defines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from starlette.responses import Response

from service.api import http
from service.api.bodies import read_body, write_body
from service.api.message import Request
from service.api.negotiation import file_type, input_type
from service.api.polling import NDJSON, NDJSON_NAMES, Polling, check_async
from service.api.representation import as_json
from service.bulk.fetch import Fetch
from service.bulk.folder import Folder
from service.bulk.importing import UPLOAD, ImportJob, ImportState, Input, manifest, run
from service.bulk.jobs import Jobs
from service.errors import Forbidden, Invalid, RegistryError
from service.fhir import definitions
from service.fhir.json import dumps, loads
from service.interactions.engine import Engine
from service.operations.inputs import Inputs
from service.operations.registry import Operation
from service.settings import Settings

_PACKED: Final = frozenset({"application/gzip", "application/x-gzip"})
_UPLOADS: Final = NDJSON_NAMES | _PACKED
_STORAGE: Final = frozenset({"https", "http"})


class Import:
    """The endpoints of imports, as the operation's definition has them."""

    def __init__(self, engine: Callable[[], Engine], settings: Settings, operation: Operation) -> None:
        self._settings = settings
        self._engine = engine
        self._operation = operation
        self._fetch = Fetch(settings.import_from, settings.max_import_size)
        jobs = Jobs("import", ImportJob, self._work, Path(settings.import_dir), settings.job_hours * 3600)
        self.polling = Polling(jobs, manifest, settings)

    async def start(self, request: Request) -> Response:
        """Answer a request for an import: where to ask how far it is."""
        ask = http.ask(request)
        check_async(ask, "import")
        base = http.base_url(request, self._settings)
        inputs = self._operation.inputs(None, None)
        inputs.take_pairs(ask.parameters)
        uploaded = file_type(request.headers.get("content-type")) in _UPLOADS
        if not uploaded:
            body = await read_body(request, self._settings.max_body_size)
            inputs.take_body(_parameters(as_json(body, input_type(request.headers.get("content-type")))))
        files = [Input(UPLOAD)] if uploaded else self._files(inputs)
        state = ImportState(url=f"{base}/$import", base=base, inputs=files, source=inputs.text("inputSource") or "")

        async def begin(job: Folder[ImportState]) -> None:
            if uploaded:
                await write_body(request, self._settings.max_import_size, job.folder / UPLOAD)
            job.save(state)

        return await self.polling.start(request, ask, begin)

    def _files(self, inputs: Inputs) -> list[Input]:
        """Return what is to be fetched; raises with everything that is wrong with it."""
        format_ = inputs.text("inputFormat")
        if format_ is not None and format_ not in NDJSON_NAMES:
            raise Invalid(f"{format_} is no format of an import; {NDJSON} is.", expression="inputFormat")
        storage = (inputs.one("storageDetail") or {}).get("type", "https")
        if storage not in _STORAGE:
            raise Invalid(
                f"Files are fetched by https, not from {storage}.",
                code="not-supported",
                expression="storageDetail.type",
            )
        listed = inputs.every("input")
        if not listed:
            raise Invalid(f"An import has inputs, or a body of {NDJSON}.", code="required", expression="input")
        errors: list[RegistryError] = []
        for number, each in enumerate(listed):
            try:
                self._check(each, f"input[{number}]")
            except RegistryError as error:
                errors.append(error)
        if errors:
            issues = [issue for error in errors for issue in error.issues]
            raise (Forbidden if all(isinstance(error, Forbidden) for error in errors) else Invalid)(issues)
        return [
            Input(f"{number:04}.ndjson", each["url"], each.get("type", "")) for number, each in enumerate(listed, 1)
        ]

    def _check(self, listed: dict[str, Any], where: str) -> None:
        if "url" not in listed:
            raise Invalid("An input has a url.", code="required", expression=f"{where}.url")
        type_ = listed.get("type")
        if type_ is not None and type_ not in definitions.resource_types():
            raise Invalid(f"{type_!r} is no resource type of R5.", code="value", expression=f"{where}.type")
        try:
            self._fetch.check(listed["url"])
        except RegistryError as error:
            error.issues = tuple(replace(issue, expression=(f"{where}.url",)) for issue in error.issues)
            raise

    async def _work(self, job: Folder[ImportState], state: ImportState) -> None:
        engine = self._engine().at(state.base)
        await engine.parameters.refresh()
        await engine.conformance.refresh()
        await run(engine, job, state, self._fetch)


def _parameters(body: bytes) -> bytes:
    """Return the request as Parameters, in which its JSON form has the same names."""
    asked = loads(body)
    if not isinstance(asked, dict) or "resourceType" in asked:
        return body
    parameters: list[dict[str, Any]] = []
    for name, value in asked.items():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                part = [_parameter(key, inner) for key, inner in item.items()]
                parameters.append({"name": name, "part": part})
            else:
                parameters.append(_parameter(name, item))
    return dumps({"resourceType": "Parameters", "parameter": parameters})


def _parameter(name: str, value: object) -> dict[str, Any]:
    values: Sequence[object] = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, str) and each for each in values):
        raise Invalid(f"{name} is text.", code="structure", expression=name)
    return {"name": name, "valueString": ",".join(map(str, values))}
