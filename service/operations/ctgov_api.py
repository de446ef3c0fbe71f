"""The API v2 of ClinicalTrials.gov, asked for single records (https://clinicaltrials.gov/data-api/api).

Requests keep a distance, and what was refused for the moment (429, a failing or silent server) is asked for again,
later each time; ``Retry-After`` is heeded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from service.errors import PASSING, Invalid, NotFound, RegistryError, Unavailable
from service.fhir.json import parse

TIMEOUT: Final = 30.0
"""Seconds that one request may take."""
DISTANCE: Final = 1.2
"""Seconds between the beginnings of two requests: 50 a minute, what the API bears from one client."""
ATTEMPTS: Final = 5
"""How often a record is asked for."""
PAUSE: Final = 1.0
"""Seconds before it is asked for again; twice as many each time."""
LONGEST: Final = 120.0
"""Seconds that are waited at the most, whatever ``Retry-After`` says."""
LARGEST: Final = 64 * 1024 * 1024
"""Bytes of a record at the most."""

Sleep = Callable[[float], Awaitable[object]]


class Client:
    """A client of the API at a base URL; ``sleep`` and ``transport`` are those of tests where given."""

    def __init__(
        self, base: str, *, transport: httpx.AsyncBaseTransport | None = None, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._base = base.rstrip("/")
        self._sleep = sleep
        self._begun = False
        headers = {"accept": "application/json", "user-agent": "trial-registry"}
        self._client = httpx.AsyncClient(timeout=TIMEOUT, transport=transport, headers=headers, follow_redirects=True)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def study(self, nct: str) -> dict[str, Any]:
        """Return a record.

        Raises :class:`NotFound` where there is none, :class:`Unavailable` where the API does not answer in time, and
        :class:`Invalid` where what it answers is no JSON or it refuses the request.
        """
        problem = "no answer"
        for attempt in range(ATTEMPTS):
            if self._begun:
                await self._sleep(DISTANCE)
            self._begun = True
            pause = PAUSE * 2**attempt
            try:
                response = await self._client.get(f"{self._base}/studies/{nct}", params={"format": "json"})
            except httpx.TransportError as error:
                problem = f"{type(error).__name__} {error}".strip()
            else:
                if response.status_code not in PASSING:
                    return _record(nct, response)
                problem = f"status {response.status_code}"
                pause = max(pause, _retry_after(response))
            if attempt + 1 < ATTEMPTS:
                await self._sleep(min(pause, LONGEST))
        raise Unavailable(f"{nct}: ClinicalTrials.gov does not answer ({problem}).", expression=nct)


def _record(nct: str, response: httpx.Response) -> dict[str, Any]:
    if response.status_code == httpx.codes.NOT_FOUND:
        raise NotFound(f"ClinicalTrials.gov has no study {nct}.", expression=nct)
    if response.status_code != httpx.codes.OK:
        text = f"{nct}: ClinicalTrials.gov answers with status {response.status_code}: {response.text[:200]}"
        raise Invalid(text, expression=nct)
    if len(response.content) > LARGEST:
        raise Invalid(f"{nct}: the record has {len(response.content)} bytes.", code="too-long", expression=nct)
    try:
        return parse(response.content).data
    except RegistryError as error:
        raise Invalid(f"{nct}: ClinicalTrials.gov answers with what is no record: {error}", expression=nct) from None


def _retry_after(response: httpx.Response) -> float:
    """Seconds that the server asks to wait: a number, or a date (RFC 9110, 10.2.3)."""
    text = response.headers.get("retry-after", "")
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until, now = parsedate_to_datetime(text), parsedate_to_datetime(response.headers["date"])
        return max(0.0, (until - now).total_seconds())
    except (KeyError, TypeError, ValueError):
        return 0.0
