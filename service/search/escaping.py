r"""Escapes in parameter values: ``\,`` ``\|`` ``\$`` ``\\`` (https://hl7.org/fhir/R5/search.html#escaping).

Values are split first and unescaped afterwards, so that an escaped separator never separates.
"""

from __future__ import annotations

import re
from typing import Final

from service.errors import Invalid

_ESCAPE: Final = re.compile(r"\\(.?)", re.DOTALL)
_ESCAPABLE: Final = frozenset(",|$\\")


def split(text: str, separator: str) -> list[str]:
    """Split at a separator (one of ``,`` ``|`` ``$``) that is not escaped; the parts keep their escapes."""
    parts: list[str] = [""]
    skip = False
    for character in text:
        if character == separator and not skip:
            parts.append("")
            continue
        parts[-1] += character
        skip = character == "\\" and not skip
    return parts


def unescape(name: str, text: str) -> str:
    """Return a part without its escapes; raises :class:`Invalid` for a backslash that escapes nothing."""

    def literal(found: re.Match[str]) -> str:
        if found[1] not in _ESCAPABLE or not found[1]:
            raise Invalid(f"{name}: the backslash in {text!r} escapes none of , | $ \\.", expression=name)
        return found[1]

    return _ESCAPE.sub(literal, text)
