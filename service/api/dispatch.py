"""From the method and the path of a request to its endpoint, and from whatever happens there to an answer.

The FHIR base is an ASGI application of its own, which the router and the middleware of the framework never see: they
cost several times what a read does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.api.errors import error_answer, fault_answer, outcome_answer
from service.api.http import TYPES, form_of_error
from service.api.message import Request
from service.errors import Issue, NotFound, RegistryError

Handler = Callable[[Request], Awaitable[Response]]
_VARIABLE: Final = "{}"


class Route(Protocol):
    """A method on a path below the FHIR base, whose variables are in braces, and what answers it."""

    @property
    def method(self) -> str:
        """The HTTP method."""
        ...

    @property
    def path(self) -> str:
        """The path: empty, or a slash and segments."""
        ...

    @property
    def handler(self) -> Handler:
        """What answers."""
        ...


@dataclass(slots=True)
class _Place:
    """A path that there is: the numbers and names of its variable segments, and method -> what answers."""

    variables: list[tuple[int, str]]
    handlers: dict[str, Handler] = field(default_factory=dict)


class Dispatch:
    """The routes below a FHIR base, as an ASGI application."""

    def __init__(self, routes: Iterable[Route], base_path: str) -> None:
        self._base = base_path
        self._below = f"{base_path}/"
        self._places: dict[tuple[str, ...], _Place] = {}
        self._spelled: set[tuple[int, str]] = set()
        for route in routes:
            segments = route.path.split("/")[1:]
            shape = tuple(_VARIABLE if segment.startswith("{") else segment for segment in segments)
            variables = [(n, segment[1:-1]) for n, segment in enumerate(segments) if segment.startswith("{")]
            place = self._places.setdefault(shape, _Place(variables))
            place.handlers[route.method] = route.handler
            if route.method == "GET":
                place.handlers["HEAD"] = route.handler
            self._spelled.update((n, segment) for n, segment in enumerate(shape) if segment != _VARIABLE)
        self._places[("",)] = self._places[()]  # many a client writes its base URL with a slash at the end
        self._spelled.add((0, ""))

    def takes(self, scope: Scope) -> bool:
        """Whether a request is for the FHIR base or a place below it."""
        if scope["type"] != "http":
            return False
        path = _path(scope)
        return path.startswith(self._below) or path == self._base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that :meth:`takes` accepts.

        A fault of our own is answered and raised again, for the server and the tests to see.
        """
        request = Request(scope, receive, _path(scope)[len(self._base) :])
        try:
            response = await self._answer(request)
        except RegistryError as error:
            media, pretty = form_of_error(request)
            response = error_answer(error, media=media, pretty=pretty)
        except Exception as error:
            media, pretty = form_of_error(request)
            await fault_answer(request.method, scope["path"], error, media=media, pretty=pretty)(scope, receive, send)
            raise
        if request.method == "HEAD":
            response.body = b""
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        place = self._find(request)
        handler = place.handlers.get(request.method)
        if handler is not None:
            return await handler(request)
        allowed = ", ".join(sorted(place.handlers))
        issue = Issue("error", "not-supported", f"{request.scope['path']} takes {allowed}, not {request.method}.")
        media, pretty = form_of_error(request)
        return outcome_answer(405, (issue,), {"allow": allowed}, media=media, pretty=pretty)

    def _find(self, request: Request) -> _Place:
        """Return the place that the path names, its variables noted; raises :class:`NotFound`.

        What is spelled out goes before what is a variable: ``_history`` is not an id.
        """
        segments = request.path.split("/")[1:]
        spelled = self._spelled
        shape = tuple([segment if (n, segment) in spelled else _VARIABLE for n, segment in enumerate(segments)])
        place = self._places.get(shape)
        if place is None and shape[:1] == tuple(segments[:1]):  # a type that has operations of its own, and the rest
            place = self._places.get((_VARIABLE, *shape[1:]))
        if place is None:
            raise NotFound(f"{request.scope['path']} is not a FHIR interaction of this server.", code="not-supported")
        request.parameters = parameters = {name: segments[n] for n, name in place.variables}
        if operation := next((each for each in parameters.values() if each.startswith("$")), None):
            raise NotFound(f"There is no operation {operation} here, or none at this place.", code="not-supported")
        if "" in parameters.values():
            raise NotFound(f"{request.scope['path']} has an empty part.", code="not-supported")
        if "type" in parameters and parameters["type"] not in TYPES:
            raise NotFound(f"{parameters['type']} is not a resource type of FHIR R5.", code="not-supported")
        return place


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))
