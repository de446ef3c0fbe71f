"""The rules for the XHTML of a narrative (https://hl7.org/fhir/R5/narrative.html#xhtml), behind ``htmlChecks()``.

The text is read by an XML parser that knows no document type: so there are no entities but those of XML itself and
nothing external is ever fetched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal
from xml.parsers import expat

MAX_LENGTH: Final = 5_000_000
MAX_DEPTH: Final = 200
MAX_FAULTS: Final = 20
"""What is wrong beyond that is not listed."""

NAMESPACE: Final = "http://www.w3.org/1999/xhtml"

_INLINE: Final = frozenset((
    "a", "abbr", "acronym", "b", "bdo", "big", "cite", "code", "dfn", "em", "i", "kbd", "q", "samp", "small", "span",
    "strong", "sub", "sup", "tt", "var",
))  # fmt: skip
_PARAGRAPHS: Final = _INLINE | {"p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "address", "caption"}
_BLOCKS: Final = frozenset(("blockquote", "div", "dl", "ol", "p", "pre", "table", "ul"))
ELEMENTS: Final = _PARAGRAPHS | _BLOCKS | {
    "area", "br", "col", "colgroup", "dd", "dt", "hr", "img", "li", "map", "tbody", "td", "tfoot", "th", "thead", "tr",
}  # fmt: skip

_EVERYWHERE: Final = frozenset((
    "abbr", "accesskey", "align", "axis", "char", "charoff", "class", "colspan", "dir", "headers", "id", "lang",
    "rowspan", "scope", "span", "style", "tabindex", "title", "valign", "width", "xml:lang", "xml:space", "xmlns",
))  # fmt: skip
_ONLY_ON: Final[dict[str, str]] = {
    "a": "charset coords href hreflang name rel rev shape type",
    "area": "alt coords href nohref shape",
    "blockquote": "cite",
    "img": "alt border height ismap longdesc src usemap",
    "map": "name",
    "pre": "space",
    "q": "cite",
    "table": "border cellpadding cellspacing frame rules summary",
    "td": "nowrap",
}
ATTRIBUTES: Final = {name: _EVERYWHERE.union(_ONLY_ON.get(name, "").split()) for name in ELEMENTS}
"""Element -> its attributes."""

_CHILDREN: Final[dict[str, frozenset[str]]] = {
    "area": frozenset(),
    "br": frozenset(),
    "dl": frozenset(("dd", "dt")),
    "hr": frozenset(),
    "img": frozenset(),
    "map": frozenset(("area",)),
    "ol": frozenset(("li",)),
    "table": frozenset(("caption", "col", "colgroup", "tbody", "tfoot", "thead", "tr")),
    "tbody": frozenset(("tr",)),
    "tfoot": frozenset(("tr",)),
    "thead": frozenset(("tr",)),
    "tr": frozenset(("td", "th")),
    "ul": frozenset(("li",)),
}
"""Elements that hold nothing but these, and no text."""

_PARENTS: Final[dict[str, frozenset[str]]] = {
    child: frozenset(parent for parent, children in _CHILDREN.items() if child in children)
    for child in ("caption", "dd", "dt", "li", "tbody", "td", "tfoot", "th", "thead", "tr")
}
_ACTIVE: Final = ("javascript:", "vbscript:")
_LINKS: Final = frozenset(("href", "src", "cite", "longdesc", "usemap"))
_IDS: Final = frozenset(("id", "name"))

Kind = Literal["rules", "content", "form"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: ``line`` and ``column`` count from 1 within the narrative.

    ``rules`` are the elements and attributes that are allowed, and that it is XML at all (txt-1); ``content`` is that
    something can be seen (txt-2); ``form`` is the rest: one div of XHTML, in which elements have their places.
    """

    kind: Kind
    text: str
    line: int
    column: int


@dataclass(slots=True)
class Narrative:
    """What a narrative holds: ``anchors`` are its ids, ``links`` those that it points to, each with the first place."""

    faults: list[Fault] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    repeated: set[str] = field(default_factory=set)
    links: dict[str, tuple[int, int]] = field(default_factory=dict)


class _Refused(Exception):  # stops the parser, and never leaves this module
    pass


class _Reader:
    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text
        self.parser.ProcessingInstructionHandler = self.instruction
        self.found = Narrative()
        self.content = False
        self._open: list[str] = []
        self._roots = 0

    def fault(self, kind: Kind, text: str) -> None:
        if len(self.found.faults) < MAX_FAULTS:
            self.give_up(kind, text)

    def give_up(self, kind: Kind, text: str) -> None:
        """Note a fault that counts however many there are."""
        self.found.faults.append(Fault(kind, text, *self._place()))

    def _place(self) -> tuple[int, int]:
        line, column = self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber
        return line, column + 1 - (len(_BEFORE) if line == 1 else 0)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        around = self._open
        around.append(name)
        depth = len(around)
        if depth == 1:
            return  # the wrapper
        if depth > MAX_DEPTH + 1:
            raise _Refused(f"the elements are nested more than {MAX_DEPTH} levels deep")
        if depth == 2:
            self._root(name, attributes)
        allowed = ATTRIBUTES.get(name)
        if allowed is None:
            self.fault("rules", f"<{name}> is not allowed")
        else:
            self._check_place(name, around)
        if attributes:
            self._check_attributes(name, attributes, allowed)
        if name == "img":
            self.content = True

    def _root(self, name: str, attributes: dict[str, str]) -> None:
        self._roots += 1
        if name != "div" or self._roots > 1:
            self.fault(
                "form", f"a narrative is one <div>, not <{name}>" if name != "div" else "there is a second <div>"
            )
        if attributes.get("xmlns") != NAMESPACE:
            self.fault("form", f"the <{name}> has to be in the namespace {NAMESPACE}")

    def _check_place(self, name: str, around: list[str]) -> None:
        parent = around[-2]
        children, parents = _CHILDREN.get(parent), _PARENTS.get(name)
        if children is not None and name not in children:
            self.fault("form", f"<{name}> does not belong in <{parent}>")
        elif parents is not None and parent not in parents:
            self.fault("form", f"<{name}> belongs in <{'> or <'.join(sorted(parents))}>, not in <{parent}>")
        elif name in _BLOCKS and not _PARAGRAPHS.isdisjoint(around[:-1]):
            self.fault("form", f"<{name}> does not belong in a paragraph or a heading")
        elif name == "a" and "a" in around[:-1]:
            self.fault("form", "<a> does not belong in another <a>")

    def _check_attributes(self, name: str, attributes: dict[str, str], allowed: frozenset[str] | None) -> None:
        if allowed is not None and not attributes.keys() <= allowed:
            for attribute in attributes:
                if attribute not in allowed and not attribute.startswith("xmlns:"):
                    self.fault("rules", f"the attribute {attribute} of <{name}> is not allowed")
        if len(self._open) > 2 and attributes.get("xmlns", NAMESPACE) != NAMESPACE:
            self.fault("form", f"<{name}> has to be in the namespace {NAMESPACE}")
        for attribute in _LINKS.intersection(attributes):
            self._link(name, attribute, attributes[attribute])
        names = {attributes[key] for key in _IDS.intersection(attributes) if key == "id" or name in ("a", "map")}
        self.found.repeated |= names & self.found.anchors
        self.found.anchors |= names

    def _link(self, name: str, attribute: str, value: str) -> None:
        if "".join(value.split()).lower().startswith(_ACTIVE):
            self.fault("rules", f"the attribute {attribute} of <{name}> is a script")
        elif value.startswith("#") and len(value) > 1 and attribute in ("href", "src"):
            self.found.links.setdefault(value[1:], self._place())

    def end(self, _name: str) -> None:
        self._open.pop()

    def text(self, data: str) -> None:
        if data.isspace():
            return
        self.content = True
        if len(self._open) == 1:
            self.fault("form", "there is text outside of the <div>")
        elif self._open[-1] in _CHILDREN:
            self.fault("form", f"text does not belong in <{self._open[-1]}>")

    def instruction(self, target: str, _data: str) -> None:
        raise _Refused(f"the processing instruction {target} is not allowed")

    def finish(self) -> None:
        if not self._roots:
            self.give_up("form", "there is no <div>")
        if not self.content:
            self.give_up("content", "the narrative shows nothing")


_BEFORE: Final = "<narrative>"


@lru_cache(maxsize=8)  # several invariants ask about the same narrative, one after the other
def read(text: str) -> Narrative:
    """What a narrative holds, and all that is wrong with it; what it returns must not be changed."""
    reader = _Reader()
    if len(text) > MAX_LENGTH:
        reader.found.faults.append(Fault("rules", f"the narrative is longer than {MAX_LENGTH} characters", 1, 1))
        return reader.found
    try:
        reader.parser.Parse(f"{_BEFORE}{text}</narrative>", True)
        reader.finish()
    except expat.ExpatError as problem:
        reader.give_up("rules", f"it is not XML: {expat.ErrorString(problem.code)}")
    except (_Refused, UnicodeEncodeError) as problem:
        reader.give_up("rules", str(problem))
    return reader.found


def problem(text: str, *, rules: bool = True, content: bool = True) -> str | None:
    """What is wrong with a narrative, None if nothing is.

    ``rules`` looks at the elements and attributes, ``content`` for anything that can be seen: a text or an image. What
    is not XML has neither.
    """
    for fault in read(text).faults:
        if (fault.kind == "rules" and (rules or fault.text.startswith("it is not XML"))) or (
            fault.kind == "content" and content
        ):
            return fault.text
    return None
