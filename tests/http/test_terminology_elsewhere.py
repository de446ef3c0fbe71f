"""Another terminology server is asked what is not known here: https://hl7.org/fhir/R5/terminology-service.html."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from service.api.app import build_app
from service.compose import build_engine
from service.settings import Settings
from service.store.base import Store
from tests.support.asking import BASE, Fhir, refused
from tests.support.terminology import FHIR, STATUS, listed, parameters, values
from tests.support.terminology_server import KNOWN, SNOMED, TerminologyServer

pytestmark = pytest.mark.anyio


@pytest.fixture
async def server() -> TerminologyServer:
    """Another terminology server."""
    return TerminologyServer()


@pytest.fixture
async def helped(store: Store, server: TerminologyServer) -> AsyncIterator[Fhir]:
    """A client of a registry that may ask the other server."""
    engine = build_engine(store, Settings(), server.client())
    app: Any = build_app(Settings(), lambda: engine, [], None, "0")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as client:
        yield Fhir(client)


async def test_another_server_is_asked(helped: Fhir, server: TerminologyServer) -> None:
    """What is not known here is asked of the server that the settings name, with the same parameters."""
    [code] = KNOWN
    found = values(await helped.get(f"CodeSystem/$lookup?system={SNOMED}&code={code}"))
    assert found["display"] == KNOWN[code]
    assert server.asked == [
        (
            "/r5/CodeSystem/$lookup",
            parameters({"name": "system", "valueUri": SNOMED}, {"name": "code", "valueCode": code}),
        )
    ]
    url = f"{FHIR}/ValueSet/condition-code"
    assert listed(await helped.get(f"ValueSet/$expand?url={url}")) == [code]
    answer = await helped.get(f"ValueSet/$validate-code?url={url}&system={SNOMED}&code={code}")
    assert values(answer)["result"] is True


async def test_another_server_is_not_asked_what_is_known(helped: Fhir, server: TerminologyServer) -> None:
    """What is known here, or wrong with the request, is for nobody else."""
    assert values(await helped.get(f"CodeSystem/$lookup?system={STATUS}&code=final"))["display"] == "Final"
    refused(await helped.get(f"CodeSystem/$lookup?system={STATUS}&code=nothing"), 404, "code-invalid", "code")
    refused(await helped.get("ValueSet/$expand?count=x"), 400, "value", "count")
    assert server.asked == []


@pytest.mark.parametrize("failure", [500, 404, b"nonsense", httpx.ReadTimeout("late")])
async def test_another_server_that_fails(helped: Fhir, server: TerminologyServer, failure: Any) -> None:
    """Without its answer the registry says what it says by itself: not known."""
    server.fails = [failure] * 3
    refused(await helped.get(f"CodeSystem/$lookup?system={SNOMED}&code=1"), 404, "not-found", "system")
