"""Lossless JSON: what a client sent is what is stored and served, token by token.

The FHIR JSON format (https://hl7.org/fhir/R5/json.html) makes the precision of a decimal significant, forbids
duplicate keys and leaves member order to the sender. So a resource is kept as the text it came in. It is parsed once,
for validation and indexing, and only its ``id`` and ``meta.versionId``/``meta.lastUpdated``, which belong to the
server, are spliced in.
"""

from __future__ import annotations

import json as stdlib_json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from json.decoder import scanstring  # type: ignore[attr-defined]  # CPython's own scanner, absent from the stubs
from typing import Any, Final

import orjson

from service.errors import Invalid, TooLarge

MAX_DEPTH: Final = 100
"""Levels of nesting that are accepted, the root object counted."""

SERVER_META: Final = frozenset({"versionId", "lastUpdated"})
"""The members of ``meta`` that are the server's own."""

_WHITESPACE: Final = re.compile(r"[ \t\n\r]*")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_BRACKETS_ONLY: Final = bytes(set(range(256)) - set(b"[]{}"))
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
    and those that do not fit 64 bits, are :class:`JsonNumber`), ``spans`` the extent in ``text`` of every top-level
    member, from the first character of its key to the end of its value, and ``values`` of its value alone.
    """

    text: str
    data: dict[str, Any]
    spans: dict[str, tuple[int, int]]
    values: dict[str, tuple[int, int]]


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
    text, spans, values = document.text, document.spans, document.values
    edits: list[tuple[int, int, str]] = []
    missing = ""
    if "id" in spans:
        edits.append((*values["id"], orjson.dumps(resource_id).decode()))
    else:
        missing = f',"id":{orjson.dumps(resource_id).decode()}'
    if "meta" in spans:
        edits.append((*values["meta"], _open_meta(text, values["meta"])))
    else:
        missing += ',"meta":{\0}'
    if missing:
        end = values["id" if "id" in values else "resourceType"][1]
        edits.append((end, end, missing))
    prefix, suffix = _apply(text, edits).split("\0")
    return Body(prefix.encode(), suffix.encode(), _digest(document.data))


def with_member(document: Document, name: str, value: object) -> Document:
    """Return a resource with a top-level member of this value; every other character of its text stays."""
    text = f"{orjson.dumps(name).decode()}:{dumps(value).decode()}"
    if name in document.spans:
        start, end = document.spans[name]
    else:
        start = end = document.spans["resourceType"][1]
        text = f",{text}"
    return _scan_object(document.text[:start] + text + document.text[end:])


def members(text: str, start: int) -> dict[str, tuple[int, int]]:
    """Return where the members of an object begin that begins at ``start``: the key, and the value.

    The text must be JSON that :func:`parse` has accepted.
    """
    found: dict[str, tuple[int, int]] = {}
    index = _skip(text, start + 1)
    while text[index] != "}":
        key_start = index
        key, index = scanstring(text, index + 1, True)
        value_start = _skip(text, _skip(text, index) + 1)
        found[key] = key_start, value_start
        index = _next(text, value_start)
    return found


def elements(text: str, start: int) -> list[int]:
    """Return where the elements of an array begin that begins at ``start``; see :func:`members`."""
    found: list[int] = []
    index = _skip(text, start + 1)
    while text[index] != "]":
        found.append(index)
        index = _next(text, index)
    return found


def value_text(text: str, start: int) -> str:
    """Return the text of the value that begins at ``start``; see :func:`members`."""
    return text[start : _scan_once(text, start)[1]]


def _next(text: str, start: int) -> int:
    """Return where the next member or element begins, or where the last one's bracket is closed."""
    index = _skip(text, _scan_once(text, start)[1])
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
    """Scan the members of the root object one by one, so that the place of each is known."""
    start = _skip(text, 0)
    if text[start : start + 1] != "{":
        raise stdlib_json.JSONDecodeError("A resource is a JSON object; expecting '{'", text, start)
    members: list[tuple[str, Any]] = []
    spans: dict[str, tuple[int, int]] = {}
    values: dict[str, tuple[int, int]] = {}
    index = _skip(text, start + 1)
    separator = "{"
    while text[index : index + 1] != "}" or separator == ",":
        key_start = index
        if text[index : index + 1] != '"':
            raise stdlib_json.JSONDecodeError("Expecting property name enclosed in double quotes", text, index)
        key, index = scanstring(text, index + 1, True)
        index = _skip(text, index)
        if text[index : index + 1] != ":":
            raise stdlib_json.JSONDecodeError("Expecting ':' delimiter", text, index)
        value_start = _skip(text, index + 1)
        value, end = _scan_once(text, value_start)
        members.append((key, value))
        spans[key], values[key] = (key_start, end), (value_start, end)
        index = _skip(text, end)
        separator = text[index : index + 1]
        if separator == ",":
            index = _skip(text, index + 1)
        elif separator != "}":
            raise stdlib_json.JSONDecodeError("Expecting ',' delimiter", text, index)
    end = _skip(text, index + 1)
    if end != len(text):
        raise stdlib_json.JSONDecodeError("Extra data", text, end)
    if start == 0:
        return Document(text[: index + 1], _unique(members), spans, values)
    shift = {key: (a - start, b - start) for key, (a, b) in spans.items()}
    shifted = {key: (a - start, b - start) for key, (a, b) in values.items()}
    return Document(text[start : index + 1], _unique(members), shift, shifted)


def _open_meta(text: str, span: tuple[int, int]) -> str:
    """Return ``meta`` without the server's members and with a mark where they go."""
    inner = _scan_object(text[span[0] : span[1]])
    kept = [inner.text[start:end] for key, (start, end) in inner.spans.items() if key not in SERVER_META]
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
    # Without escaped backslashes and quotes, every second piece between quotes lies outside of a string.
    outside = body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2]
    brackets = b"".join(outside).translate(_AS_BRACES, _BRACKETS_ONLY)
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
