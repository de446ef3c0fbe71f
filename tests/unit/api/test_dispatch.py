"""From a path to its endpoint, as any ASGI server or application around this one may call it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from starlette.types import Message

from service.api.dispatch import Dispatch, Handler
from service.api.message import Answer, Request

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Endpoint:
    """A route whose answer tells which it is, and what its variables are."""

    method: str
    path: str

    @property
    def handler(self) -> Handler:
        """Answer with the route and its variables."""

        async def answer(request: Request) -> Answer:
            return Answer(200, f"{self.path} {dict(request.parameters)}".encode())

        return answer


ROUTES = [
    Endpoint("GET", ""),
    Endpoint("GET", "/metadata"),
    Endpoint("GET", "/{type}"),
    Endpoint("GET", "/{type}/_history"),
    Endpoint("POST", "/{type}/_search"),
    Endpoint("GET", "/{type}/{id}"),
    Endpoint("GET", "/{type}/{id}/_history/{version}"),
    Endpoint("GET", "/ValueSet/$expand"),
    Endpoint("GET", "/ValueSet/{id}/$expand"),
]


async def asked(dispatch: Dispatch, path: str, root: str, sent: list[Message]) -> None:
    """Send a GET, and collect what is sent in answer."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": root + path,
        "root_path": root,
        "query_string": b"",
        "headers": [],
    }

    async def receive() -> Message:
        raise AssertionError("no body is asked for")

    async def send(message: Message) -> None:
        sent.append(message)

    assert dispatch.takes(scope)
    await dispatch(scope, receive, send)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/fhir", " {}"),
        ("/fhir/", " {}"),
        ("/fhir/metadata", "/metadata {}"),
        ("/fhir/Group", "/{type} {'type': 'Group'}"),
        ("/fhir/Group/_history", "/{type}/_history {'type': 'Group'}"),
        ("/fhir/Group/metadata", "/{type}/{id} {'type': 'Group', 'id': 'metadata'}"),
        ("/fhir/ValueSet/$expand", "/ValueSet/$expand {}"),
        ("/fhir/ValueSet/a/$expand", "/ValueSet/{id}/$expand {'id': 'a'}"),
        ("/fhir/ValueSet", "/{type} {'type': 'ValueSet'}"),
        ("/fhir/ValueSet/a", "/{type}/{id} {'type': 'ValueSet', 'id': 'a'}"),
        ("/fhir/Group/{}", "/{type}/{id} {'type': 'Group', 'id': '{}'}"),
        (
            "/fhir/Group/a/_history/2",
            "/{type}/{id}/_history/{version} {'type': 'Group', 'id': 'a', 'version': '2'}",
        ),
    ],
)
async def test_what_is_spelled_out_goes_first(path: str, found: str) -> None:
    """http.html#summary: ``_history`` is no id, in the place where it is a word; elsewhere a word may be an id."""
    for root in ("", "/proxied"):
        sent: list[Message] = []
        await asked(Dispatch(ROUTES, "/fhir"), path, root, sent)
        assert (sent[0]["status"], sent[1]["body"].decode()) == (200, found)


async def test_what_is_below_the_base_and_what_is_not() -> None:
    """The base is taken with what is below it; what only begins like it belongs to others, as all that is no HTTP."""
    dispatch = Dispatch(ROUTES, "/fhir")
    for path, taken in {"/fhir": True, "/fhir/x": True, "/fhirs": False, "/": False, "/x/fhir": False}.items():
        assert dispatch.takes({"type": "http", "path": path}) == taken
    assert not dispatch.takes({"type": "lifespan"})
    assert not dispatch.takes({"type": "websocket", "path": "/fhir"})


async def test_a_fault_is_answered_and_raised() -> None:
    """A fault of our own is a 500 that tells nothing of it, and whoever runs the application still sees it."""

    class Broken(Endpoint):
        @property
        def handler(self) -> Handler:
            async def answer(_: Request) -> Answer:
                raise ZeroDivisionError("secret")

            return answer

    sent: list[Message] = []
    dispatch = Dispatch([Endpoint("GET", ""), Broken("GET", "/metadata")], "/fhir")
    with pytest.raises(ZeroDivisionError):
        await asked(dispatch, "/fhir/metadata", "", sent)
    assert sent[0]["status"] == 500
    assert b"secret" not in sent[1]["body"]
