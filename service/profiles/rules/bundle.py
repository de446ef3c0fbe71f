"""Bundles as a whole: https://hl7.org/fhir/R5/bundle.html.

The invariants bdl-* are checked like all others; these are the rules that the text makes: what a fullUrl says, which
links there are, and that a document or a message brings along what it is about
(https://hl7.org/fhir/R5/bundle.html#references, https://hl7.org/fhir/R5/documents.html#content).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeGuard

from service.fhir.references import parse_literal
from service.profiles.rules.uri import is_absolute
from service.profiles.run import SINGLE, Object, Run, Where, quoted

_RULE: Final = "bundle"

_PAGES: Final = frozenset(("first", "last", "next", "prev", "previous"))
"""Links between the pages of a result, which only a result has."""

_DIRECT: Final[dict[str, tuple[str, ...]]] = {
    "Composition": ("subject", "author", "encounter", "custodian", "attester.party", "event.detail.reference"),
    "MessageHeader": ("focus",),
}
"""The first entry of a document or message -> the references of it that the Bundle has to resolve."""

_OF_SECTION: Final = ("author", "focus", "entry")


def bundle(value: Object, where: Where, run: Run) -> None:
    """Check a Bundle as a whole."""
    kind = value.get("type")
    _check_links(value, kind, where, run)
    entries = _objects(value, "entry", where)
    for entry, there in entries:
        _check_full_url(entry, there, run)
    if kind in ("document", "message") and entries:
        _Closed(entries).check(run, is_document=kind == "document")


def _objects(owner: Object, name: str, where: Where) -> list[tuple[Object, Where]]:
    """The objects in an element, with their locations; whatever else is there is reported as a matter of structure."""
    value = owner.get(name)
    if isinstance(value, dict):
        return [(value, (where, name, SINGLE))]
    items = value if isinstance(value, list) else []
    return [(item, (where, name, index)) for index, item in enumerate(items) if isinstance(item, dict)]


def _check_links(value: Object, kind: object, where: Where, run: Run) -> None:
    known: set[str] = set()
    is_result = kind in ("searchset", "history")
    for link, there in _objects(value, "link", where):
        relation = link.get("relation")
        if not isinstance(relation, str) or (relation not in _PAGES and relation != "self"):
            continue
        if relation in _PAGES and not is_result:
            text = f"a Bundle of this type has no pages, so no link {quoted(relation)}"
            run.report("structure", _RULE, (there, "relation", SINGLE), text)
        elif relation in known:
            run.report("structure", _RULE, there, f"the link {quoted(relation)} can occur only once")
        known.add(relation)


def _check_full_url(entry: Object, where: Where, run: Run) -> None:
    url, resource = entry.get("fullUrl"), entry.get("resource")
    if not isinstance(url, str):
        return
    if not is_absolute(url):
        run.report("value", _RULE, (where, "fullUrl", SINGLE), f"a fullUrl is absolute, unlike {quoted(url)}")
    elif isinstance(resource, dict) and url.startswith(("http://", "https://")):
        named = parse_literal(url)
        own = (resource.get("resourceType"), resource.get("id"))
        if named is not None and (named.type, named.id) != own:
            text = f"{quoted(url)} is not the URL of {own[0]}/{own[1]}" if own[1] else "the resource has no id"
            run.report("value", _RULE, (where, "fullUrl", SINGLE), text)


class _Closed:
    """The entries of a document or a message, which refer to each other."""

    def __init__(self, entries: list[tuple[Object, Where]]):
        self._entries = entries
        self._by_url: dict[str, int] = {}
        self._by_identity: dict[tuple[str, str], int] = {}
        for index, (entry, _) in enumerate(entries):
            url, resource = entry.get("fullUrl"), entry.get("resource")
            if isinstance(url, str):
                self._by_url.setdefault(url, index)
            if isinstance(resource, dict):
                self._by_identity.setdefault((str(resource.get("resourceType")), str(resource.get("id"))), index)

    def check(self, run: Run, *, is_document: bool) -> None:
        """Report references that lead nowhere, and in a document the entries that nothing leads to."""
        first, first_where = self._entries[0]
        resource = first.get("resource")
        if not isinstance(resource, dict):
            return
        for reference, there in _direct(resource, (first_where, "resource", SINGLE)):
            text = reference.get("reference")
            if _leads_out(text) and self._find(text, first) is None and self._similar(text) is None:
                run.report("not-found", _RULE, (there, "reference", SINGLE), f"{quoted(text)} is not in the Bundle")
        targets = [self._targets(entry, there, run) for entry, there in self._entries]
        if is_document:
            self._report_unreachable(targets, run)

    def _targets(self, entry: Object, where: Where, run: Run) -> set[int]:
        """The entries that one refers to."""
        resource = entry.get("resource")
        found: set[int] = set()
        for reference, there in _references(resource, (where, "resource", SINGLE)) if resource else ():
            text = reference.get("reference")
            if not _leads_out(text):
                continue
            target = self._find(text, entry)
            if target is not None:
                found.add(target)
            elif self._similar(text) is not None:
                text = f"{quoted(text)} does not lead to the entry of that type and id, which has another fullUrl"
                run.report("invalid", _RULE, (there, "reference", SINGLE), text)
        return found

    def _find(self, text: str, source: Object) -> int | None:
        """The entry that a reference leads to: by its fullUrl, to which relative references are relative."""
        text = text.partition("#")[0]
        found = self._by_url.get(text)
        if found is not None or is_absolute(text):
            return found if found is not None else self._by_url.get(text.partition("/_history/")[0])
        named = parse_literal(text)
        own = source.get("fullUrl")
        base = parse_literal(own) if isinstance(own, str) else None
        if named is None or base is None or base.base is None:
            return None
        return self._by_url.get(f"{base.base}/{named.type}/{named.id}")

    def _similar(self, text: str) -> int | None:
        """The entry with the type and id of a relative reference."""
        named = parse_literal(text)
        return None if named is None or named.base is not None else self._by_identity.get((named.type, named.id))

    def _report_unreachable(self, targets: list[set[int]], run: Run) -> None:
        """documents.html#content: all is reached from the Composition, or refers to something that is."""
        reached = {0}
        while True:
            more = {target for index in reached for target in targets[index]} - reached
            more = more or {index for index in range(len(targets)) if targets[index] & reached} - reached
            if not more:
                break
            reached |= more
        for index, (_, where) in enumerate(self._entries):
            if index not in reached:
                run.report("invalid", _RULE, where, "the Composition does not lead to this entry")


def _leads_out(text: Any) -> TypeGuard[str]:  # noqa: ANN401  # any JSON value
    """Whether this is the text of a reference to another resource."""
    return isinstance(text, str) and not text.startswith("#")


def _direct(resource: Object, where: Where) -> Iterator[tuple[Object, Where]]:
    """The references of the first entry that have to be resolved."""
    for path in _DIRECT.get(str(resource.get("resourceType")), ()):
        found = [(resource, where)]
        for name in path.split("."):
            found = [below for item, there in found for below in _objects(item, name, there)]
        yield from found
    waiting = _objects(resource, "section", where)
    while waiting:
        section, at = waiting.pop(0)
        for name in _OF_SECTION:
            yield from _objects(section, name, at)
        waiting.extend(_objects(section, "section", at))


def _references(value: object, where: Where) -> Iterator[tuple[Object, Where]]:
    """All references in a resource."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value, where
        for name, child in value.items():
            if isinstance(child, dict):
                yield from _references(child, (where, name, SINGLE))
            elif isinstance(child, list):
                for index, item in enumerate(child):
                    yield from _references(item, (where, name, index))
