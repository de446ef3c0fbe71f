"""Regular expressions that come from a client must not keep the server busy."""

from __future__ import annotations

import pytest

from service.fhir import fhirpath
from service.fhir.fhirpath import EvaluationError
from service.fhir.fhirpath.regex import MAX_PATTERN, MAX_TEXT, RegexError, compile_regex, replacement


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[A-Z]([A-Za-z0-9_]){1,254}$",
        r"^[^\s.]{1,64}(\.[^\s.]{1,64}(\[x\])?(\:[^\s\.]+)?)*$",
        r"^[A-Za-z][A-Za-z0-9]{0,63}(\.[a-z][A-Za-z0-9]{0,63}(\[x])?)*$",
        r"(a|b)*c",
        r"(,[^,]+)+",
        r"(-\w+)*",
        r".*",
    ],
)
def test_harmless_patterns(pattern: str) -> None:
    """A repetition inside of another is fine where every turn begins with a character of its own."""
    assert compile_regex(pattern, 100).pattern == pattern


@pytest.mark.parametrize(
    "pattern",
    [r"(a+)+$", r"(a*)*b", r"(.*a){20}", r"(\.[^,]+)*", r"((a|b)+c?)*", r"(?:x+x+)+y", r"(a[ab]*)*", r"(-[^a]+)+"],
)
def test_patterns_that_may_take_for_ever(pattern: str) -> None:
    """What could be matched in exponentially many ways is refused before it runs."""
    with pytest.raises(RegexError, match="for ever"):
        compile_regex(pattern, 100)


@pytest.mark.parametrize("pattern", ["(", "[z-a]", "a{5,2}", r"\p{L}", "x" * (MAX_PATTERN + 1)])
def test_patterns_that_are_none(pattern: str) -> None:
    """A wrong pattern, or a dialect that is not understood, is an error and never simply no match."""
    with pytest.raises(RegexError):
        compile_regex(pattern, 1)


def test_a_long_text_needs_a_simple_pattern() -> None:
    """Several repetitions in a row take more than linear time."""
    assert compile_regex("a+b", MAX_TEXT + 1)
    with pytest.raises(RegexError, match="not matched with more"):
        compile_regex("a+b+", MAX_TEXT + 1)


def test_a_pattern_from_the_data_is_checked_when_it_runs() -> None:
    """A pattern that is not written in the expression cannot be judged earlier."""
    resource = {"resourceType": "Basic", "id": "(a+)+"}
    with pytest.raises(EvaluationError, match="for ever"):
        fhirpath.compile("'aaa'.matches(id)", "Basic")(resource)


def test_substitutions() -> None:
    """Groups are written with a dollar; a backslash is only a backslash."""
    assert replacement(r"$1-${name}\n") == r"\g<1>-\g<name>\\n"
