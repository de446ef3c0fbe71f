"""Another terminology server, asked for what is not known here: https://hl7.org/fhir/R5/terminology-service.html.

It makes answers better and never worse: whatever goes wrong with it (it is not there, takes too long, fails, answers
nonsense), the question stays open. What it says is remembered for a while, and so is that it does not answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final, Protocol, TypeAlias

import httpx

from service.errors import PASSING, RegistryError
from service.fhir.json import dumps, parse
from service.terminology.base import Verdict

Json: TypeAlias = dict[str, Any]

TIMEOUT: Final = 5.0
"""Seconds that one question may take."""
ATTEMPTS: Final = 3
"""How often a question is put that was not answered."""
PAUSE: Final = 0.2
"""Seconds before it is put again; twice as many the next time."""
REMEMBERED: Final = 3600.0
"""Seconds for which an answer holds."""
SILENT: Final = 30.0
"""Seconds for which a server that failed is not asked at all."""
ANSWERS: Final = 10_000
"""Answers that are remembered."""
LARGEST: Final = 16 * 1024 * 1024
"""Bytes of an answer at the most."""
AT_ONCE: Final = 8
"""Questions that are put at the same time."""

_RESULTS: Final = {"lookup": "Parameters", "validate-code": "Parameters", "subsumes": "Parameters"}
_RESULTS_OF: Final = {**_RESULTS, "translate": "Parameters", "expand": "ValueSet"}

log = logging.getLogger(__name__)


class Question(Protocol):
    """A code whose value set could not be told here: an open question of a validation."""

    @property
    def value_set(self) -> str | None:
        """The canonical of the value set; None asks the code system alone."""

    @property
    def system(self) -> str | None:
        """The code system, None for an element of type ``code``."""

    @property
    def version(self) -> str | None:
        """The version of the code system."""

    @property
    def code(self) -> str:
        """The code."""

    @property
    def display(self) -> str | None:
        """The display that came with it."""


class External:
    """A client of a FHIR terminology server; ``clock`` tells the seconds."""

    def __init__(self, client: httpx.AsyncClient, *, pause: float = PAUSE, clock: Any = time.monotonic) -> None:  # noqa: ANN401
        self._client = client
        self._pause = pause
        self._clock = clock
        self._answers: OrderedDict[str, tuple[float, Json | None]] = OrderedDict()
        self._silent_until = 0.0
        self._places = asyncio.Semaphore(AT_ONCE)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def ask(self, questions: Sequence[Question]) -> list[Verdict]:
        """Return a verdict for each question, in their order; those that stay open have no result."""
        return list(await asyncio.gather(*(self._verdict(each) for each in questions)))

    async def operation(self, type_: str, code: str, parameters: Sequence[Json]) -> Json | None:
        """Return the resource that the server answers to an operation on a type; None where it has no answer."""
        body = dumps({"resourceType": "Parameters", "parameter": list(parameters)})
        key = f"{type_} {code} {hashlib.blake2b(body, digest_size=16).hexdigest()}"
        known = self._answers.get(key)
        now = self._clock()
        if known is not None and known[0] > now:
            return known[1]
        if self._silent_until > now:
            return None
        async with self._places:
            found, settled = await self._post(f"{type_}/${code}", body, _RESULTS_OF[code])
        if settled:
            self._answers[key] = self._clock() + REMEMBERED, found
            self._answers.move_to_end(key)
            while len(self._answers) > ANSWERS:
                self._answers.popitem(last=False)
        return found

    async def _verdict(self, question: Question) -> Verdict:
        given: list[Json] = [{"name": "code", "valueCode": question.code}]
        version = "version" if question.value_set is None else "systemVersion"
        if question.value_set is not None:
            given.append({"name": "url", "valueUri": question.value_set})
            if question.system is None:
                given.append({"name": "inferSystem", "valueBoolean": True})
            else:
                given.append({"name": "system", "valueUri": question.system})
        else:
            given.append({"name": "url", "valueUri": question.system or ""})
        if question.version is not None:
            given.append({"name": version, "valueString": question.version})
        if question.display is not None:
            given.append({"name": "display", "valueString": question.display})
        found = await self.operation("ValueSet" if question.value_set else "CodeSystem", "validate-code", given)
        return _read(found)

    async def _post(self, path: str, body: bytes, expected: str) -> tuple[Json | None, bool]:
        """Return what the server answers, and whether that is its last word."""
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(self._pause * 2 ** (attempt - 1))
            try:
                status, content = await asyncio.wait_for(self._send(path, body), TIMEOUT)
            except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as problem:
                log.info("The terminology server does not answer: %s", problem or type(problem).__name__)
                continue
            if status in PASSING:
                log.info("The terminology server answers %d.", status)
                continue
            return _resource(content, expected) if status == httpx.codes.OK else None, True
        self._silent_until = self._clock() + SILENT
        return None, False

    async def _send(self, path: str, body: bytes) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
        async with self._client.stream("POST", path, content=body, headers=headers) as response:
            chunks: list[bytes] = []
            size = 0
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > LARGEST:
                    return response.status_code, b""
                chunks.append(chunk)
            return response.status_code, b"".join(chunks)


def connect(url: str) -> External:
    """Return a client of the server with this FHIR base URL."""
    return External(httpx.AsyncClient(base_url=url.rstrip("/") + "/", timeout=TIMEOUT, follow_redirects=False))


def _resource(content: bytes, expected: str) -> Json | None:
    try:
        found = parse(content).data
    except RegistryError as problem:
        log.info("The terminology server answers what is no JSON: %s", problem)
        return None
    return found if found.get("resourceType") == expected else None


def _read(found: Json | None) -> Verdict:
    """Return the verdict of a $validate-code; what is not understood says nothing."""
    parameters = found.get("parameter") if found else None
    values: dict[str, Any] = {}
    for each in parameters if isinstance(parameters, list) else ():
        if isinstance(each, dict):
            for name in ("valueBoolean", "valueString"):
                if name in each:
                    values.setdefault(str(each.get("name")), each[name])
    result, message, display = values.get("result"), values.get("message"), values.get("display")
    if not isinstance(result, bool):
        return Verdict(None, "The terminology server has no answer.")
    text = message if isinstance(message, str) else None
    shown = display if isinstance(display, str) else None
    return Verdict(result, text if text or result else "The terminology server says no.", shown)
