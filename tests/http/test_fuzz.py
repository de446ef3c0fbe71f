"""Garbage of every kind: never a 5xx, and an OperationOutcome wherever a request is refused."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.compose import create_app_over
from service.settings import Settings
from service.store.base import Store
from service.store.sqlite import open_store
from tests.support.asking import BASE, FHIR_JSON, Json, outcome, study

ORGANIZATION = {"resourceType": "Organization", "name": "O", "id": "o", "identifier": [{"value": "1"}]}
BUNDLE: Json = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [
        {
            "fullUrl": "urn:uuid:1",
            "resource": ORGANIZATION,
            "request": {"method": "POST", "url": "Organization", "ifNoneExist": "identifier=1"},
        },
        {"resource": study("a", url="urn:uuid:1"), "request": {"method": "PUT", "url": "ResearchStudy/a"}},
        {"request": {"method": "GET", "url": "ResearchStudy?status=active"}},
    ],
}
PATCH = [{"op": "copy", "from": "/status", "path": "/title"}, {"op": "add", "path": "/note/-", "value": {"text": "x"}}]
VALID: list[Any] = [study("a", nct="NCT1", title="x"), ORGANIZATION, BUNDLE, {**BUNDLE, "type": "batch"}, PATCH]

TEXT = st.text(max_size=12) | st.sampled_from(
    [
        "a",
        "ResearchStudy",
        "Organization",
        "_history",
        "_search",
        "metadata",
        "1",
        "urn:uuid:1",
        "\\",
        "|",
        "%",
        "\0",
        "",
    ]
)
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
VALUE = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))
NAMES = ["_id", "identifier", "status", "_lastUpdated", "_count", "_summary", "_elements", "_format", "_pretty"]
NAMES += ["_total", "_page", "_since", "_at", "mode", "identifier:not", "status:x", "x", ""]
TEXTS = [
    "a",
    "active",
    "true",
    "count",
    "gt2020",
    "eq2020-01-01T00:00:00Z",
    "s|c",
    "|c",
    "s|",
    "a\\,b",
    "1",
    "json",
    "",
]
HEADERS = {
    "If-Match": ['W/"1"', '"', "*", "x"],
    "If-None-Match": ["*", 'W/"1"', ","],
    "If-Modified-Since": ["Fri, 01 Jan 2100 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 -0000", "x", "0"],
    "If-None-Exist": ["identifier=1", "?", "&", "x=1", "%FF=%", "a?b=c"],
    "Prefer": ["return=minimal", "handling=lenient", ";=,", "return="],
    "Accept": ["application/json", "*/*;q=x", ",;", "a/b;c=d,a/b;c=e", "text/html;q=2"],
    "Content-Type": [FHIR_JSON, "application/json-patch+json", "application/x-www-form-urlencoded", ";", "x"],
    "Content-Length": ["1", "x", "²"],
    "Host": ["x", "", "a b", '"'],
}


METHOD = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
TARGETS: list[tuple[str, str, int]] = [
    # a method, a path, and which of the valid bodies belongs there
    ("PUT", "ResearchStudy/a", 0),
    ("POST", "ResearchStudy", 0),
    ("PUT", "Organization/o", 1),
    ("POST", "", 2),
    ("POST", "", 3),
    ("PATCH", "ResearchStudy/a", 4),
    ("DELETE", "ResearchStudy/a", 0),
    ("GET", "ResearchStudy", 0),
]


@st.composite
def mutated(draw: st.DrawFn, kind: int) -> Any:
    """A valid body in which up to two values have been replaced, added or taken away."""
    body = json.loads(json.dumps(VALID[kind]))
    for _ in range(draw(st.integers(0, 2))):
        node, places = body, 0
        while isinstance(node, dict | list) and node and (places == 0 or draw(st.booleans())):
            key: Any = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
            parent, node, places = node, node[key], places + 1
        if not places:
            continue
        match draw(st.integers(0, 2)):
            case 0:
                parent[key] = draw(VALUE)
            case 1 if isinstance(parent, dict):
                parent[draw(TEXT)] = draw(VALUE)
            case 1 if isinstance(parent, list):
                parent.append(draw(VALUE))
            case _:
                del parent[key]
    return body


BODY = st.one_of(
    st.integers(0, len(VALID) - 1).flatmap(mutated).map(lambda value: json.dumps(value).encode()),
    VALUE.map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=30),
    st.just(b""),
)
SEGMENT = st.sampled_from(["ResearchStudy", "Organization", "a", "o", "_history", "_search", "metadata", "1"]) | TEXT
PATH = st.lists(SEGMENT, max_size=4).map(lambda parts: "/".join(quote(part, safe="") for part in parts))
PAIR = st.tuples(st.sampled_from(NAMES) | TEXT, st.sampled_from(TEXTS) | TEXT)
QUERY = st.lists(PAIR, max_size=3).map(lambda pairs: "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs))
RAW_QUERY = st.binary(max_size=8).map(lambda raw: quote(raw, safe="%&=+;"))
HEADER = st.sampled_from(sorted(HEADERS)).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(HEADERS[name]) | st.text('\t !~aé=";,/*', max_size=6))
)


@pytest.mark.anyio
async def test_garbage(fuzzed_store: Store) -> None:
    """http.html#Status-Codes: whatever is sent, a client's error is 4xx with an OperationOutcome, and never a fault."""
    transport = httpx.ASGITransport(create_app_over(fuzzed_store, Settings()), raise_app_exceptions=True)

    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        statuses: set[int] = set()

        async def send(method: str, path: str, query: str, headers: list[tuple[str, str]], body: bytes) -> None:
            url = httpx.URL(f"{BASE}/{path}", query=query.encode("ascii"))
            request = httpx.Request(method, url, content=body or None)
            request.headers["content-type"] = "application/json-patch+json" if method == "PATCH" else FHIR_JSON
            for name, value in headers:
                request.headers[name] = value.encode().decode("latin-1")
            response = await client.send(request)
            statuses.add(response.status_code)
            if response.status_code >= 400:
                outcome(response)
            assert response.status_code < 500

        for request in collected(1500):
            await send(*request)
        # The garbage is not so bad that nothing gets through, nor so good that nothing is refused.
        assert {200, 201, 204, 400, 404, 405, 406, 415, 422} <= statuses


def collected(number: int) -> list[tuple[str, str, str, list[tuple[str, str]], bytes]]:
    """Return so many requests, the same in every run."""
    found: list[tuple[str, str, str, list[tuple[str, str]], bytes]] = []

    @settings(
        max_examples=number, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    @given(
        st.sampled_from(TARGETS) | st.tuples(METHOD, PATH, st.just(0)),
        st.just("") | QUERY | RAW_QUERY,
        st.just([]) | st.lists(HEADER, max_size=2),
        st.data(),
    )
    def collect(target: Any, query: str, headers: list[tuple[str, str]], data: st.DataObject) -> None:
        method, path, kind = target
        body = data.draw(mutated(kind).map(lambda value: json.dumps(value).encode()) | BODY)
        found.append((method, path, query, headers, body))

    collect()
    return found


@pytest.fixture
async def fuzzed_store(anyio_backend: str) -> Any:  # noqa: ARG001
    """A store in memory: what is fuzzed is what stands before the stores."""
    store = await open_store(None)
    yield store
    await store.close()
