"""Bytes in, bytes out: the text of a resource is kept as it came."""

from __future__ import annotations

import pytest

from service.fhir.json import open_body, parse
from service.search.query import Query
from service.store.base import Change, HistoryQuery, Store
from tests.contract.making import listed

pytestmark = pytest.mark.anyio

TEXTS = {
    "digits of decimals": '{"resourceType":"Group","a":[1.0,1.00,1e3,1E+3,-0,-0.0,0.10,100]}',
    "numbers beyond 64 bits": '{"resourceType":"Group","a":[18446744073709551616,1e400,-1e-7000,0.%s1]}' % ("0" * 60),
    "integers at the edge": '{"resourceType":"Group","a":[9223372036854775807,-9223372036854775808,4294967296]}',
    "white space": '{ "resourceType" : "Group",\r\n\t"a" : [ ] , "b":{ } }',
    "order of members": '{"z":1,"resourceType":"Group","a":2,"_a":3}',
    "odd keys": '{"resourceType":"Group","$set":1,"a.b":{"$":{".":2}},"":3,"_id":4," ":5}',
    "escapes": r'{"resourceType":"Group","a":"\u0041\/\\\"\n\u00e9\ud83d\ude00\u0001\u001f"}',
    "astral and combining": '{"resourceType":"Group","a":"😀𝒳 e\u0301 \u200d \ufeff \u2028 \uffff \U0010ffff"}',
    "keys in any script": '{"resourceType":"Group","日本":"値","é":1,"e\u0301":2}',
    "literals": '{"resourceType":"Group","a":[true,false,null,"",[],{}]}',
    "nesting": '{"resourceType":"Group","a":' + "[" * 98 + "]" * 98 + "}",
    "what names the version": '{"resourceType":"Group","id":"old","meta":{"versionId":"7","lastUpdated":"x","tag":[]}}',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_exact_text(store: Store, text: str) -> None:
    """Every way to read gives, byte for byte, what the body renders with the version and its instant."""
    body = open_body(parse(text.encode()), "r")
    [committed] = await store.commit([Change("Group", "r", "PUT", body)])
    version = committed.version
    assert version is not None
    assert version.json == body.render(1, version.last_updated)
    assert await store.read("Group", "r") == version
    assert await store.read_version("Group", "r", 1) == version
    assert await store.read_many([("Group", "r")]) == {("Group", "r"): version}
    assert await store.search(Query(("Group",)), limit=2) == [version]
    assert await store.history(HistoryQuery(), limit=2) == [version]
    assert await listed(store.scan()) == [version]
    assert await listed(store.tail(0)) == [version]


async def test_large_text(store: Store) -> None:
    """A resource of several megabytes, of long strings and many members, comes back byte for byte."""
    members = ",".join(f'"m{number}":[{number}.0,"{"é" * 50}"]' for number in range(20_000))
    body = open_body(parse(f'{{"resourceType":"Group",{members}}}'.encode()), "r")
    [committed] = await store.commit([Change("Group", "r", "PUT", body)])
    assert committed.version is not None
    assert len(committed.version.json or b"") > 2_000_000
    assert await store.read("Group", "r") == committed.version


async def test_odd_ids_and_types(store: Store) -> None:
    """Ids and types are text like any other: what means something to a database means nothing in them."""
    body = open_body(parse(b'{"resourceType":"Group"}'), "r")
    ids = ["a.b", "a-b", "$where", "%", "_", "'", "a/b", "A", "a", "é", "😀", "x" * 500]
    await store.commit([Change("Group", id_, "PUT", body) for id_ in ids])
    for id_ in ids:
        version = await store.read("Group", id_)
        assert version is not None
        assert version.id == id_
    assert [v.id for v in await store.search(Query(("Group",)), limit=50)] == ids
