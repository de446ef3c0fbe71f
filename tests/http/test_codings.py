"""Bodies that are packed: https://www.rfc-editor.org/rfc/rfc9110#section-8.4 and http.html#compression."""

from __future__ import annotations

import gzip

import pytest

from tests.http.conftest import Configured
from tests.support.asking import Fhir, refused, study
from tests.support.bundles import entry, transaction

pytestmark = pytest.mark.anyio

BODY = b'{"resourceType":"ResearchStudy","id":"a","status":"active","title":"packed"}'


async def test_gzip(fhir: Fhir) -> None:
    """RFC 9110, 8.4.1.3: a body may come as gzip, also under its old name and in several members; case is the same."""
    for number, (coding, body) in enumerate(
        {
            "gzip": gzip.compress(BODY),
            "x-gzip": gzip.compress(BODY.replace(b"packed", b"2")),
            " GZIP ": gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]),
            "identity": BODY.replace(b"packed", b"4"),
        }.items(),
        start=1,
    ):
        response = await fhir.put("ResearchStudy/a", body, Content_Encoding=coding)
        assert response.status_code in (200, 201), response.text
        assert response.headers["etag"] == f'W/"{number}"'


async def test_gzip_of_every_body(fhir: Fhir) -> None:
    """Wherever there is a body it may be packed: a create, a patch, a transaction and the form of a search."""
    packed = {"Content_Encoding": "gzip"}
    assert (await fhir.post("ResearchStudy", gzip.compress(BODY), **packed)).status_code == 201
    await fhir.store(study("a"))
    patch = gzip.compress(b'[{"op":"add","path":"/title","value":"x"}]')
    assert (await fhir.patch("ResearchStudy/a", patch, **packed)).json()["title"] == "x"
    bundle = str(transaction(entry("DELETE", "ResearchStudy/a"))).replace("'", '"').encode()
    assert (await fhir.post("", gzip.compress(bundle), **packed)).status_code == 200
    form = {"Content_Type": "application/x-www-form-urlencoded", **packed}
    response = await fhir.post("ResearchStudy/_search", gzip.compress(b"title=packed"), **form)
    assert response.json()["total"] == 1


async def test_gzip_is_bounded_in_both_forms(configured: Configured) -> None:
    """A small body that unpacks to a large one is 413 as soon as it is over the limit, and so is a large packed one."""
    fhir = configured(max_body_size=4096)
    full = BODY.ljust(4096)
    assert (await fhir.put("ResearchStudy/a", gzip.compress(full), Content_Encoding="gzip")).status_code == 201
    for body in (
        gzip.compress(full + b" "),
        gzip.compress(full) + gzip.compress(b" "),
        gzip.compress(b" " * 2_000_000),
        gzip.compress(BODY) + b"\0" * 4096,
    ):
        refused(await fhir.put("ResearchStudy/a", body, Content_Encoding="gzip"), 413, "too-long")
    assert (await fhir.get("ResearchStudy/a")).headers["etag"] == 'W/"1"'


async def test_what_is_not_gzip(fhir: Fhir) -> None:
    """A body that is not what it says is 400 and names the header: not gzip at all, cut off, or with more behind it."""
    whole = gzip.compress(BODY)
    for body in (BODY, whole[:-1], whole[:20], whole[:-4] + b"0000", whole + b"more", b"\x1f"):
        response = await fhir.put("ResearchStudy/a", body, Content_Encoding="gzip")
        refused(response, 400, "invalid", "Content-Encoding")
    refused(await fhir.put("ResearchStudy/a", b"", Content_Encoding="gzip"), 400, "structure")
    assert (await fhir.get("ResearchStudy/a")).status_code == 404


async def test_another_coding_is_415(fhir: Fhir) -> None:
    """RFC 9110, 12.5.3 and 15.5.16: 415 with an Accept-Encoding, which a refused media type does not have."""
    for coding in ("br", "deflate", "zstd", "gzip, gzip", "gzip;q=1", "", "nonsense"):
        response = await fhir.put("ResearchStudy/a", BODY, Content_Encoding=coding)
        refused(response, 415, "not-supported", "Content-Encoding")
        assert response.headers["accept-encoding"] == "gzip"
    response = await fhir.put("ResearchStudy/a", BODY, Content_Type="text/plain")
    refused(response, 415, "not-supported", "Content-Type")
    assert "accept-encoding" not in response.headers
