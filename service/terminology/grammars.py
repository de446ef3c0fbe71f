"""Code systems that are a grammar: https://hl7.org/fhir/R5/terminologies-systems.html.

Of these nobody has a list of all codes; whether a text is one of them is a matter of how it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from service.terminology.ucum import is_unit

# RFC 6838: type and subtype, and whatever parameters; FHIR also takes its own short names for its formats.
_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
MIME: Final = re.compile(rf"(?:{_NAME}|\*)/(?:{_NAME}|\*)(?: ?;.+)?|xml|json|ttl")

# RFC 5646, section 2.1: language, script, region, variants, extensions, private use; or private use alone.
LANGUAGE: Final = re.compile(
    r"(?:(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wyz](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"
    r"|x(?:-[a-z0-9]{1,8})+|i-[a-z]{2,8}|art-lojban|cel-gaulish|en-gb-oed|sgn-(?:be-fr|be-nl|ch-de)|zh-min-nan)",
    re.IGNORECASE,
)

# RFC 3986: a scheme and what follows, in the characters that a URI has.
URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")


def _by(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda code: pattern.fullmatch(code) is not None


GRAMMARS: Final[Mapping[str, Callable[[str], bool]]] = {
    "urn:ietf:bcp:13": _by(MIME),
    "urn:ietf:bcp:47": _by(LANGUAGE),
    "urn:ietf:rfc:3986": _by(URI),
    "http://unitsofmeasure.org": is_unit,
}
"""Code system -> whether a text is one of its codes."""
