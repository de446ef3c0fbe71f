"""A record of ClinicalTrials.gov's API v2, read so that every value which was read is known afterwards.

https://clinicaltrials.gov/data-api/api describes the record. A value is a leaf of its JSON; its place is the path that
leads there (``protocolSection.designModule.phases[0]``). Builders read values through :class:`Node` only: what they
have read is in FHIR, and what nobody has read is told as not mapped (``account.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final, TypeVar

from service.errors import Issue, Unprocessable

T = TypeVar("T")
_MISSING: Final = object()


class Log:
    """Which values of one record have been read, and whether for more than the ResearchStudy and its sites."""

    def __init__(self) -> None:
        self.elsewhere: dict[str, bool] = {}
        self.problems: list[Issue] = []
        self._elsewhere = True

    def read(self, path: str) -> None:
        """Note that the value at a path has been read."""
        self.elsewhere[path] = self.elsewhere.get(path, False) or self._elsewhere

    def wrong(self, path: str, words: str) -> None:
        """Note that something at a path is not what the API describes."""
        self.problems.append(Issue("error", "structure", f"{path}: {words}", (path,), "ctgov"))

    @contextmanager
    def for_study(self) -> Iterator[None]:
        """What is read meanwhile goes into the ResearchStudy or what only it refers to."""
        self._elsewhere = False
        try:
            yield
        finally:
            self._elsewhere = True


class Node:
    """An object of a record; one that is missing reads as empty."""

    __slots__ = ("log", "path", "value")

    def __init__(self, value: dict[str, Any], path: str, log: Log) -> None:
        self.value, self.path, self.log = value, path, log

    def __bool__(self) -> bool:
        return bool(self.value)

    def place(self, name: str) -> str:
        """The path of a member."""
        return f"{self.path}.{name}" if self.path else name

    def at(self, *names: str) -> Node:
        """The object below these names."""
        node = self
        for name in names:
            path = node.place(name)
            found = node.value.get(name, {})
            if not isinstance(found, dict):
                self.log.wrong(path, "is not an object")
                found = {}
            node = Node(found, path, self.log)
        return node

    def each(self, name: str) -> list[Node]:
        """The objects of a list."""
        found = self.value.get(name, [])
        path = self.place(name)
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            self.log.wrong(path, "is not a list of objects")
            return []
        return [Node(item, f"{path}[{index}]", self.log) for index, item in enumerate(found)]

    def peek(self, name: str) -> str | None:
        """A value as text, without reading it."""
        found = self.value.get(name, _MISSING)
        if found is _MISSING or found is None:
            return None
        if isinstance(found, bool):
            return "true" if found else "false"
        if isinstance(found, (str, int, Decimal)):
            # FHIR has no string that is only white space, https://hl7.org/fhir/R5/datatypes.html#string
            return str(found).strip() or None
        self.log.wrong(self.place(name), "is not a single value")
        return None

    def read(self, name: str) -> str | None:
        """A value as text."""
        found = self.peek(name)
        if found is not None:
            self.log.read(self.place(name))
        return found

    def flag(self, name: str) -> bool | None:
        """A value that is true or false."""
        return self.code(name, {"true": True, "false": False})

    def count(self, name: str) -> int | None:
        """A value that is a whole number and not negative; any other is left unread."""
        found = self.peek(name)
        if found is None or not (found.isascii() and found.isdigit()) or len(found) > 9:
            return None
        self.log.read(self.place(name))
        return int(found)

    def decimal(self, name: str) -> Decimal | None:
        """A value that is a JSON number; any other is left unread."""
        found = self.value.get(name)
        if isinstance(found, bool) or not isinstance(found, (int, Decimal)):
            return None
        self.log.read(self.place(name))
        return Decimal(str(found))

    def code(self, name: str, known: Mapping[str, T]) -> T | None:
        """What a value stands for; one that nothing is known of is left unread."""
        found = self.peek(name)
        if found is None or found not in known:
            return None
        self.log.read(self.place(name))
        return known[found]

    def texts(self, name: str) -> list[str]:
        """The texts of a list."""
        return [text for text, _ in self._listed(name, known=None)]

    def links(self, name: str, known: Mapping[str, T]) -> list[T]:
        """What the texts of a list stand for; one that stands for nothing is left unread."""
        return [known[text] for text, _ in self._listed(name, known)]

    def _listed(self, name: str, known: Mapping[str, T] | None) -> Iterator[tuple[str, str]]:
        path = self.place(name)
        found = self.value.get(name, [])
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            self.log.wrong(path, "is not a list of texts")
            return
        for index, item in enumerate(found):
            text = item.strip()
            if text and (known is None or text in known):
                self.log.read(f"{path}[{index}]")
                yield text, path


def open_record(data: dict[str, Any]) -> Node:
    """The record as a node; raises :class:`Unprocessable` where it is none."""
    log = Log()
    root = Node(data, "", log)
    nct = root.at("protocolSection", "identificationModule").peek("nctId")
    where = "protocolSection.identificationModule.nctId"
    if nct is None:
        raise Unprocessable("This is no record of ClinicalTrials.gov's API v2: it has no nctId.", expression=where)
    if len(nct) != 11 or not nct.startswith("NCT") or not nct[3:].isdigit() or not nct.isascii():
        raise Unprocessable(f"{nct[:40]!r} is not an NCT number.", expression=where)
    return root


def leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield the place of every value of a record, with the value, in document order; null and white space are none."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    elif value is not None and not (isinstance(value, str) and not value.strip()):
        yield path, value
