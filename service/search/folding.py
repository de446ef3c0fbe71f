"""Text as search compares it: without case, accents, punctuation and idle whitespace.

https://hl7.org/fhir/R5/search.html#string: "insensitive to casing and included combining characters, like accents or
other diacritical marks. Punctuation and non-significant whitespace SHOULD also be ignored." The same functions fold
what is indexed and what is asked for, so that no store needs a collation of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from html import unescape
from typing import Final
from unicodedata import category, combining, normalize

_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
_SHORT: Final = 32
_TAG: Final = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)
_LOWER: Final = bytes(range(256)).lower()
_ASCII_PUNCTUATION: Final = bytes(code for code in range(128) if category(chr(code))[0] == "P")
_ASCII_WORDS: Final = bytes(code if code >= 128 or chr(code).isalnum() else ord(" ") for code in _LOWER)
"""What becomes of the bytes of a text where words are looked for; beyond ASCII nothing, as that is done before."""


def _by_part(folded: Callable[[str], str]) -> Callable[[str], str]:
    """Do with each part of a text without ASCII what is done with a whole one.

    No such part changes its neighbours: an ASCII character bears no mark, and case is folded character by character.
    """
    known = lru_cache(maxsize=4096)(folded)  # a dash, a sign or a letter: few of them are in most texts

    def replacement(found: re.Match[str]) -> str:
        part = found[0]
        return known(part) if len(part) <= _SHORT else folded(part)

    return lambda text: _NOT_ASCII.sub(replacement, text)


@_by_part
def _unmarked(part: str) -> str:
    return "".join(letter for letter in normalize("NFKD", part) if not combining(letter)).casefold()


@_by_part
def _unpunctuated(part: str) -> str:
    return "".join(letter for letter in _unmarked(part) if category(letter)[0] != "P")


@_by_part
def _words(part: str) -> str:
    return "".join(letter if letter.isalnum() else " " for letter in _unmarked(part))


def fold(text: str) -> str:
    """The text in lower case, without marks and punctuation, with single spaces.

    A text of nothing but punctuation keeps it: it is all that such a text could be found by.
    """
    if text.isascii():
        kept = text.encode().translate(_LOWER, _ASCII_PUNCTUATION).decode()
    else:
        plain = _unpunctuated(text).encode("utf-8", "surrogatepass")
        kept = plain.translate(_LOWER, _ASCII_PUNCTUATION).decode("utf-8", "surrogatepass")
    return " ".join(kept.split()) or " ".join(unmarked(text).split())


def unmarked(text: str) -> str:
    """The text in lower case and without combining characters, punctuation included."""
    return text.lower() if text.isascii() else _unmarked(text).casefold()


def words(text: str) -> list[str]:
    """The folded words of a text, in order and with repetitions; punctuation separates words."""
    plain = text if text.isascii() else _words(text)
    return plain.encode().translate(_ASCII_WORDS).decode().split()


def markup_text(xhtml: str) -> str:
    """The text of a narrative, without its markup."""
    return unescape(_TAG.sub(" ", xhtml))
