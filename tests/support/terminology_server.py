"""A FHIR terminology server for the tests: an ASGI application that knows one code, or fails as it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, MutableMapping
from typing import Any

import httpx

from service.terminology.external import External

SNOMED = "http://snomed.info/sct"
KNOWN = {"22298006": "Myocardial infarction"}

Json = dict[str, Any]
Message = MutableMapping[str, Any]


class TerminologyServer:
    """Answers $validate-code, $lookup and $expand; ``fails`` are what the next requests get instead.

    A failure is a status, a body of status 200, or an exception that is raised.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, Json]] = []
        self.fails: list[int | bytes | Exception] = []
        self.now = 0.0

    def client(self) -> External:
        """Return a client of this server, which does not wait before it asks again."""
        transport = httpx.ASGITransport(self, raise_app_exceptions=True)
        http = httpx.AsyncClient(transport=transport, base_url="http://tx.test/r5/")
        return External(http, pause=0, clock=lambda: self.now)

    async def __call__(self, scope: Any, receive: Callable[[], Any], send: Callable[[Message], Any]) -> None:
        """Answer one request."""
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        request = json.loads(body)
        self.asked.append((scope["path"], request))
        status, content = 200, b""
        if self.fails:
            failure = self.fails.pop(0)
            if isinstance(failure, Exception):
                raise failure
            status, content = (failure, b"<html>") if isinstance(failure, int) else (200, failure)
        else:
            status, answer = self._answer(scope["path"], request)
            content = json.dumps(answer).encode()
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, path: str, request: Json) -> tuple[int, Json]:
        code = next((each["valueCode"] for each in request["parameter"] if each["name"] == "code"), "")
        match path:
            case "/r5/ValueSet/$validate-code" | "/r5/CodeSystem/$validate-code":
                found = code in KNOWN
                display = [{"name": "display", "valueString": KNOWN[code]}] if found else []
                message = [] if found else [{"name": "message", "valueString": f"{code} is unheard of"}]
                result = {"name": "result", "valueBoolean": found}
                return 200, {"resourceType": "Parameters", "parameter": [result, *display, *message]}
            case "/r5/CodeSystem/$lookup" if code in KNOWN:
                parameter = [{"name": "display", "valueString": KNOWN[code]}]
                return 200, {"resourceType": "Parameters", "parameter": parameter}
            case "/r5/ValueSet/$expand":
                contains = [{"system": SNOMED, "code": each} for each in KNOWN]
                return 200, {"resourceType": "ValueSet", "status": "active", "expansion": {"contains": contains}}
        return 404, {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-found"}]}
