"""The rules for the XHTML of a narrative (https://hl7.org/fhir/R5/narrative.html#xhtml), behind ``htmlChecks()``.

The text is read by an XML parser that knows no document type: so there are no entities but those of XML itself and
nothing external is ever fetched.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from xml.parsers import expat

MAX_LENGTH: Final = 5_000_000
MAX_DEPTH: Final = 200

ELEMENTS: Final = frozenset((
    "a", "abbr", "acronym", "address", "b", "bdo", "big", "blockquote", "br", "caption", "center", "cite", "code",
    "col", "colgroup", "dd", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img",
    "kbd", "li", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "table",
    "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var",
))  # fmt: skip
ATTRIBUTES: Final = frozenset((
    "abbr", "accesskey", "align", "alt", "axis", "bgcolor", "border", "cellhalign", "cellpadding", "cellspacing",
    "cellvalign", "char", "charoff", "charset", "cite", "class", "clear", "color", "colspan", "compact", "coords",
    "dir", "face", "frame", "headers", "height", "href", "hreflang", "hspace", "id", "lang", "longdesc", "name",
    "noshade", "nowrap", "rel", "rev", "rowspan", "rules", "scope", "shape", "size", "span", "src", "start", "style",
    "summary", "tabindex", "title", "type", "valign", "value", "vspace", "width", "xml:lang",
))  # fmt: skip
_ACTIVE: Final = ("javascript:", "vbscript:")


class _Refused(Exception):  # stops the parser, and never leaves this module
    pass


class _Reader:
    def __init__(self, *, rules: bool):
        self._rules = rules
        self._depth = 0
        self.content = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _Refused(f"the elements are nested more than {MAX_DEPTH} levels deep")
        if self._depth == 1:
            return  # the wrapper
        self.content = self.content or name == "img"
        if self._rules:
            self._check(name, attributes)

    def _check(self, name: str, attributes: dict[str, str]) -> None:
        if name not in ELEMENTS:
            raise _Refused(f"<{name}> is not allowed")
        for attribute, value in attributes.items():
            if attribute not in ATTRIBUTES and not attribute.startswith("xmlns"):
                raise _Refused(f"the attribute {attribute} of <{name}> is not allowed")
            if "".join(value.split()).lower().startswith(_ACTIVE):
                raise _Refused(f"the attribute {attribute} of <{name}> is a script")

    def end(self, _name: str) -> None:
        self._depth -= 1

    def text(self, data: str) -> None:
        self.content = self.content or not data.isspace()

    def instruction(self, target: str, _data: str) -> None:
        raise _Refused(f"the processing instruction {target} is not allowed")


@lru_cache(maxsize=2)  # two invariants ask about the same narrative, one after the other
def problem(text: str, *, rules: bool = True, content: bool = True) -> str | None:
    """What is wrong with a narrative, None if nothing is.

    ``rules`` looks at the elements and attributes, ``content`` for anything that can be seen: a text or an image.
    """
    if len(text) > MAX_LENGTH:
        return f"the narrative is longer than {MAX_LENGTH} characters"
    reader = _Reader(rules=rules)
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.ProcessingInstructionHandler = reader.instruction
    try:
        parser.Parse(f"<narrative>{text}</narrative>", True)
    except (expat.ExpatError, _Refused, UnicodeEncodeError) as refusal:
        return str(refusal)
    return "the narrative shows nothing" if content and not reader.content else None
