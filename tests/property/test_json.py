"""Properties of lossless JSON, over values that nobody thought of."""

from __future__ import annotations

import json as stdlib_json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import TooLarge
from service.fhir import json
from service.fhir.json import dumps, loads, open_body, parse

NUMBER = st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,6})?", fullmatch=True)
TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
STRING = TEXT.map(stdlib_json.dumps) | TEXT.map(lambda text: stdlib_json.dumps(text, ensure_ascii=False))
SPACE = st.text(" \t\r\n", max_size=2)


@st.composite
def objects(draw: st.DrawFn, value: st.SearchStrategy[str], closing: str = "") -> str:
    """The text of an object with unique keys and white space anywhere."""
    names = draw(st.lists(TEXT, max_size=4, unique=True))
    pairs = [f"{draw(SPACE)}{stdlib_json.dumps(name)}{draw(SPACE)}:{draw(SPACE)}{draw(value)}" for name in names]
    return "{" + ",".join(pairs + [closing] * bool(closing)) + draw(SPACE) + "}"


def arrays(value: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """The text of an array."""
    return st.lists(value, max_size=4).map(lambda items: "[" + " ,".join(items) + "]")


JSON = st.recursive(
    NUMBER | STRING | st.sampled_from(["true", "false", "null"]),
    lambda inner: objects(inner) | arrays(inner),
    max_leaves=12,
)


def tokens(text: str) -> Any:
    """Return a value whose numbers are their texts, marked, and whose objects are lists of pairs."""
    mark = "number "
    return stdlib_json.loads(
        text,
        parse_int=lambda digits: mark + digits,
        parse_float=lambda digits: mark + digits,
        object_pairs_hook=lambda pairs: ["object", *map(list, pairs)],
    )


@given(JSON)
@settings(max_examples=300, deadline=None)
def test_writing_what_was_read_changes_no_token(text: str) -> None:
    """json.html: every number with its digits, every string with its characters, every key at its place."""
    for pretty in (False, True):
        assert tokens(dumps(loads(text), pretty=pretty).decode()) == tokens(text)


def shuffled(value: Any, order: random.Random) -> Any:
    """Return the value with the members of every object in another order."""
    if isinstance(value, dict):
        items = [(key, shuffled(member, order)) for key, member in value.items()]
        order.shuffle(items)
        return dict(items)
    return [shuffled(item, order) for item in value] if isinstance(value, list) else value


@given(objects(JSON, '"resourceType":"A"'), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_the_digest_ignores_order_and_white_space(text: str, order: random.Random) -> None:
    """http.html#update: the same content, written otherwise, makes no new version."""
    document = parse(text.encode())
    if "meta" in document.data or "id" in document.data:
        return
    other = dumps(shuffled(document.data, order), pretty=True)
    assert open_body(parse(other), "x").digest == open_body(document, "x").digest


@given(NUMBER, NUMBER)
@settings(max_examples=200, deadline=None)
def test_the_digest_heeds_every_digit(one: str, other: str) -> None:
    """datatypes.html#decimal: two resources are the same just where their numbers are written alike."""
    digests = {open_body(parse(f'{{"resourceType":"A","n":{number}}}'.encode()), "x").digest for number in (one, other)}
    assert len(digests) == (1 if one == other else 2)


@given(objects(JSON, '"resourceType":"A"'))
@settings(max_examples=200, deadline=None)
def test_opening_keeps_every_other_byte(text: str) -> None:
    """http.html#create: a body without id and meta comes back with nothing but these added."""
    document = parse(text.encode())
    if "meta" in document.data or "id" in document.data:
        return
    rendered = open_body(document, "x").render(1, "now").decode()
    added = ',"id":"x","meta":{"versionId":"1","lastUpdated":"now"}'
    assert rendered.replace(added, "", 1) == text


TANGLED: st.SearchStrategy[Any] = st.recursive(
    st.text('[]{}"\\,:a', max_size=6) | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('[]{}"\\', max_size=3), inner, max_size=4),
    max_leaves=12,
)
"""Values whose strings look like the marks of JSON."""


def depth(value: Any) -> int:
    """How many levels of objects and arrays a value has."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@given(TANGLED, st.integers(1, 6))
@settings(max_examples=500, deadline=None)
def test_the_depth_is_that_of_brackets_outside_of_strings(value: Any, most: int) -> None:
    """What is nested deeper than allowed is refused, and nothing else is, whatever strings and keys look like."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json, "MAX_DEPTH", most)
        if depth(value) > most:
            with pytest.raises(TooLarge):
                loads(stdlib_json.dumps(value))
        else:
            assert loads(stdlib_json.dumps(value)) == value


@given(st.binary(max_size=40))
@settings(max_examples=300, deadline=None)
def test_garbage_is_refused_as_what_it_is(body: bytes) -> None:
    """RFC 8259: any bytes are either JSON, which Python's own parser reads alike, or an error of the registry."""
    from service.errors import Invalid

    try:
        value = loads(body)
    except Invalid:
        return
    assert stdlib_json.loads(dumps(value)) == stdlib_json.loads(body.decode("utf-8-sig"))
