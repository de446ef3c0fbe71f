"""How names sound, for the parameters that ask for it (``phonetic`` of Patient, Person and Practitioner).

https://hl7.org/fhir/R5/patient.html#search: "a portion of either family or given name using some kind of phonetic
matching algorithm". Here that is Soundex, the oldest and plainest one: the first letter and three digits for the groups
of consonants that follow. Words in other scripts than Latin sound as they are written.
"""

from __future__ import annotations

from typing import Final

from service.search.folding import words

_GROUPS: Final = {
    letter: digit
    for letters, digit in (("bfpv", "1"), ("cgjkqsxz", "2"), ("dt", "3"), ("l", "4"), ("mn", "5"), ("r", "6"))
    for letter in letters
}
_SILENT: Final = frozenset("hw")
_LENGTH: Final = 4


def sounds(text: str) -> tuple[str, ...]:
    """The sound of each word of a text, each once."""
    return tuple(dict.fromkeys(_soundex(word) for word in words(text)))


def _soundex(word: str) -> str:
    if not (word.isascii() and word.isalpha()):
        return word
    code, last = word[0], _GROUPS.get(word[0], "")
    for letter in word[1:]:
        digit = _GROUPS.get(letter, "")
        if digit and digit != last:
            code += digit
        if letter not in _SILENT:  # letters of one group count once even with h or w between them
            last = digit
    return code[:_LENGTH].ljust(_LENGTH, "0")
