"""Escapes: https://hl7.org/fhir/R5/search.html#escaping."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Invalid
from service.search.escaping import split, unescape


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        (",", ["", ""]),
        ("a\\,b,c", ["a\\,b", "c"]),
        ("a\\\\,b", ["a\\\\", "b"]),
        ("a\\\\\\,b", ["a\\\\\\,b"]),
        ("a\\", ["a\\"]),
        ("a|b", ["a|b"]),
    ],
)
def test_split(text: str, parts: list[str]) -> None:
    """search.html#escaping: an escaped separator does not separate; the parts keep their escapes."""
    assert split(text, ",") == parts


def test_unescape() -> None:
    """search.html#escaping: four escapes, and any other backslash is an error that names the parameter."""
    assert unescape("x", "a\\,\\|\\$\\\\b") == "a,|$\\b"
    for text in ("\\", "a\\b", "\\\\\\", "\\\n", "\\ "):
        with pytest.raises(Invalid) as refusal:
            unescape("x", text)
        assert refusal.value.issues[0].expression == ("x",)


def escape(text: str) -> str:
    """Escape a text as a client does."""
    return "".join("\\" + character if character in "\\,|$" else character for character in text)


@given(st.lists(st.text(st.sampled_from("ab\\,|$ é\n")), min_size=1))
def test_whatever_is_escaped_comes_back(values: list[str]) -> None:
    """search.html#escaping: any list of any texts survives being written as one value."""
    for separator in ",|$":
        parts = split(separator.join(map(escape, values)), separator)
        assert [unescape("x", part) for part in parts] == values
