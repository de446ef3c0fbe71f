"""Bodies over a limit are 413: https://hl7.org/fhir/R5/http.html#Status-Codes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.http.conftest import Configured
from tests.support.asking import FHIR_JSON, Fhir, Json, refused, study

pytestmark = pytest.mark.anyio


def sized(bytes_: int) -> bytes:
    """Return a study of so many bytes."""
    frame = b'{"resourceType":"ResearchStudy","status":"active","title":""}'
    return frame.replace(b'""', b'"' + b"x" * (bytes_ - len(frame)) + b'"')


async def test_a_body_over_the_limit(configured: Configured) -> None:
    """RFC 9110, 15.5.14: the limit itself is allowed, a byte more is not, on every interaction with a body."""
    fhir = configured(max_body_size=4096)
    assert (await fhir.post("ResearchStudy", sized(4096))).status_code == 201
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    for response in (
        await fhir.post("ResearchStudy", sized(4097)),
        await fhir.put("ResearchStudy/a", sized(4097)),
        await fhir.put("ResearchStudy?_id=a", sized(4097)),
        await fhir.patch("ResearchStudy/a", b" " * 4097),
        await fhir.post("", b" " * 4097),
        await fhir.post("ResearchStudy/_search", b"_id=" + b"a" * 4097, **form),
    ):
        refused(response, 413, "too-long")
    assert len(await fhir.ids("ResearchStudy")) == 1


async def test_a_body_in_pieces(configured: Configured) -> None:
    """RFC 9112, 7.1: a body whose length is not declared is measured as it comes; no more of it is read than needed."""
    fhir = configured(max_body_size=4096)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100:
            sent += 1
            yield b" " * 1024

    response = await fhir.client.post("ResearchStudy", content=endless(), headers={"Content-Type": FHIR_JSON})
    refused(response, 413, "too-long")
    assert sent <= 6


async def test_a_declared_length_is_believed(configured: Configured) -> None:
    """RFC 9110, 8.6: a length over the limit is refused before anything is read; one that is no number as well."""
    fhir = configured(max_body_size=4096)
    for length in ("4097", "1" * 30, "-1", "1e3", "²", "١", "x"):
        request = fhir.client.build_request("POST", "ResearchStudy", content=b"{}")
        request.headers["content-type"] = FHIR_JSON
        request.headers["content-length"] = length.encode().decode("latin-1")
        refused(await fhir.client.send(request), 413, "too-long")


async def test_a_resource_over_its_own_limit(configured: Configured) -> None:
    """A resource has a limit of its own, below that of a body: alone, in a Bundle, and as the result of a patch."""
    fhir = configured(max_resource_size=2048)
    assert (await fhir.post("ResearchStudy", sized(2048))).status_code in (201, 413)
    refused(await fhir.post("ResearchStudy", sized(2049)), 413, "too-long")
    entry: Json = {"request": {"method": "POST", "url": "ResearchStudy"}, "resource": study(title="x" * 2100)}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    refused(await fhir.post("", bundle), 413, "too-long", "Bundle.entry[0]")
    await fhir.store(study("a"))
    patch = [{"op": "add", "path": "/title", "value": "x" * 2100}]
    refused(await fhir.patch("ResearchStudy/a", patch), 413, "too-long")
    assert (await fhir.get("ResearchStudy/a")).headers["etag"] == 'W/"1"'


async def test_too_many_parameters(fhir: Fhir) -> None:
    """A query of thousands of parameters is refused, not computed."""
    refused(await fhir.get("ResearchStudy?" + "&".join(["_id=a"] * 1001)), 400, "invalid")
