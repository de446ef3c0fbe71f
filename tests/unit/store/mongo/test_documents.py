"""A version as a document: what is in it for the store, and what for people with other tools."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from bson import Decimal128

from service.errors import TooLarge
from service.fhir.json import open_body, parse
from service.search.rows import RangeRow, Row, TermRow
from service.store.base import Change, Version
from service.store.mongo.documents import (
    INDEX_FIELDS,
    MAX_DOCUMENT,
    NEVER,
    add_rows,
    decode,
    encode,
    qualified,
    remove_rows,
)
from service.store.mongo.native import MAX_NATIVE, native


def document_of(text: str, rows: tuple[Row, ...] = ()) -> tuple[Version, dict[str, Any]]:
    """Return a version of this text and its document."""
    change = Change("Group", "a", "PUT", open_body(parse(text.encode()), "a"), rows)
    assert change.body is not None
    version = Version("Group", "a", 3, 5 << 20 | 2, "PUT", 1000, change.body.render(3, "1970-01-01T00:00:01.000Z"))
    return version, bson.decode(encode(version, change).raw)


def test_round_trip() -> None:
    """A version comes out of its document as it went in, and is current."""
    version, document = document_of('{"resourceType":"Group","a":1.0}')
    assert decode(document) == version
    assert (document["_id"], document["seq"], document["until"], document["ended"]) == (5 << 20 | 2, 5, NEVER, NEVER)
    assert document["live"] is True


def test_deletion() -> None:
    """A deletion has neither content nor rows."""
    version = Version("Group", "a", 2, 1 << 20, "DELETE", 1000, None)
    document = bson.decode(encode(version, Change("Group", "a", "DELETE", None)).raw)
    assert decode(document) == version
    assert (document["live"], document["json"], document["terms"]) == (False, None, [])
    assert "resource" not in document


def test_rows() -> None:
    """Each row is there once: a term with and without its qualifier, a range with its key."""
    rows = (TermRow("k", "v", "q"), TermRow("k", "v", "r"), TermRow("k", "v", "q"), RangeRow("n", "1", "2"))
    _, document = document_of('{"resourceType":"Group"}', rows)
    assert document["terms"] == ["k\x1fv"]
    assert document["qualified"] == ["k\x1fv\x1fq", "k\x1fv\x1fr"]
    assert document["ranges"] == [{"k": "n", "lo": "1", "hi": "2"}]


def test_rows_of_elements() -> None:
    """Rows of a part are there for the whole and once more for their element; part 0 is no element."""
    rows = (
        TermRow("k", "v"),
        TermRow("c", "x", "q", part=2),
        RangeRow("n", "1", "2", part=2),
        TermRow("c", "y", part=1),
    )
    _, document = document_of('{"resourceType":"Group"}', rows)
    assert document["terms"] == ["k\x1fv", "c\x1fx", "c\x1fy"]
    assert document["parts"] == [
        {"n": 1, "t": ["c\x1fy"], "q": ["c\x1fy\x1f"], "r": []},
        {"n": 2, "t": ["c\x1fx"], "q": ["c\x1fx\x1fq"], "r": [{"k": "n", "lo": "1", "hi": "2"}]},
    ]


def test_rows_added_and_removed() -> None:
    """Rows added to a document are those that it would have had; removed, they leave no trace of their key."""
    first = (TermRow("k", "v"), TermRow("c", "x", part=1))
    second = (TermRow("c", "y", part=1), RangeRow("n", "1", "2", part=3), TermRow("k\\", "z"), TermRow("k", "v"))
    _, before = document_of('{"resourceType":"Group"}', first)
    _, both = document_of('{"resourceType":"Group"}', (*first, *second))
    added = add_rows(before, second)
    assert added == {name: both[name] for name in INDEX_FIELDS}
    assert add_rows(added, second) == added
    left = remove_rows(remove_rows(remove_rows(added, "n"), "c"), "k")
    assert left == {"terms": ["k\\\x1fz"], "qualified": ["k\\\\\x1fz\x1f"], "ranges": [], "parts": []}


def test_separator_in_the_parts_of_a_row() -> None:
    """Two different rows never give the same entry."""
    rows = [
        ("k", "a\x1fb", ""),
        ("k", "a", "b"),
        ("k", "a", "b\x1f"),
        ("k", "a\\u", ""),
        ("k", "a", "\\"),
        ("k", "", ""),
    ]
    assert len({qualified(*row) for row in rows}) == len(rows)


def test_native_values() -> None:
    """The native document has decimals with their digits, as text where no decimal of 34 digits holds them."""
    text = '{"resourceType":"Group","n":1,"d":1.00,"e":1e3,"z":-0,"big":%s,"wide":1e7000,"s":"é","l":[null,true]}'
    _, document = document_of(text % ("1" * 40))
    resource = document["resource"]
    assert resource["n"] == 1
    assert [str(resource[key]) for key in "dez"] == ["1.00", "1E+3", "-0"]
    assert isinstance(resource["d"], Decimal128)
    assert (resource["big"], resource["wide"]) == ("1" * 40, "1e7000")
    assert (resource["s"], resource["l"]) == ("é", [None, True])
    assert resource["meta"]["versionId"] == "3"


@pytest.mark.parametrize("number", ["1" * 34 + "0", "1.0e-6176", "1e-6200", "0." + "0" * 40 + "10"])
def test_no_digit_is_dropped(number: str) -> None:
    """A number that a decimal would hold with fewer or other digits is text or has them all."""
    _, document = document_of(f'{{"resourceType":"Group","n":{number}}}')
    kept = document["resource"]["n"]
    digits = kept if isinstance(kept, str) else format(kept.to_decimal(), "f")
    assert digits == number


def test_keys_that_mean_something() -> None:
    """Keys that MongoDB would take for operators or paths are written with wide signs."""
    _, document = document_of('{"resourceType":"Group","$set":{"a.b":1},"":2}')
    assert document["resource"]["＄set"] == {"a．b": 1}
    assert document["resource"][""] == 2


def test_native_is_left_out_where_it_does_not_fit() -> None:
    """Too large, too deep, or too much beside its text: the native document is left out, the text stays."""
    for value in (f'"{"x" * MAX_NATIVE}"', "[1,2],[1,2]", "[" * 95 + "]" * 95):
        version, document = document_of(f'{{"resourceType":"Group","v":[{value}]}}')
        assert ("resource" in document) == (value == "[1,2],[1,2]")
        assert decode(document) == version
    space = " " * (MAX_DOCUMENT - 2 * MAX_NATIVE + 2000)
    padded = f'{{"resourceType":"Group","v":"{"x" * (MAX_NATIVE - 1000)}"{space}}}'
    assert "resource" not in document_of(padded)[1]
    assert native(padded.encode()) is not None


def test_version_over_the_limit_of_a_document() -> None:
    """A version that with its rows passes MongoDB's limit is refused, and says how large it is."""
    rows = tuple(TermRow("k", f"{number}{'v' * 1000}") for number in range(4000))
    text = '{"resourceType":"Group","v":"%s"}'
    assert decode(document_of(text % ("x" * 7_000_000), rows)[1]).version == 3
    with pytest.raises(TooLarge, match=str(MAX_DOCUMENT)):
        document_of(text % ("x" * 9_000_000), rows)
