"""The client of ClinicalTrials.gov, against a stand-in that follows the description of the API."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from service.compose import open_engine
from service.errors import Invalid, NotFound, Unavailable
from service.importing import Wanted, import_all, writing_report
from service.operations.ctgov_api import ATTEMPTS, DISTANCE, LONGEST, Client
from service.settings import Settings
from tests.support.ctgov import large, small

pytestmark = pytest.mark.anyio

BASE = "http://ctgov.test/api/v2"
STUDIES = {"NCT00000001": small("NCT00000001"), "NCT00000002": large()}


class StandIn:
    """``GET /studies/{nctId}``: 200 with the record, 400 and 404 in plain text; first the answers that are given."""

    def __init__(self, answers: Sequence[Response | Exception] = ()) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.waited: list[float] = []
        self.app = Starlette(routes=[Route("/api/v2/studies/{nct}", self.study)])

    async def study(self, request: Request) -> Response:
        """Answer."""
        nct = request.path_params["nct"]
        self.asked.append(nct)
        assert request.query_params["format"] == "json"
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        if not re.fullmatch(r"(NCT|nct)\d{8}", nct):
            return PlainTextResponse("The path parameter `nctId` has an incorrect format", 400)
        if nct not in STUDIES:
            return PlainTextResponse(f"NCT number {nct} not found", 404)
        return JSONResponse(STUDIES[nct])

    async def sleep(self, seconds: float) -> None:
        """Wait without waiting."""
        self.waited.append(seconds)

    def client(self) -> Client:
        """A client of it."""
        return Client(BASE, transport=httpx.ASGITransport(self.app), sleep=self.sleep)


def busy(status: int, **headers: str) -> Response:
    """A refusal for the moment."""
    return PlainTextResponse("later", status, headers={name.replace("_", "-"): each for name, each in headers.items()})


async def test_a_record() -> None:
    """A study is what the API has; requests keep their distance."""
    server = StandIn()
    async with server.client() as client:
        assert await client.study("NCT00000001") == STUDIES["NCT00000001"]
        assert (await client.study("NCT00000002"))["hasResults"] is True
    assert server.waited == [DISTANCE]


async def test_what_is_refused_for_the_moment_is_asked_again() -> None:
    """429 and failures are asked again, later each time, and not before Retry-After, a number or a date."""
    date = {"date": "Wed, 01 Jan 2031 00:00:00 GMT", "retry_after": "Wed, 01 Jan 2031 00:00:30 GMT"}
    server = StandIn([busy(503), busy(429, retry_after="20"), httpx.ConnectError("gone"), busy(500, **date)])
    async with server.client() as client:
        assert await client.study("NCT00000001") == STUDIES["NCT00000001"]
    assert [each for each in server.waited if each != DISTANCE] == [1, 20, 4, 30]
    assert len(server.asked) == 5


async def test_it_gives_up() -> None:
    """After so many attempts the API is unavailable; no wait is longer than the longest."""
    server = StandIn([busy(429, retry_after="9999")] * 9)
    async with server.client() as client:
        with pytest.raises(Unavailable, match="status 429"):
            await client.study("NCT00000001")
    assert len(server.asked) == ATTEMPTS
    assert max(server.waited) == LONGEST


@pytest.mark.parametrize(
    ("nct", "answer", "kind", "words"),
    [
        ("NCT99999999", None, NotFound, "no study NCT99999999"),
        ("NCT1", None, Invalid, "status 400"),
        ("NCT00000001", PlainTextResponse("<html>"), Invalid, "no record"),
        ("NCT00000001", JSONResponse([1]), Invalid, "no record"),
    ],
)
async def test_errors(nct: str, answer: Response | None, kind: type[Exception], words: str) -> None:
    """What will not be better later is not asked again, and says which study it is about."""
    server = StandIn([answer] if answer else [])
    async with server.client() as client:
        with pytest.raises(kind, match=words) as raised:
            await client.study(nct)
    assert nct in str(raised.value)
    assert len(server.asked) == 1


async def test_files_folders_and_numbers(tmp_path: Path) -> None:
    """A folder with a record, a page and NDJSON, and numbers: each is imported, what is refused is reported."""
    (tmp_path / "one.json").write_text(json.dumps(small("NCT00000011")))
    (tmp_path / "page.json").write_text(json.dumps({"studies": [small("NCT00000012"), small("NCT00000013")]}))
    lines = [json.dumps(small("NCT00000014")), "", "{", json.dumps(small("NCT00000015"))]
    (tmp_path / "zz.ndjson").write_text("\n".join(lines))
    report, server, steps = tmp_path / "report", StandIn(), []
    wanted = Wanted.of([str(tmp_path), "nct00000001", "NCT99999999"], fetch=True)
    async with open_engine(Settings(store="sqlite://")) as engine, server.client() as client:
        with writing_report(report) as write:
            summary = await import_all(engine, wanted, client, write, lambda: steps.append(1))
    assert (summary.records, summary.refused, len(steps)) == (6, 2, wanted.number)
    assert summary.values == summary.mapped + summary.left_out + summary.unmapped
    told = [json.loads(line) for line in report.read_text().splitlines()]
    good = ["NCT00000011", "NCT00000012", "NCT00000013", "NCT00000014", None, "NCT00000015", "NCT00000001", None]
    assert [each.get("nct") for each in told] == good
    refused = [each["refused"]["issue"][0]["diagnostics"] for each in told if "refused" in each]
    assert "zz.ndjson:3" in refused[0]
    assert "no study NCT99999999" in refused[1]


def test_numbers_are_fetched_only_when_told() -> None:
    """Nothing is asked of another server without --fetch; what is neither file nor number is not found."""
    with pytest.raises(Invalid, match="--fetch"):
        Wanted.of(["NCT00000001"], fetch=False)
    with pytest.raises(NotFound):
        Wanted.of(["NCT0000000"], fetch=True)
