"""Jobs over HTTP (https://hl7.org/fhir/R5/async-bulk.html): asked for, asked about, fetched, cancelled."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final, Generic
from urllib.parse import unquote

from starlette.responses import FileResponse, Response, StreamingResponse

from service.api import http
from service.api.message import Answer, Request
from service.api.negotiation import FHIR_JSON
from service.bulk.folder import Folder, S
from service.bulk.jobs import Jobs
from service.errors import Invalid, Issue
from service.fhir.dates import http_date
from service.fhir.json import dumps
from service.fhir.outcome import operation_outcome
from service.settings import Settings

NDJSON: Final = "application/fhir+ndjson"
NDJSON_NAMES: Final = frozenset({NDJSON, "application/ndjson", "application/x-ndjson", "ndjson"})
"""What NDJSON is called."""
_AGAIN_SECONDS: Final = 2
_CHUNK: Final = 256 * 1024


class Polling(Generic[S]):
    """The endpoints of jobs; ``manifest`` tells what came of one, where its files' URLs begin with a text."""

    def __init__(self, jobs: Jobs[S], manifest: Callable[[S, str], bytes], settings: Settings) -> None:
        self._jobs = jobs
        self._manifest = manifest
        self._settings = settings

    async def start(self, request: Request, ask: http.Ask, begin: Callable[[Folder[S]], Awaitable[object]]) -> Response:
        """Begin a job, and answer where to ask how far it is."""
        name = await self._jobs.start(begin)
        what = self._jobs.what
        where = f"{http.base_url(request, self._settings)}/${what}-status/{name}"
        outcome = operation_outcome([Issue("information", "informational", f"The {what} is begun; see {where}.")])
        return http.resource_answer(ask, dumps(outcome), 202, {"content-location": where})

    async def status(self, request: Request) -> Response:
        """Answer how far a job is; with the manifest where it is complete."""
        name = request.parameters["job"]
        state = await self._jobs.state(name)
        if state.status == "failed":
            outcome = operation_outcome([Issue("fatal", "exception", state.problem)])
            return Answer(500, dumps(outcome), FHIR_JSON)
        if state.status == "running":
            return Answer(202, headers={"x-progress": state.progress, "retry-after": str(_AGAIN_SECONDS)})
        folder = f"{http.base_url(request, self._settings)}/${self._jobs.what}-file/{name}/"
        expires = await self._jobs.expires(name)
        return Answer(200, self._manifest(state, folder), "application/json", {"expires": http_date(expires)})

    async def file(self, request: Request) -> Response:
        """Answer a file as NDJSON, packed where it is so on the disk and the client takes that."""
        path = await self._jobs.file(request.parameters["job"], unquote(request.parameters["file"]))
        if path.suffix != ".gz":
            return FileResponse(path, media_type=NDJSON)
        headers = {"vary": "accept-encoding"}
        if _takes_gzip(request.headers.get("accept-encoding", "")):
            return FileResponse(path, headers={**headers, "content-encoding": "gzip"}, media_type=NDJSON)
        return StreamingResponse(_unpacked(path), headers=headers, media_type=NDJSON)

    async def cancel(self, request: Request) -> Response:
        """Answer a cancellation: nothing is left of the job."""
        await self._jobs.remove(request.parameters["job"])
        return Answer(202)


def check_async(ask: http.Ask, what: str) -> None:
    """Raise :class:`Invalid` where the client waits for an answer at once."""
    if "respond-async" not in ask.preferences:
        raise Invalid(f"An {what} is asynchronous: send Prefer: respond-async.", expression="Prefer")


def _takes_gzip(accepted: str) -> bool:
    codings = {part.partition(";")[0].strip(): part.replace(" ", "") for part in accepted.lower().split(",")}
    return "gzip" in codings and not codings["gzip"].endswith(("q=0", "q=0.0"))


async def _unpacked(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(gzip.open, path) as stream:
        while chunk := await asyncio.to_thread(stream.read, _CHUNK):
            yield chunk if isinstance(chunk, bytes) else chunk.encode()
