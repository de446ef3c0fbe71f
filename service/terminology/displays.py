"""The texts of a code, in the languages that there are: https://hl7.org/fhir/R5/codesystem.html#designations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def is_display(text: str, displays: Iterable[str]) -> bool:
    """Whether a text is one of these, apart from case and spaces."""
    return _plain(text) in map(_plain, displays)


def ranges(header: str) -> list[str]:
    """Return the languages of a ``displayLanguage``, the most wanted first (as ``Accept-Language``, RFC 9110)."""
    weighted = []
    for part in header.split(","):
        language, *parameters = (each.strip() for each in part.split(";"))
        weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        if language and weight.replace(".", "", 1).isdigit():
            weighted.append((float(weight), language.lower()))
    return [language for weight, language in sorted(weighted, key=lambda each: -each[0]) if weight]


def in_language(
    display: str | None, own: str | None, designations: Sequence[Mapping[str, Any]], wanted: Sequence[str]
) -> str | None:
    """Return the text of a code in the first of the wanted languages that it has, else its display."""
    for language in wanted:
        if language == "*" or (own is not None and _matches(own, language)):
            return display
        for designation in designations:
            if _matches(str(designation.get("language", "")), language) and "value" in designation:
                return str(designation["value"])
    return display


def _matches(tag: str, wanted: str) -> bool:
    tag = tag.lower()
    return tag == wanted or tag.startswith(wanted + "-")


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
