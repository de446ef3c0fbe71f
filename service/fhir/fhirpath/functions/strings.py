"""Texts (https://hl7.org/fhirpath/#string-manipulation)."""

from __future__ import annotations

import base64
import binascii
import html
import json
from typing import Final

from service.fhir.fhirpath.context import Context, limited_text
from service.fhir.fhirpath.errors import EvaluationError
from service.fhir.fhirpath.node import EMPTY, Collection, computed
from service.fhir.fhirpath.regex import RegexError, compile_regex, replacement
from service.fhir.fhirpath.registry import Compiled, Function, Site, check, scalar, take
from service.fhir.fhirpath.static import STRING


def _substring(text: str, start: int, length: int | None = None) -> str | None:
    if not 0 <= start < len(text):
        return None
    return text[start:] if length is None else text[start : start + max(0, length)]


def _replace(text: str, pattern: str, substitute: str) -> str:
    limited_text(" " * min(text.count(pattern) * len(substitute), 5_000_000))
    return limited_text(text.replace(pattern, substitute))


def _matches(text: str, pattern: str) -> bool:
    return compile_regex(pattern, len(text)).search(text) is not None


def _matches_full(text: str, pattern: str) -> bool:
    return compile_regex(pattern, len(text)).fullmatch(text) is not None


def _replace_matches(text: str, pattern: str, substitute: str) -> str:
    if not pattern:
        return text
    return limited_text(compile_regex(pattern, len(text)).sub(replacement(substitute), text))


def _split(text: str, separator: str) -> list[str]:
    return text.split(separator) if separator else list(text)


def _encode(text: str, encoding: str) -> str | None:
    raw = text.encode("utf-8", "surrogatepass")
    if encoding == "hex":
        return raw.hex()
    if encoding == "base64":
        return base64.b64encode(raw).decode("ascii")
    return base64.urlsafe_b64encode(raw).decode("ascii") if encoding == "urlbase64" else None


def _decode(text: str, encoding: str) -> str | None:
    try:
        if encoding == "hex":
            return bytes.fromhex(text).decode()
        if encoding == "base64":
            return base64.b64decode(text, validate=True).decode()
        if encoding == "urlbase64":
            return base64.b64decode(text, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        raise EvaluationError(f"decode(): the text is not {encoding} of UTF-8.") from None
    return None


def _escape(text: str, target: str) -> str | None:
    if target == "html":
        return html.escape(text, quote=True)
    return json.dumps(text, ensure_ascii=False)[1:-1] if target == "json" else None


def _unescape(text: str, target: str) -> str | None:
    if target == "html":
        return html.unescape(text)
    if target != "json":
        return None
    try:
        # A quote may stand without its backslash: the text need not be the inside of a JSON string.
        return str(json.loads('"' + text.replace('\\"', '"').replace('"', '\\"') + '"', strict=False))
    except ValueError:
        raise EvaluationError("unescape(): the text is not escaped as in JSON.") from None


def _join(site: Site) -> Compiled:
    check(site, site.input, "string", "the input")
    separator = site.argument(0).run if site.count else None

    def run(context: Context, focus: Collection) -> Collection:
        between = take(separator(context, context.this), "string", "join()") if separator else ""
        if between is None:
            return EMPTY
        texts = [take([node], "string", "join()") for node in focus]
        return [computed(limited_text(between.join(text for text in texts if text is not None)))]

    return site.result(run, STRING)


def _with_pattern(function: Function) -> Function:
    """Refuse a pattern that is written out and cannot be used when the expression is compiled."""

    def build(site: Site) -> Compiled:
        pattern = site.text(0)
        if pattern is not None:
            try:
                compile_regex(pattern, 0)
            except RegexError as problem:
                raise site.error(str(problem)) from None
        return function.build(site)

    return Function(function.minimum, function.maximum, build)


FUNCTIONS: Final = {
    "indexOf": scalar(str.find, "string", "Integer", "string"),
    "lastIndexOf": scalar(str.rfind, "string", "Integer", "string"),
    "substring": scalar(_substring, "string", "String", "integer", "integer", required=1),
    "startsWith": scalar(str.startswith, "string", "Boolean", "string"),
    "endsWith": scalar(str.endswith, "string", "Boolean", "string"),
    "contains": scalar(str.__contains__, "string", "Boolean", "string"),
    "upper": scalar(str.upper, "string", "String"),
    "lower": scalar(str.lower, "string", "String"),
    "replace": scalar(_replace, "string", "String", "string", "string"),
    "matches": _with_pattern(scalar(_matches, "string", "Boolean", "string")),
    "matchesFull": _with_pattern(scalar(_matches_full, "string", "Boolean", "string")),
    "replaceMatches": _with_pattern(scalar(_replace_matches, "string", "String", "string", "string")),
    "length": scalar(len, "string", "Integer"),
    "toChars": scalar(list, "string", None),
    "trim": scalar(str.strip, "string", "String"),
    "split": scalar(_split, "string", None, "string"),
    "join": Function(0, 1, _join),
    "encode": scalar(_encode, "string", "String", "string"),
    "decode": scalar(_decode, "string", "String", "string"),
    "escape": scalar(_escape, "string", "String", "string"),
    "unescape": scalar(_unescape, "string", "String", "string"),
}
