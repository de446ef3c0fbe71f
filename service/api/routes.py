"""The RESTful API: which path and method is which interaction (https://hl7.org/fhir/R5/http.html#summary).

One table; the routes, the OpenAPI description and the capability statement are all made from it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version as distribution_version

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from service.api import http
from service.api.negotiation import FORMATS, check_input, patch_form
from service.errors import Invalid, NotFound, UnsupportedMedia
from service.fhir.json import dumps
from service.fhir.outcome import operation_outcome
from service.interactions.bundles import etag, history_bundle, search_bundle
from service.interactions.capabilities import Offer, capability_statement
from service.interactions.create import create
from service.interactions.delete import conditional_delete, delete
from service.interactions.engine import Engine
from service.interactions.entries import READS
from service.interactions.history import history
from service.interactions.patch import Form, conditional_patch, patch
from service.interactions.read import read
from service.interactions.search import search
from service.interactions.transaction import transaction
from service.interactions.update import conditional_update, update
from service.interactions.vread import vread
from service.operations.registry import Code, operations
from service.settings import Settings

Handler = Callable[[Request], Awaitable[Response]]
FORM = "application/x-www-form-urlencoded"


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
                _endpoint(method, f"/${each.code}", self._operation(code), each.title)
                for each in operations()
                for method, code in each.methods.items()
            ),
        )

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """The routes below the base path; those of instances, which are asked for most, come first."""
        paths: dict[str, dict[str, Handler]] = {}
        for endpoint in self.endpoints:
            paths.setdefault(endpoint.path, {})[endpoint.method] = endpoint.handler
        paths["/"] = paths[""]  # many a client writes its base URL with a slash at the end
        # What is spelled out goes before what is a variable: /_history before /{type}, /{type}/_history before /{id}.
        ordered = sorted(paths.items(), key=lambda item: (item[0].count("/") != 2, item[0].count("{")))
        return tuple(
            Route(f"{self._settings.base_path}{path}", self._dispatch(handlers), methods=list(handlers))
            for path, handlers in ordered
        )

    async def not_here(self, request: Request) -> Response:
        """Answer what no route takes: another method on one of its paths, or a path that there is not."""
        allowed: set[str] = set()
        for route in self.routes:
            match, scope = route.matches(request.scope)
            if match is not Match.NONE and http.is_type(scope["path_params"].get("type")):
                allowed |= route.methods or set()
        if allowed:
            raise HTTPException(405, headers={"Allow": ", ".join(sorted(allowed))})
        raise NotFound(f"{request.url.path} is not a FHIR interaction of this server.", code="not-supported")

    async def read(self, request: Request) -> Response:
        """Answer read."""
        ask = http.ask(request)
        version = await read(self._engine(), http.resource_type(request), request.path_params["id"])
        return http.version_response(request, ask, version)

    async def vread(self, request: Request) -> Response:
        """Answer vread."""
        ask = http.ask(request)
        path = request.path_params
        version = await vread(self._engine(), http.resource_type(request), path["id"], path["version"])
        return http.version_response(request, ask, version)

    async def create(self, request: Request) -> Response:
        """Answer create, conditional where there is an If-None-Exist header."""
        ask, type_ = http.ask(request), http.resource_type(request)
        _refuse_parameters(ask)
        body = await self._resource_body(request)
        criteria = http.criteria(request.headers.get("if-none-exist"))
        written = await create(self._at(request), type_, body, criteria)
        return http.written_response(ask, written, self._base(request))

    async def update(self, request: Request) -> Response:
        """Answer update."""
        ask, type_ = http.ask(request), http.resource_type(request)
        _refuse_parameters(ask)
        body = await self._resource_body(request)
        if_match, absent = _conditions(request)
        id_ = request.path_params["id"]
        written = await update(self._at(request), type_, id_, body, if_match=if_match, absent=absent)
        return http.written_response(ask, written, self._base(request))

    async def conditional_update(self, request: Request) -> Response:
        """Answer conditional update."""
        ask, type_ = http.ask(request), http.resource_type(request)
        body = await self._resource_body(request)
        if_match, absent = _conditions(request)
        engine = self._at(request)
        written = await conditional_update(engine, type_, ask.parameters, body, if_match=if_match, absent=absent)
        return http.written_response(ask, written, self._base(request))

    async def patch(self, request: Request) -> Response:
        """Answer patch."""
        ask, type_ = http.ask(request), http.resource_type(request)
        _refuse_parameters(ask)
        form, body = await self._patch_body(request)
        if_match, _ = _conditions(request)
        written = await patch(self._at(request), type_, request.path_params["id"], body, form, if_match=if_match)
        return http.written_response(ask, written, self._base(request))

    async def conditional_patch(self, request: Request) -> Response:
        """Answer conditional patch."""
        ask, type_ = http.ask(request), http.resource_type(request)
        form, body = await self._patch_body(request)
        if_match, _ = _conditions(request)
        written = await conditional_patch(self._at(request), type_, ask.parameters, body, form, if_match=if_match)
        return http.written_response(ask, written, self._base(request))

    async def delete(self, request: Request) -> Response:
        """Answer delete."""
        ask, type_ = http.ask(request), http.resource_type(request)
        _refuse_parameters(ask)
        if_match, _ = _conditions(request)
        written = await delete(self._at(request), type_, request.path_params["id"], if_match=if_match)
        headers = {"ETag": etag(written.version)} if written.version else None
        return _deleted(ask, headers)

    async def conditional_delete(self, request: Request) -> Response:
        """Answer conditional delete."""
        ask, type_ = http.ask(request), http.resource_type(request)
        if_match, _ = _conditions(request)
        await conditional_delete(self._at(request), type_, ask.parameters, if_match=if_match)
        return _deleted(ask)

    async def history(self, request: Request) -> Response:
        """Answer history at each of its three levels."""
        ask = http.ask(request)
        type_ = http.resource_type(request) if "type" in request.path_params else None
        id_ = request.path_params.get("id")
        page = await history(self._at(request), type_, id_, ask.parameters)
        path = "/".join(part for part in (type_, id_, "_history") if part)
        return http.json_response(ask, history_bundle(page, self._base(request), path, ask.shown))

    async def search(self, request: Request) -> Response:
        """Answer search of a type or of the system, by GET or by POST of a form."""
        form = b""
        if request.method == "POST":
            if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
                raise UnsupportedMedia(f"_search takes {FORM}.", expression="Content-Type")
            form = await http.read_body(request, self._settings.max_body_size)
        ask = http.ask(request, form)
        type_ = http.resource_type(request) if "type" in request.path_params else None
        page = await search(self._at(request), type_, ask.parameters, lenient=ask.lenient(self._settings))
        return http.json_response(ask, search_bundle(page, self._base(request), type_ or "", ask.shown))

    async def transaction(self, request: Request) -> Response:
        """Answer transaction and batch."""
        ask = http.ask(request)
        _refuse_parameters(ask)
        check_input(request.headers.get("content-type"))
        body = await http.read_body(request, self._settings.max_body_size)
        return http.json_response(ask, await transaction(self._at(request), body, self._base(request)))

    async def capabilities(self, request: Request) -> Response:
        """Answer capabilities."""
        ask = http.ask(request)
        mode = dict(ask.parameters).get("mode", "full")
        if mode != "full":
            raise Invalid(f"mode={mode} is not supported here; full is.", code="not-supported", expression="mode")
        engine = self._at(request)
        statement = capability_statement(
            [offer for endpoint in self.endpoints for offer in endpoint.offers],
            engine.catalogue,
            engine.limits,
            self._base(request),
            FORMATS,
            [(operation.code, operation.url) for operation in operations()],
            distribution_version("trial-registry"),
            self._started,
        )
        return http.json_response(ask, statement)

    async def health(self, request: Request) -> Response:
        """Answer whoever watches over this process: 204 where the store can be read and written, else 503."""
        del request
        await self._engine().store.health()
        return Response(status_code=http.NO_CONTENT)

    def _operation(self, code: Code) -> Handler:
        async def answer(request: Request) -> Response:
            ask = http.ask(request)
            _refuse_parameters(ask)
            return http.json_response(ask, await code(self._at(request)))

        return answer

    def _dispatch(self, handlers: dict[str, Handler]) -> Handler:
        if "GET" in handlers:
            handlers = {**handlers, "HEAD": handlers["GET"]}

        async def dispatch(request: Request) -> Response:
            parameters = self._engine().parameters
            await parameters.refresh()
            if request.method in READS:
                return await handlers[request.method](request)
            with parameters.writing():
                return await handlers[request.method](request)

        return dispatch

    async def _resource_body(self, request: Request) -> bytes:
        check_input(request.headers.get("content-type"))
        return await http.read_body(request, self._settings.max_body_size)

    async def _patch_body(self, request: Request) -> tuple[Form, bytes]:
        form = patch_form(request.headers.get("content-type"))
        return form, await http.read_body(request, self._settings.max_body_size)

    def _at(self, request: Request) -> Engine:
        return self._engine().at(self._base(request))

    def _base(self, request: Request) -> str:
        return http.base_url(request, self._settings)


def _endpoint(method: str, path: str, handler: Handler, summary: str, *codes: str, level: str = "type") -> Endpoint:
    return Endpoint(method, path, handler, summary, tuple(Offer(code, level) for code in codes))


def _conditions(request: Request) -> tuple[str | None, bool]:
    """Return If-Match, and whether there is an ``If-None-Match: *``."""
    none_match = request.headers.get("if-none-match")
    if none_match is not None and none_match.strip() != "*" and request.method == "PUT":
        raise Invalid("If-None-Match of an update can only be *.", expression="If-None-Match")
    return request.headers.get("if-match"), none_match is not None and none_match.strip() == "*"


def _refuse_parameters(ask: http.Ask) -> None:
    for name, _ in ask.parameters:
        raise Invalid(f"{name} is not a parameter of this interaction.", expression=name)


def _deleted(ask: http.Ask, headers: dict[str, str] | None = None) -> Response:
    if ask.preferences.get("return") == "OperationOutcome":
        return http.json_response(ask, dumps(operation_outcome(())), http.OK, headers)
    return Response(status_code=http.NO_CONTENT, headers=headers)


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
                "2XX": {"description": "Success", "content": {"application/fhir+json": {}}},
                "4XX": {"description": "OperationOutcome", "content": {"application/fhir+json": {}}},
            },
        }
    return paths
