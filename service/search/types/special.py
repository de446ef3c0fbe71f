"""Special parameters: the words of a narrative and of a whole resource (https://hl7.org/fhir/R5/search.html#special).

``_text`` asks the narrative and ``_content`` the entire resource (https://hl7.org/fhir/R5/search.html#_text); a
resource matches that has all words. Both, and ``section-text``, are an index of folded words, the same on every store.
The other special parameters are no index at all: they are answered elsewhere or refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from service.errors import Invalid
from service.search.folding import markup_text, words
from service.search.parameters import Parameter
from service.search.query import And, Predicate, Sort, Word
from service.search.rows import Row, WordsRow
from service.search.types.base import ANYWHERE, Context, Make, literal, unsupported

MODIFIERS: Final[frozenset[str]] = frozenset()
MODIFIED: Final[frozenset[str]] = frozenset()
_NO_WORDS: Final = frozenset({"resourceType", "id", "reference", "system", "url", "data", "versionId"})
"""Elements that name things for machines; ``data`` is base64."""


def rows(parameter: Parameter) -> Make:
    """Return what makes the row of the words of a narrative, or of all strings of a resource."""
    key = parameter.key

    def make(fhir_type: str, value: Any) -> tuple[Row, ...]:  # noqa: ANN401  # any JSON value
        if fhir_type == "Narrative":
            text = markup_text(str(value.get("div", "")))
        else:
            found: list[str] = []
            _collect(value, found.append)
            text = "\n".join(found)
        several = tuple(dict.fromkeys(words(text)))
        return (WordsRow(key, several),) if several else ()

    return make


def predicate(
    parameter: Parameter,
    modifier: str | None,
    text: str,
    name: str,
    context: Context = ANYWHERE,  # noqa: ARG001  # words are the same everywhere
) -> Predicate:
    """Return the predicate of words, all of which must occur."""
    if not parameter.indexed:
        raise Invalid(
            f"{name}: searching by {parameter.code} is not supported by this server.",
            code="not-supported",
            expression=name,
        )
    if modifier is not None:
        raise unsupported(parameter, modifier, name)
    asked = list(dict.fromkeys(words(literal(name, text))))
    if not asked:
        raise Invalid(f"{name}: {text!r} has no word to look for.", expression=name)
    terms = tuple(Word(parameter.key, word) for word in asked)
    return terms[0] if len(terms) == 1 else And(terms)


def sort(parameter: Parameter, descending: bool) -> Sort:  # noqa: ARG001
    """Refuse: words have no order."""
    raise Invalid(f"_sort: {parameter.code} has no order.", code="not-supported", expression="_sort")


def _collect(value: dict[str, Any], add: Callable[[str], None]) -> None:
    """Add the strings that are words: no URIs, which are asked for by parameters of their own."""
    for member, held in value.items():
        kind = type(held)
        if kind is str:
            if member not in _NO_WORDS:
                if member == "div":
                    add(markup_text(held))
                elif ":" not in held or " " in held or not ("://" in held or held.startswith("urn:")):
                    add(held)
        elif kind is dict:
            _collect(held, add)
        elif kind is list:
            _collect_all(held, add)


def _collect_all(values: list[Any], add: Callable[[str], None]) -> None:
    for held in values:
        kind = type(held)
        if kind is dict:
            _collect(held, add)
        elif kind is str:
            if ":" not in held or " " in held or not ("://" in held or held.startswith("urn:")):
                add(held)
        elif kind is list:
            _collect_all(held, add)
