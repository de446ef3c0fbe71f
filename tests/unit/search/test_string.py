"""String parameters: https://hl7.org/fhir/R5/search.html#string."""

from __future__ import annotations

import re
from typing import Any
from unicodedata import category, combining, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import Invalid
from service.search.folding import fold, markup_text, unmarked, words
from service.search.index import rows
from service.search.phonetic import sounds
from service.search.rows import TermRow
from service.search.types import sort
from tests.unit.search.matching import CATALOGUE, asked, matches

CASE = "This search is insensitive to casing"
ACCENTS = "and included combining characters, like accents or other diacritical marks"
PUNCTUATION = "Punctuation and non-significant whitespace SHOULD also be ignored"
START = "A field matches if its value equals or starts with the supplied parameter value"
CONTAINS = ":contains: includes the supplied parameter value anywhere within the field being searched"
EXACT = ":exact: matches the entire string, including casing and accents"
TEXT = ":text: input to a search with advanced text handling"


def study(title: str) -> dict[str, Any]:
    """A study with a title."""
    return {"resourceType": "ResearchStudy", "title": title}


@pytest.mark.parametrize(
    ("title", "name", "text", "expected", "sentence"),
    [
        ("Eve", "title", "eve", True, CASE),
        ("Evelyn", "title", "EVE", True, START),
        ("Severine", "title", "eve", False, START),
        ("Étude", "title", "etude", True, ACCENTS),
        ("Etude", "title", "étude", True, ACCENTS),
        ("E\u0301tude", "title", "Étude", True, ACCENTS),
        ("Straße", "title", "STRASSE", True, CASE),
        ("ﬁbrosis", "title", "fibrosis", True, ACCENTS),
        ("O'Brien", "title", "obrien", True, PUNCTUATION),
        ("Acute,  lymphoid\tleukemia", "title", "acute lymphoid leuk", True, PUNCTUATION),
        ("B-ALL in adults", "title", "ball", True, PUNCTUATION),
        ("a,b", "title", r"a\,b", True, "escapes are undone"),
        ("---", "title", "--", True, "nothing but punctuation is found by it"),
        ("Trial", "title", "---", False, "nothing but punctuation is not everything"),
        ("Severine", "title:contains", "EVE", True, CONTAINS),
        ("Sévérine", "title:contains", "ever", True, CONTAINS),
        ("Severine", "title:contains", "evi", False, CONTAINS),
        ("Son", "title:exact", "Son", True, EXACT),
        ("Son", "title:exact", "son", False, EXACT),
        ("son", "title:exact", "son", True, EXACT),
        ("Sonder", "title:exact", "Son", False, EXACT),
        ("Étude", "title:exact", "Etude", False, EXACT),
        ("Acute lymphoid leukemia", "title:text", "leuk acute", True, TEXT),
        ("Acute lymphoid leukemia", "title:text", "ymphoid", False, TEXT),
        ("Acute lymphoid leukemia", "title:text", "acute myeloid", False, TEXT),
        ("Trial", "title:missing", "false", True, ":missing"),
        ("Trial", "title:missing", "true", False, ":missing"),
    ],
)
def test_a_string_against_a_string(title: str, name: str, text: str, expected: bool, sentence: str) -> None:
    """Default, and the three modifiers of strings."""
    assert matches(study(title), name, text) is expected, sentence


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("name", "carr", True),
        ("name", "quin", True),
        ("family", "quinones", True),
        ("family:exact", "Carreno Quiñones", True),
        ("family:exact", "Quiñones", False),
        ("family:exact", "quinones", False),
        ("given", "ana", True),
        ("given", "maria", True),
        ("name", "dr", True),
        ("name", "official", False),
        ("name", "doctor", True),
    ],
)
def test_the_parts_of_a_name(name: str, text: str, expected: bool) -> None:
    """The search covers the elements of type string, and not use and period; the parts of a family name count alone."""
    human = {
        "use": "official",
        "text": "Doctor A. M. Carreno",
        "family": "Carreno Quiñones",
        "given": ["Ana", "María"],
        "prefix": ["Dr."],
    }
    assert matches({"resourceType": "Patient", "name": [human]}, name, text) is expected


def test_only_the_whole_name_has_an_order() -> None:
    """A later part of a family name is found by, but does not move the name in a sorted list."""
    patient = {"resourceType": "Patient", "name": [{"family": "Zarate-Abad"}]}
    order = sort(CATALOGUE.for_type("Patient")["family"], False)
    assert [row.value for row in rows(patient, CATALOGUE) if isinstance(row, TermRow) and row.key == order.key] == [
        "zarateabad"
    ]
    assert matches(patient, "family", "abad")


def test_a_long_text_is_exactly_itself() -> None:
    """What is too long to be kept twice is still matched exactly."""
    long = "Ä" * 300
    assert matches(study(long), "title:exact", long)
    assert not matches(study(long), "title:exact", long.lower())
    assert matches(study(long), "title", "aaa")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("address", "main", True),
        ("address", "unit 2", True),
        ("address", "3999", True),
        ("address", "erewhon", True),
        ("address", "home", False),
        ("address-city", "erewhon", True),
        ("address-postalcode", "3999", True),
    ],
)
def test_the_parts_of_an_address(name: str, text: str, expected: bool) -> None:
    """The search covers the elements of type string, and not use and period."""
    place = {"use": "home", "line": ["Main Street 5", "Unit 2"], "city": "Erewhon", "postalCode": "3999"}
    assert matches({"resourceType": "Patient", "address": [place]}, name, text) is expected


@pytest.mark.parametrize("modifier", ["not", "in", "below", "identifier", "of-type", "", "Patient"])
def test_other_modifiers_are_refused(modifier: str) -> None:
    """A modifier that the type does not have is refused with both names (https://hl7.org/fhir/R5/search.html#modifiers)."""
    with pytest.raises(Invalid, match=f"title is a string parameter: :{modifier} is not supported"):
        asked("ResearchStudy", f"title:{modifier}", "x")


@pytest.mark.parametrize("text", ["", "  ", r"a\x", "a\\"])
def test_bad_values_are_refused(text: str) -> None:
    r"""``xx\xx`` is illegal (https://hl7.org/fhir/R5/search.html#escaping), and nothing is no string to start with."""
    with pytest.raises(Invalid, match=r"^title"):
        asked("ResearchStudy", "title", text)


def test_missing_wants_true_or_false() -> None:
    """:missing takes a boolean (https://hl7.org/fhir/R5/search.html#modifiermissing)."""
    with pytest.raises(Invalid, match="title:missing is true or false"):
        asked("ResearchStudy", "title:missing", "yes")


@pytest.mark.parametrize(
    ("text", "expected"), [("Smyth", True), ("Schmidt", True), ("Jones", False), ("Jon Smith", True), ("Jane", True)]
)
def test_phonetic_parameters_go_by_the_sound(text: str, expected: bool) -> None:
    """Phonetic: "a portion of either family or given name using some kind of phonetic matching algorithm"."""
    patient = {"resourceType": "Patient", "name": [{"family": "Smith", "given": ["John"]}]}
    assert matches(patient, "phonetic", text) is expected


@pytest.mark.parametrize(
    ("name", "sound"),
    [
        ("Robert", "r163"),
        ("Rupert", "r163"),
        ("Ashcraft", "a261"),
        ("Tymczak", "t522"),
        ("Pfister", "p236"),
        ("李", "李"),
    ],
)
def test_soundex(name: str, sound: str) -> None:
    """The classic examples of the algorithm."""
    assert sounds(name) == (sound,)


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    """What is folded is folded: rows and questions meet however often they are."""
    assert fold(fold(text)) == fold(text)
    assert words(" ".join(words(text))) == words(text)


@given(st.text(st.characters(exclude_categories=[]) | st.sampled_from("aB .-_é́ßİΣ–²½ﬁµ")))
def test_a_text_is_folded_character_by_character(text: str) -> None:
    """Text is in lower case and without marks, and punctuation is nothing between words and nothing within them."""
    plain = "".join(letter for letter in normalize("NFKD", text) if not combining(letter)).casefold()
    assert unmarked(text) == plain
    assert words(text) == re.findall(r"[^\W_]+", plain)
    kept = " ".join("".join(letter for letter in plain if category(letter)[0] != "P").split())
    assert fold(text) == (kept or " ".join(plain.split()))


def test_words_of_a_narrative() -> None:
    """Markup is not text, entities are; punctuation separates words."""
    text = markup_text('<div xmlns="http://www.w3.org/1999/xhtml"><p>B-ALL &amp; <b>Öl</b><!-- no --></p></div>')
    assert words(text) == ["b", "all", "ol"]
