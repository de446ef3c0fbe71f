"""Text as search compares it: without case, accents, punctuation and idle whitespace.

https://hl7.org/fhir/R5/search.html#string: "insensitive to casing and included combining characters, like accents or
other diacritical marks. Punctuation and non-significant whitespace SHOULD also be ignored." The same functions fold
what is indexed and what is asked for, so that no store needs a collation of its own.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Final
from unicodedata import category, combining, normalize

_WORD: Final = re.compile(r"[^\W_]+")
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
_TAG: Final = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)
_ASCII_WORDS: Final = bytes(code if chr(code).isalnum() else ord(" ") for code in range(128)) + bytes(128)
"""What becomes of the bytes of ASCII text where words are looked for."""
_ASCII_PUNCTUATION: Final = bytes(code for code in range(128) if category(chr(code))[0] == "P")


class _Unpunctuated(dict[int, int | None]):
    """A translation that drops punctuation; a character is looked up when it is first met."""

    def __missing__(self, code: int) -> int | None:
        self[code] = found = None if category(chr(code))[0] == "P" else code
        return found


_UNPUNCTUATED: Final = _Unpunctuated()


def fold(text: str) -> str:
    """The text in lower case, without marks and punctuation, with single spaces.

    A text of nothing but punctuation keeps it: it is all that such a text could be found by.
    """
    if text.isascii():
        plain = text.lower()
        kept = plain.encode().translate(None, _ASCII_PUNCTUATION).decode()
    else:
        plain = unmarked(text)
        kept = plain.translate(_UNPUNCTUATED)
    return " ".join(kept.split()) or " ".join(plain.split())


def unmarked(text: str) -> str:
    """The text in lower case and without combining characters, punctuation included."""
    return text.lower() if text.isascii() else _NOT_ASCII.sub(_unmarked_part, text).casefold()


def _unmarked_part(found: re.Match[str]) -> str:
    """Take the marks from a part without ASCII; an ASCII character bears none, so no part changes its neighbours."""
    return "".join(letter for letter in normalize("NFKD", found[0]) if not combining(letter))


def words(text: str) -> list[str]:
    """The folded words of a text, in order and with repetitions; punctuation separates words."""
    plain = unmarked(text)
    return plain.encode().translate(_ASCII_WORDS).decode().split() if plain.isascii() else _WORD.findall(plain)


def markup_text(xhtml: str) -> str:
    """The text of a narrative, without its markup."""
    return unescape(_TAG.sub(" ", xhtml))
