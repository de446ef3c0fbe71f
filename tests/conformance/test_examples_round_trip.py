"""The official examples of R5, written and read back over HTTP on every store."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from service.compose import create_app_over
from service.fhir.json import members, parse
from service.settings import MEBIBYTE, Settings
from service.store.base import Store
from tests.conformance.invalid_examples import broken_rules
from tests.conformance.packages import resource_files

TOO_LARGE = {"Bundle-resources.json": "42 MB; a resource may have 15 MiB"}


def content(text: bytes) -> list[tuple[str, str]]:
    """Return the members of a resource as they are written, in their order, without ``id`` and ``meta``."""
    document = parse(text)
    return [
        (name, document.text[place.key : place.end])
        for name, place in members(document.text).items()
        if name not in {"id", "meta"}
    ]


FAULTY = {"StructureDefinition-catalog.json", "StructureDefinition-subscription-notification-bundle.json"}
"""Profiles that slice without a discriminator, or by one that leads nowhere."""
INVARIANT = re.compile(r"[a-z]+-[0-9]+")


@pytest.mark.anyio
@pytest.mark.timeout(900)
async def test_examples_are_read_back_as_they_were_written(store: Store) -> None:
    """What is served is, byte by byte, what was sent, apart from the server's id and meta.

    Where what is not valid is stored with a tag, exactly the examples are refused whose form is broken (by other rules
    than invariants) or that define what cannot be used, with 422, and those over the size limit, with 413.
    """
    settings = Settings(max_body_size=64 * MEBIBYTE, validation="warn")
    transport = httpx.ASGITransport(app=create_app_over(store, settings))
    refused: dict[str, int] = {}
    broken: set[str] = set()
    async with httpx.AsyncClient(transport=transport, base_url="http://registry.test/fhir") as client:
        for path in resource_files("hl7.fhir.r5.examples"):
            rules = broken_rules(path.name, parse(path.read_bytes()).data)
            if any(INVARIANT.fullmatch(rule) is None for rule in rules):
                broken.add(path.name)
            status = await _round_trip(client, path)
            if status != 201:
                refused[path.name] = status
    assert refused == dict.fromkeys(broken | FAULTY, 422) | dict.fromkeys(TOO_LARGE, 413)


async def _round_trip(client: httpx.AsyncClient, path: Path) -> int:
    sent = path.read_bytes()
    data = parse(sent).data
    where = f"/{data['resourceType']}/{data['id']}"
    answer = await client.put(where, content=sent, headers={"Content-Type": "application/fhir+json"})
    if answer.status_code == 201:
        read = await client.get(where)
        assert read.status_code == 200
        assert content(read.content) == content(sent), path.name
    return answer.status_code
