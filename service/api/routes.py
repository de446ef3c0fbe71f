"""The RESTful API: which path and method is which interaction (https://hl7.org/fhir/R5/http.html#summary).

One table; the routes, the OpenAPI description and the capability statement are all made from it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version as distribution_version

from starlette.responses import Response, StreamingResponse

from service.api import bulk_export, bulk_import, http
from service.api.bodies import read_body
from service.api.dispatch import Handler
from service.api.message import Answer, Request
from service.api.negotiation import FHIR_JSON, FHIR_XML, FORMATS, OTHERS, check_form, file_type, input_type, patch_form
from service.api.polling import Polling
from service.api.representation import as_json
from service.bulk.folder import S
from service.bulk.history_bundle import restore_history
from service.errors import Forbidden, Invalid, NotSupported
from service.fhir.json import dumps
from service.fhir.outcome import operation_outcome
from service.interactions.bundles import etag, history_bundle, present, search_bundle
from service.interactions.capabilities import Offer, capability_statement
from service.interactions.create import create
from service.interactions.delete import conditional_delete, delete
from service.interactions.engine import Engine
from service.interactions.history import history
from service.interactions.patch import Form, conditional_patch, patch
from service.interactions.read import read
from service.interactions.search import search
from service.interactions.terminology_capabilities import terminology_capabilities
from service.interactions.transaction import transaction
from service.interactions.update import conditional_update, update
from service.interactions.vread import vread
from service.operations.call import Call
from service.operations.entries import EntryOperations
from service.operations.inputs import Inputs
from service.operations.registry import Code, Operation, find_operation, operations
from service.operations.table_formats import Streamed
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method on a path, and the interactions (code, level) that it stands for."""

    method: str
    path: str
    handler: Handler
    summary: str
    offers: tuple[Offer, ...]


class Api:
    """The endpoints of one engine."""

    def __init__(self, engine: Callable[[], Engine], settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._started = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        exports = bulk_export.Export(engine, settings)
        imports = bulk_import.Import(engine, settings, find_operation("import"))
        instance, type_ = "/{type}/{id}", "/{type}"
        self.endpoints: tuple[Endpoint, ...] = (
            _endpoint("GET", instance, self.read, "Read the current version", "read"),
            _endpoint("PUT", instance, self.update, "Update, or create under this id", "update"),
            _endpoint("PATCH", instance, self.patch, "Apply a JSON Patch or a FHIRPath Patch", "patch"),
            _endpoint("DELETE", instance, self.delete, "Delete", "delete"),
            _endpoint("GET", f"{instance}/_history/{{version}}", self.vread, "Read one version", "vread"),
            _endpoint("GET", f"{instance}/_history", self.history, "History of a resource", "history-instance"),
            _endpoint("GET", "/metadata", self.capabilities, "Capability statement"),
            _endpoint("GET", "/_history", self.history, "History of everything", "history-system", level="system"),
            _endpoint("POST", "/_search", self.search, "Search all types", "search-system", level="system"),
            _endpoint("GET", f"{type_}/_history", self.history, "History of a type", "history-type"),
            _endpoint("POST", f"{type_}/_search", self.search, "Search", "search-type"),
            _endpoint("GET", type_, self.search, "Search", "search-type"),
            _endpoint("POST", type_, self.create, "Create, also conditionally", "create"),
            _endpoint("PUT", type_, self.conditional_update, "Update what meets criteria", "update"),
            _endpoint("PATCH", type_, self.conditional_patch, "Patch what meets criteria", "patch"),
            _endpoint("DELETE", type_, self.conditional_delete, "Delete what meets criteria", "delete"),
            _endpoint("GET", "", self.search, "Search all types", "search-system", level="system"),
            _endpoint("POST", "", self.transaction, "Transaction or batch", "transaction", "batch", level="system"),
            *(
                _endpoint(method, path, exports.endpoint(operation, type_), title)
                for operation, path, type_, title in (
                    (None, "/$export", None, "Export"),
                    *(
                        (each, *place, each.title)
                        for each in operations()
                        if each.code == "export"
                        for place in each.places
                    ),
                )
                for method in ("GET", "POST")
            ),
            _endpoint("POST", "/$import", imports.start, "Import"),
            *_polling(exports.polling, "export"),
            *_polling(imports.polling, "import"),
            *(
                _endpoint(method, path, self._operation(each, type_, code), each.title)
                for each in operations()
                for path, type_ in each.places
                for method, code in each.methods.items()
            ),
        )

    async def read(self, request: Request) -> Response:
        """Answer read."""
        ask, place = http.ask(request), request.parameters
        return http.version_answer(request, ask, await read(self._engine(), place["type"], place["id"]))

    async def vread(self, request: Request) -> Response:
        """Answer vread."""
        ask, place = http.ask(request), request.parameters
        version = await vread(self._engine(), place["type"], place["id"], place["version"])
        return http.version_answer(request, ask, version)

    async def create(self, request: Request) -> Response:
        """Answer create, conditional where there is an If-None-Exist header."""
        ask = http.ask(request)
        _refuse_parameters(ask)
        body = await self._resource_body(request)
        criteria = http.criteria(request.headers.get("if-none-exist"))
        async with self._writing(request) as engine:
            written = await create(engine, request.parameters["type"], body, criteria)
        return http.written_answer(ask, written, self._base(request))

    async def update(self, request: Request) -> Response:
        """Answer update."""
        ask, place = http.ask(request), request.parameters
        _refuse_parameters(ask)
        body = await self._resource_body(request)
        if_match, absent = _conditions(request)
        async with self._writing(request) as engine:
            written = await update(engine, place["type"], place["id"], body, if_match=if_match, absent=absent)
        return http.written_answer(ask, written, self._base(request))

    async def conditional_update(self, request: Request) -> Response:
        """Answer conditional update."""
        ask, type_ = http.ask(request), request.parameters["type"]
        body = await self._resource_body(request)
        if_match, absent = _conditions(request)
        async with self._writing(request) as engine:
            written = await conditional_update(engine, type_, ask.parameters, body, if_match=if_match, absent=absent)
        return http.written_answer(ask, written, self._base(request))

    async def patch(self, request: Request) -> Response:
        """Answer patch."""
        ask, place = http.ask(request), request.parameters
        _refuse_parameters(ask)
        form, body = await self._patch_body(request)
        if_match, absent = _conditions(request)
        async with self._writing(request) as engine:
            written = await patch(engine, place["type"], place["id"], body, form, if_match=if_match, absent=absent)
        return http.written_answer(ask, written, self._base(request))

    async def conditional_patch(self, request: Request) -> Response:
        """Answer conditional patch."""
        ask, type_ = http.ask(request), request.parameters["type"]
        form, body = await self._patch_body(request)
        if_match, absent = _conditions(request)
        async with self._writing(request) as engine:
            written = await conditional_patch(
                engine, type_, ask.parameters, body, form, if_match=if_match, absent=absent
            )
        return http.written_answer(ask, written, self._base(request))

    async def delete(self, request: Request) -> Response:
        """Answer delete."""
        ask, place = http.ask(request), request.parameters
        _refuse_parameters(ask)
        if_match, absent = _conditions(request)
        async with self._writing(request) as engine:
            written = await delete(engine, place["type"], place["id"], if_match=if_match, absent=absent)
        headers = {"etag": etag(written.version)} if written.version else None
        return _deleted(ask, headers)

    async def conditional_delete(self, request: Request) -> Response:
        """Answer conditional delete."""
        ask, type_ = http.ask(request), request.parameters["type"]
        if_match, absent = _conditions(request)
        async with self._writing(request) as engine:
            await conditional_delete(engine, type_, ask.parameters, if_match=if_match, absent=absent)
        return _deleted(ask)

    async def history(self, request: Request) -> Response:
        """Answer history at each of its three levels."""
        ask = http.ask(request)
        type_, id_ = request.parameters.get("type"), request.parameters.get("id")
        page = await history(self._engine(), type_, id_, ask.parameters)
        path = "/".join(part for part in (type_, id_, "_history") if part)
        return http.resource_answer(ask, history_bundle(page, self._base(request), path, ask.shown))

    async def search(self, request: Request) -> Response:
        """Answer search of a type or of the system, by GET or by POST of a form."""
        if request.method == "POST":
            check_form(request.headers.get("content-type"))
            request.form = await read_body(request, self._settings.max_body_size)
        ask, type_ = http.ask(request), request.parameters.get("type")
        engine = await self._searching(request)
        page = await search(engine, type_, ask.parameters, lenient=ask.lenient(self._settings))
        return http.resource_answer(ask, search_bundle(page, self._base(request), type_ or "", ask.shown))

    async def transaction(self, request: Request) -> Response:
        """Answer transaction and batch, and a history where that is allowed."""
        ask = http.ask(request)
        _refuse_parameters(ask)
        body = await self._resource_body(request)
        async with self._writing(request) as engine:
            answered = await transaction(
                engine,
                body,
                self._base(request),
                EntryOperations(),
                ask.returns,
                lambda body: self._history(engine, body),
            )
        return http.resource_answer(ask, answered)

    async def _history(self, engine: Engine, body: bytes) -> bytes:
        if self._settings.history_bundles == "off":
            raise Forbidden(
                "A Bundle of type history brings versions with numbers and instants of their own; the setting"
                " history_bundles of this server does not allow it.",
                expression="Bundle.type",
            )
        return await restore_history(engine, body)

    async def capabilities(self, request: Request) -> Response:
        """Answer capabilities."""
        ask = http.ask(request)
        mode = next((value for name, value in ask.parameters if name == "mode"), "full")
        for other in (value for name, value in ask.parameters if name == "mode"):
            if other != mode or mode not in ("full", "terminology"):
                raise Invalid(
                    f"mode={other} is not supported here; full and terminology are.",
                    code="not-supported",
                    expression="mode",
                )
        shown = [pair for pair in ask.parameters if pair[0] != "mode"]
        engine, version = await self._searching(request), distribution_version("trial-registry")
        if mode == "terminology":
            expand = find_operation("expand")
            known = terminology_capabilities(
                engine.conformance, self._base(request), list(expand.parameters), version, self._started
            )
            return http.resource_answer(ask, present(known, *http.part(shown, "TerminologyCapabilities")))
        statement = capability_statement(
            [offer for endpoint in self.endpoints for offer in endpoint.offers],
            engine.catalogue,
            engine.limits,
            self._base(request),
            FORMATS,
            [*bulk_export.OPERATIONS, *((each.code, each.url, each.everywhere) for each in operations())],
            version,
            self._started,
        )
        return http.resource_answer(ask, present(statement, *http.part(shown, "CapabilityStatement")))

    async def health(self, request: object) -> Response:
        """Answer whoever watches over this process: 204 where the store can be read and written, else 503."""
        del request
        await self._engine().store.health()
        return Answer(http.NO_CONTENT)

    def _operation(self, operation: Operation, type_: str | None, code: Code) -> Handler:
        async def answer(request: Request) -> Response:
            ask = http.ask(request, others=tuple(operation.others), preferred=operation.preferred)
            id_, asked = request.parameters.get("id"), request.parameters.get("type", type_)
            inputs = operation.inputs(asked, id_)
            inputs.take_pairs(ask.parameters)
            if request.method == "POST":
                await self._take_body(request, operation, inputs)
            async with self._writing(request) as engine:
                call = Call(engine, inputs, asked, id_, self._base(request), ask.shown)
                if other := next((each for name, each in operation.others.items() if OTHERS[name] == ask.media), None):
                    return _other_answer(request, ask.media, await other(call))
                return http.resource_answer(ask, await code(call))

        return answer

    async def _searching(self, request: Request) -> Engine:
        """Return the engine of a request that needs search parameters and definitions as they are; a read does not."""
        engine = self._engine()
        await engine.parameters.refresh()
        await engine.conformance.refresh()
        return engine.at(self._base(request))

    @asynccontextmanager
    async def _writing(self, request: Request) -> AsyncIterator[Engine]:
        """The engine of a request that may write, for as long as it does."""
        engine = await self._searching(request)
        with engine.parameters.writing():
            yield engine

    async def _take_body(self, request: Request, operation: Operation, inputs: Inputs) -> None:
        """Read the parameters of an operation, which may need none."""
        body = await read_body(request, self._settings.max_body_size)
        if not body:
            return
        content_type = request.headers.get("content-type")
        parameter = operation.files.get(file_type(content_type)) if operation.files else None
        if parameter is not None:
            inputs.take_file(parameter, body)
        else:
            inputs.take_body(as_json(body, input_type(content_type)))

    async def _resource_body(self, request: Request) -> bytes:
        """Return the JSON of the resource that is sent."""
        media = input_type(request.headers.get("content-type"))
        return as_json(await read_body(request, self._settings.max_body_size), media)

    async def _patch_body(self, request: Request) -> tuple[Form, bytes]:
        form = patch_form(request.headers.get("content-type"))
        if form == "fhirpath":
            return form, await self._resource_body(request)
        return form, await read_body(request, self._settings.max_body_size)

    def _base(self, request: Request) -> str:
        return http.base_url(request, self._settings)


def _endpoint(method: str, path: str, handler: Handler, summary: str, *codes: str, level: str = "type") -> Endpoint:
    return Endpoint(method, path, handler, summary, tuple(Offer(code, level) for code in codes))


def _polling(polling: Polling[S], what: str) -> tuple[Endpoint, ...]:
    status = f"/${what}-status/{{job}}"
    return (
        _endpoint("GET", status, polling.status, f"How far an {what} is"),
        _endpoint("DELETE", status, polling.cancel, f"Cancel an {what}, or remove its files"),
        _endpoint("GET", f"/${what}-file/{{job}}/{{file}}", polling.file, f"A file of an {what}"),
    )


def _conditions(request: Request) -> tuple[str | None, bool]:
    """Return If-Match of a write, and whether there is an ``If-None-Match: *``.

    Raises :class:`Invalid` for a condition that this server would otherwise not heed.
    """
    for name in ("If-Unmodified-Since", "If-None-Exist"):
        if name.lower() in request.headers:
            raise NotSupported(f"{name} is not for {request.method} here; If-Match is.", expression=name)
    none_match = request.headers.get("if-none-match")
    if none_match is not None and none_match.strip() != "*":
        raise Invalid(f"If-None-Match of a write can only be *, not {none_match}.", expression="If-None-Match")
    return request.headers.get("if-match"), none_match is not None


def _other_answer(request: Request, media: str, answer: str | Streamed) -> Response:
    """Answer in a format that is none of FHIR, at once or while it is made."""
    if isinstance(answer, str):
        return Answer(http.OK, answer.encode(), media)
    headers = {**answer.headers, "vary": "accept"}
    if request.method == "HEAD":
        return Answer(http.OK, media=media, headers=headers)
    return StreamingResponse(answer.body, headers=headers, media_type=media)


def _refuse_parameters(ask: http.Ask) -> None:
    for name, _ in ask.parameters:
        raise Invalid(f"{name} is not a parameter of this interaction.", expression=name)


def _deleted(ask: http.Ask, headers: dict[str, str] | None = None) -> Answer:
    if ask.preferences.get("return") == "OperationOutcome":
        return http.resource_answer(ask, dumps(operation_outcome(())), http.OK, headers)
    return Answer(http.NO_CONTENT, headers=headers)


def openapi_paths(endpoints: Sequence[Endpoint], base_path: str) -> dict[str, dict[str, object]]:
    """Return the OpenAPI description of the endpoints."""
    paths: dict[str, dict[str, object]] = {}
    for endpoint in endpoints:
        names = [part[1:-1] for part in endpoint.path.split("/") if part.startswith("{")]
        paths.setdefault(base_path + endpoint.path, {})[endpoint.method.lower()] = {
            "summary": endpoint.summary,
            "operationId": "-".join(
                (endpoint.method.lower(), *endpoint.path.replace("{", "").replace("}", "").split("/")[1:])
            ),
            "tags": ["FHIR R5"],
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
            ],
            "responses": {
                "2XX": {"description": "Success", "content": {FHIR_JSON: {}, FHIR_XML: {}}},
                "4XX": {"description": "OperationOutcome", "content": {FHIR_JSON: {}, FHIR_XML: {}}},
            },
        }
    return paths
