"""String parameters (https://hl7.org/fhir/R5/search.html#string).

By default a value matches that equals or starts with what is asked for, both folded; ``:contains`` looks anywhere,
``:exact`` compares the entire string "including casing and accents", ``:text`` looks for all words.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final

from service.errors import Invalid
from service.search.folding import fold
from service.search.parameters import Parameter
from service.search.phonetic import sounds
from service.search.query import And, Contains, Or, Predicate, Prefix, Sort, Term
from service.search.rows import Row, TermRow
from service.search.types.base import ANYWHERE, Context, Make, literal, unsupported

MODIFIERS: Final = frozenset({"exact", "contains", "text"})
MODIFIED: Final[frozenset[str]] = frozenset()
PART: Final = ":part"
"""The form of the key for a family name from its second part on, which is no value to sort by."""
_LONG: Final = 200
"""Characters beyond which a row keeps a digest of the original text instead of a second copy of it."""

_TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "HumanName": ("text", "family", "given", "prefix", "suffix"),
    "Address": ("text", "line", "city", "district", "state", "postalCode", "country"),
    "CodeableConcept": ("text", "coding"),
    "Coding": ("display",),
    "CodeableReference": ("concept", "reference"),
    "Reference": ("display",),
    "Identifier": ("value",),
    "ContactPoint": ("value",),
    "Annotation": ("text",),
    "Attachment": ("title",),
}
"""The elements of a data type that are searched: those of type string, "not elements such as use and period"."""
_NESTED: Final = {"coding": "Coding", "concept": "CodeableConcept", "reference": "Reference"}


def rows(parameter: Parameter) -> Make:
    """Return what makes a row for every string in a value."""
    key, of_family = parameter.key, parameter.code == "family"

    def make(fhir_type: str, value: Any) -> Collection[Row]:  # noqa: ANN401  # any JSON value
        found: dict[Row, None] = {}
        for text, family in _strings(fhir_type, value):
            folded = fold(text)
            found[TermRow(key, folded, _original(text, folded))] = None
            if family or of_family:
                found.update((TermRow(key + PART, part), None) for part in _later_parts(text))
        return found

    def make_sounds(fhir_type: str, value: Any) -> Collection[Row]:  # noqa: ANN401  # any JSON value
        spoken = (sound for text, _ in _strings(fhir_type, value) for sound in sounds(text))
        return [TermRow(key, sound) for sound in dict.fromkeys(spoken)]

    return make_sounds if parameter.phonetic else make


def predicate(
    parameter: Parameter,
    modifier: str | None,
    text: str,
    name: str,
    context: Context = ANYWHERE,  # noqa: ARG001  # a string is the same everywhere
) -> Predicate:
    """Return the predicate of a string."""
    asked = literal(name, text)
    if parameter.phonetic:
        return _sounding(parameter, modifier, asked, name)
    folded = fold(asked)
    match modifier:
        case None:
            whole = Prefix(parameter.key, folded)
            parts = parameter.code == "family" or "HumanName" in parameter.types
            return Or((whole, Prefix(parameter.key + PART, folded))) if parts else whole
        case "exact":
            return Term(parameter.key, folded, _original(asked, folded))
        case "contains":
            return Contains(parameter.key, folded)
        case "text":
            return words_begin(parameter.key, folded)
    raise unsupported(parameter, modifier, name)


def sort(parameter: Parameter, descending: bool) -> Sort:
    """Return the order by the folded text."""
    return Sort("value", parameter.key, descending)


def words_begin(key: str, folded: str) -> Predicate:
    """All words occur, each at the beginning of a word of some value."""
    parts = [Or((Prefix(key, word), Contains(key, f" {word}"))) for word in folded.split(" ")]
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _sounding(parameter: Parameter, modifier: str | None, asked: str, name: str) -> Predicate:
    if modifier is not None:
        raise unsupported(parameter, modifier, name)
    found = sounds(asked)
    if not found:
        raise Invalid(f"{name}: {asked!r} has no word that could be spoken.", expression=name)
    return And(tuple(Term(parameter.key, sound) for sound in found))


def _original(text: str, folded: str) -> str:
    """The qualifier that tells a text from all others that fold to the same; empty where folding changes nothing."""
    if text == folded:
        return ""
    return text if len(text) <= _LONG else sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _later_parts(family: str) -> Iterator[str]:
    """A family name from its second part on, from its third, and so on.

    "Servers SHOULD search the parts of a family name independently."
    """
    parts = fold(family.replace("-", " ")).split(" ")
    for index in range(1, len(parts)):
        yield " ".join(parts[index:])


def _strings(fhir_type: str, value: Any) -> Iterator[tuple[str, bool]]:  # noqa: ANN401  # any JSON value
    """Every string to be searched in a value, and whether it is a family name."""
    if isinstance(value, dict):
        for member in _TEXTS.get(fhir_type, ()):
            held = value.get(member)
            for item in held if isinstance(held, list) else (held,):
                if isinstance(item, dict):
                    yield from _strings(_NESTED.get(member, ""), item)
                elif isinstance(item, str) and item:
                    yield item, member == "family"
    elif isinstance(value, bool):
        yield ("true" if value else "false"), False
    elif value is not None and (text := str(value)):
        yield text, False
