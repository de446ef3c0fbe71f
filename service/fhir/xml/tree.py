"""A bounded tree of XML elements, read with expat; a DTD, and with it every entity of one's own, is refused."""

from __future__ import annotations

import re
from typing import Final
from xml.parsers import expat

from service.errors import Invalid, TooLarge
from service.fhir.json import MAX_DEPTH
from service.fhir.xml.shape import FHIR, XHTML

_TAG: Final = re.compile(rb"</?[^\s/>]+(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
_OWN_NAMESPACE: Final = re.compile(rb"<div\s(?:[^>]*\s)?xmlns\s*=")


class Element:
    """An element of the FHIR namespace, or a narrative's ``div``, whose ``source`` is its text as it was written."""

    __slots__ = ("attributes", "children", "line", "name", "source")

    def __init__(self, name: str, attributes: dict[str, str], line: int) -> None:
        self.name = name
        self.attributes = attributes
        self.line = line
        self.children: list[Element] = []
        self.source: str | None = None


def parse(body: bytes) -> Element:
    """Return the root of a document in UTF-8.

    Raises :class:`Invalid` for what is not well-formed, not UTF-8, has a DTD or text where FHIR has none, with line and
    column; :class:`TooLarge` where it is nested too deeply.
    """
    return _Tree(body).read()


class _Tree:
    def __init__(self, body: bytes) -> None:
        self._body = body.removeprefix(b"\xef\xbb\xbf")
        self._parser = expat.ParserCreate("utf-8", " ")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._open: list[Element] = []
        self._root: Element | None = None
        self._narrative: tuple[int, int] | None = None  # depth and first byte of the div that is being read

    def read(self) -> Element:
        try:
            self._parser.Parse(self._body, True)
        except expat.ExpatError as problem:
            raise Invalid(f"The body is not well-formed XML in UTF-8: {problem}.", code="structure") from None
        assert self._root is not None  # noqa: S101  # a well-formed document has a root
        return self._root

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._narrative is not None:
            self._narrative = (self._narrative[0] + 1, self._narrative[1])
            if self._narrative[0] > MAX_DEPTH:
                raise _too_deep()
            return
        if len(self._open) >= MAX_DEPTH:
            raise _too_deep()
        namespace, _, local = name.rpartition(" ")
        element = Element(local, attributes, self._parser.CurrentLineNumber)
        if namespace == XHTML and local == "div" and self._open:
            self._narrative = (1, self._parser.CurrentByteIndex)
        elif namespace != FHIR:
            raise self._problem(f"<{local}> is not in the namespace {FHIR}")
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element
        self._open.append(element)

    def _end(self, name: str) -> None:
        del name
        if self._narrative is not None:
            depth, first = self._narrative
            self._narrative = (depth - 1, first) if depth > 1 else None
            if depth > 1:
                return
            last = _TAG.match(self._body, self._parser.CurrentByteIndex)
            source = self._body[first : last.end() if last else None]
            if _OWN_NAMESPACE.match(source) is None:
                raise self._problem("a narrative's div declares the XHTML namespace itself, as its default")
            self._open[-1].source = source.decode()
        self._open.pop()

    def _text(self, text: str) -> None:
        if self._narrative is None and text.strip():
            raise self._problem("there is text outside of a narrative; values are attributes")

    def _doctype(self, *_: object) -> None:
        raise self._problem("a document type declaration is not accepted")

    def _problem(self, text: str) -> Invalid:
        place = f"line {self._parser.CurrentLineNumber}, column {self._parser.CurrentColumnNumber + 1}"
        return Invalid(f"The XML is no resource: {text} ({place}).", code="structure")


def _too_deep() -> TooLarge:
    return TooLarge(f"The XML is nested more than {MAX_DEPTH} levels deep.", code="too-costly")
