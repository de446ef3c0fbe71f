"""Lossless JSON: what a client sent is what is stored and served, token by token.

The FHIR JSON format (https://hl7.org/fhir/R5/json.html) makes the precision of a decimal significant, forbids
duplicate keys and leaves member order to the sender. So a resource is kept as the text it came in. It is parsed once,
for validation and indexing, and only its ``id`` and ``meta.versionId``/``meta.lastUpdated``, which belong to the
server, are spliced in.
"""

from __future__ import annotations

import json as stdlib_json
import re
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from json.decoder import scanstring  # type: ignore[attr-defined]  # CPython's own scanner, absent from the stubs
from typing import Any, Final, NamedTuple

import orjson

from service.errors import Invalid, TooLarge

MAX_DEPTH: Final = 100
"""Levels of nesting that are accepted, the root object counted."""

SERVER_META: Final = frozenset({"versionId", "lastUpdated"})
"""The members of ``meta`` that are the server's own."""

_WHITESPACE: Final = re.compile(r"[ \t\n\r]*")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_NO_MARK: Final = bytes(set(range(256)) - set(b'[]{}"'))
"""All but brackets and quotes."""
_AS_BRACES: Final = bytes.maketrans(b"[]", b"{}")


class JsonNumber(Decimal):
    """A JSON number with the digits that were written: ``1.00`` stays ``1.00``, ``1e3`` stays ``1e3``."""

    __slots__ = ("lexeme",)
    lexeme: str

    def __new__(cls, lexeme: str) -> JsonNumber:
        """Make a number of its JSON text."""
        number = super().__new__(cls, lexeme)
        number.lexeme = lexeme
        return number

    def __copy__(self) -> JsonNumber:
        return self  # immutable; Decimal's own copy would lose the lexeme

    def __deepcopy__(self, memo: object) -> JsonNumber:
        return self


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed resource beside its text.

    ``text`` is the JSON text without surrounding white space, ``data`` its value (numbers with a fraction or exponent,
    and those that do not fit 64 bits, are :class:`JsonNumber`).
    """

    text: str
    data: dict[str, Any]


class Extent(NamedTuple):
    """Where a member is in a text: where its key begins, where its value begins, and where that ends."""

    key: int
    value: int
    end: int


@dataclass(frozen=True, slots=True)
class Body:
    """A resource's text, open where the server's ``versionId`` and ``lastUpdated`` belong.

    ``digest`` is equal for two texts that say the same (white space, member order and the server's own part of
    ``meta`` do not count; the digits of a number do).
    """

    prefix: bytes
    suffix: bytes
    digest: bytes

    def render(self, version: int, last_updated: str) -> bytes:
        """Return the exact JSON of a version: ``last_updated`` is a FHIR instant."""
        return b'%b"versionId":"%d","lastUpdated":"%b"%b' % (
            self.prefix,
            version,
            last_updated.encode(),
            self.suffix,
        )


def parse(body: bytes) -> Document:
    """Parse a JSON object.

    Raises :class:`Invalid` for anything that is not one JSON object in UTF-8 with unique keys, finite numbers and
    well-formed Unicode, and :class:`TooLarge` where it is nested more than :data:`MAX_DEPTH` levels deep.
    """
    text = _decode(body)
    try:
        document = _scan_object(text)
    except RecursionError:
        raise _too_deep() from None
    except (stdlib_json.JSONDecodeError, StopIteration) as problem:
        raise Invalid(_syntax_message(text, problem), code="structure") from None
    _check_depth(body)
    if _SURROGATE_ESCAPE.search(text):
        _check_surrogates(document.data)
    return document


def loads(body: bytes | str) -> Any:  # noqa: ANN401  # any JSON value
    """Parse any JSON value with the same rules as :func:`parse`."""
    text = _decode(body) if isinstance(body, bytes) else body
    try:
        value, end = _scan_once(text, _skip(text, 0))
        if _skip(text, end) != len(text):
            raise stdlib_json.JSONDecodeError("Extra data", text, end)
    except RecursionError:
        raise _too_deep() from None
    except (stdlib_json.JSONDecodeError, StopIteration) as problem:
        raise Invalid(_syntax_message(text, problem), code="structure") from None
    _check_depth(text.encode("utf-8", "surrogatepass"))
    if _SURROGATE_ESCAPE.search(text):
        _check_surrogates(value)
    return value


def dumps(value: Any, *, pretty: bool = False) -> bytes:  # noqa: ANN401  # any JSON value
    """Write a JSON value; every :class:`JsonNumber` as it was written, keys in their order."""
    return orjson.dumps(value, _fragment, orjson.OPT_INDENT_2 if pretty else 0)


def canonical(value: Any) -> bytes:  # noqa: ANN401  # any JSON value
    """Write a JSON value so that two which say the same are equal: keys sorted, every number as it was written."""
    return orjson.dumps(value, _fragment, orjson.OPT_SORT_KEYS)


def open_body(document: Document, resource_id: str) -> Body:
    """Return the text of a resource with the server's ``id``, open for its version and instant."""
    text, before = document.text, "id" if "id" in document.data else "resourceType"
    places = _find(text, {before, "meta"} & document.data.keys())
    edits: list[tuple[int, int, str]] = []
    missing = ""
    if before == "id":
        edits.append((*places["id"][1:], orjson.dumps(resource_id).decode()))
    else:
        missing = f',"id":{orjson.dumps(resource_id).decode()}'
    if "meta" in places:
        _, start, end = places["meta"]
        edits.append((start, end, _open_meta(text[start:end])))
    else:
        missing += ',"meta":{\0}'
    if missing:
        end = places[before].end
        edits.append((end, end, missing))
    prefix, suffix = _apply(text, edits).split("\0")
    return Body(prefix.encode(), suffix.encode(), _digest(document.data))


def with_member(document: Document, name: str, value: object) -> Document:
    """Return a resource with a top-level member of this value; every other character of its text stays."""
    text = f"{orjson.dumps(name).decode()}:{dumps(value).decode()}"
    if name in document.data:
        start, _, end = _find(document.text, {name})[name]
    else:
        start = end = _find(document.text, {"resourceType"})["resourceType"].end
        text = f",{text}"
    return _scan_object(document.text[:start] + text + document.text[end:])


def members(text: str, start: int = 0) -> dict[str, Extent]:
    """Return where the members of an object are that begins at ``start``.

    The text must be JSON that :func:`parse` has accepted.
    """
    return dict(_places(text, start))


def elements(text: str, start: int) -> list[int]:
    """Return where the elements of an array begin that begins at ``start``; see :func:`members`."""
    found: list[int] = []
    index = _skip(text, start + 1)
    while text[index] != "]":
        found.append(index)
        index = _next(text, _scan_once(text, index)[1])
    return found


def _places(text: str, start: int = 0) -> Iterator[tuple[str, Extent]]:
    index = _skip(text, start + 1)
    while text[index] != "}":
        key_start = index
        key, index = scanstring(text, index + 1, True)
        value_start = _skip(text, _skip(text, index) + 1)
        end = _scan_once(text, value_start)[1]
        yield key, Extent(key_start, value_start, end)
        index = _next(text, end)


def _find(text: str, names: Set[str]) -> dict[str, Extent]:
    """Return where these members of the root are, which it has; it is read as far as the last of them."""
    found: dict[str, Extent] = {}
    places = _places(text)
    while len(found) < len(names):
        key, place = next(places)
        if key in names:
            found[key] = place
    return found


def _next(text: str, end: int) -> int:
    """Return where the next member or element begins after one's end, or where the last one's bracket is closed."""
    index = _skip(text, end)
    return _skip(text, index + 1) if text[index] == "," else index


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise Invalid(f"The body is not UTF-8: byte {problem.start} {problem.reason}.", code="structure") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Invalid(f"The key {key!r} occurs twice in one JSON object.", code="structure", expression=key)
            seen.add(key)
    return members


def _integer(lexeme: str) -> int | JsonNumber:
    # 18 digits always fit 64 bits; "-0" has no int of its own.
    return int(lexeme) if len(lexeme) < 19 and lexeme != "-0" else _number(lexeme)


def _number(lexeme: str) -> JsonNumber:
    try:
        return JsonNumber(lexeme)
    except InvalidOperation:  # an exponent of some eighteen digits
        raise Invalid("A number is too large or too small to be computed with.", code="value") from None


def _constant(name: str) -> Any:  # noqa: ANN401  # never returns
    raise Invalid(f"{name} is not a JSON number.", code="structure")


_decoder: Final = stdlib_json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_number, parse_int=_integer, parse_constant=_constant
)
_scan_once: Final = _decoder.scan_once  # type: ignore[attr-defined]  # the C scanner, absent from the stubs


def _skip(text: str, index: int) -> int:
    if text[index : index + 1] > " ":  # mostly there is nothing to skip
        return index
    found = _WHITESPACE.match(text, index)
    return found.end() if found else index


def _scan_object(text: str) -> Document:
    start = _skip(text, 0)
    if text[start : start + 1] != "{":
        raise stdlib_json.JSONDecodeError("A resource is a JSON object; expecting '{'", text, start)
    data, end = _scan_once(text, start)
    if _skip(text, end) != len(text):
        raise stdlib_json.JSONDecodeError("Extra data", text, _skip(text, end))
    return Document(text[start:end], data)


def _open_meta(text: str) -> str:
    """Return ``meta`` without the server's members and with a mark where they go."""
    kept = [text[place.key : place.end] for name, place in _places(text) if name not in SERVER_META]
    return "{" + ",".join(["\0", *kept]) + "}"


def _apply(text: str, edits: Iterable[tuple[int, int, str]]) -> str:
    for start, end, replacement in sorted(edits, reverse=True):
        text = text[:start] + replacement + text[end:]
    return text


def _digest(data: dict[str, Any]) -> bytes:
    meta = {k: v for k, v in (data.get("meta") or {}).items() if k not in SERVER_META}
    content = {k: v for k, v in data.items() if k not in {"id", "meta"}}
    return blake2b(canonical([content, meta]), digest_size=16).digest()


def _syntax_message(text: str, problem: stdlib_json.JSONDecodeError | StopIteration) -> str:
    if isinstance(problem, StopIteration):  # what the C scanner raises where no value begins
        problem = stdlib_json.JSONDecodeError("Expecting value", text, problem.value)
    return f"The body is not JSON: {problem.msg} at line {problem.lineno}, column {problem.colno}."


def _too_deep() -> TooLarge:
    return TooLarge(f"The JSON is nested more than {MAX_DEPTH} levels deep.", code="too-costly")


def _check_depth(body: bytes) -> None:
    if body.count(b"{") + body.count(b"[") <= MAX_DEPTH:
        return
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Two quotes that follow each other are both ends of a string, or lie between two; without them every bracket is
    # still inside or outside of a string as it was. Every second piece between quotes lies outside.
    marks = body.translate(_AS_BRACES, _NO_MARK).replace(b'""', b"")
    brackets = b"".join(marks.split(b'"')[::2])
    for _ in range(MAX_DEPTH):  # each round takes off the innermost level
        brackets = brackets.replace(b"{}", b"")
        if not brackets:
            return
    raise _too_deep()


def _check_surrogates(value: Any) -> None:  # noqa: ANN401  # any JSON value
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            if _SURROGATE.search(item):
                raise Invalid("A string has half of a surrogate pair: it is not Unicode text.", code="structure")
        elif isinstance(item, dict):
            pending.extend(item)
            pending.extend(item.values())
        elif isinstance(item, list):
            pending.extend(item)


def _fragment(number: JsonNumber) -> orjson.Fragment:
    return orjson.Fragment(number.lexeme)
