"""References that are to name the version that they resolve to: the extension resolve-as-version-specific.

https://hl7.org/fhir/extensions/StructureDefinition-resolve-as-version-specific.html. In a transaction that is the
version which the target has once everything is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from service.errors import Unprocessable
from service.fhir.json import open_body, parse
from service.interactions.engine import Engine
from service.store.base import Change, Guard, Version, VersionIs

URL: Final = "http://hl7.org/fhir/StructureDefinition/resolve-as-version-specific"

Key = tuple[str, str]


def marked(engine: Engine, resource: Any) -> Iterator[Key]:  # noqa: ANN401  # any JSON value
    """Yield the resources of this server whose version is asked for."""
    if isinstance(resource, dict):
        if (key := _key(engine, resource)) is not None:
            yield key
        for item in resource.values():
            yield from marked(engine, item)
    elif isinstance(resource, list):
        for item in resource:
            yield from marked(engine, item)


def pinned(engine: Engine, resource: Any, versions: Mapping[Key, int]) -> Any:  # noqa: ANN401  # any JSON value
    """Return the same with these versions in the references that ask for one."""
    if isinstance(resource, list):
        return [pinned(engine, item, versions) for item in resource]
    if not isinstance(resource, dict):
        return resource
    found = {name: pinned(engine, item, versions) for name, item in resource.items()}
    if (key := _key(engine, resource)) is not None:
        found["reference"] = f"{resource['reference']}/_history/{versions[key]}"
    return found


class Targets:
    """What references ask for the version of, as it is before the transaction."""

    def __init__(self, current: Mapping[Key, Version], keys: Sequence[Key]) -> None:
        self.keys = keys
        self._current = current
        self._changed: set[Key] = set()

    @property
    def guards(self) -> list[Guard]:
        """Return the guards that it is still so when the transaction is written."""
        found = ((key, self._current.get(key)) for key in self.keys)
        return [VersionIs(*key, None if each is None or each.json is None else each.version) for key, each in found]

    def versions(self) -> dict[Key, int]:
        """Return the version of each target once the transaction is written, as far as is known by now."""
        return {key: self._before(key) + (key in self._changed) for key in self.keys}

    def check(self, keys: Sequence[Key], changes: Sequence[Change]) -> None:
        """Raise :class:`Unprocessable` for a target that is not there once these changes are written."""
        written = {(change.type, change.id): change.body is not None for change in changes}
        for key in keys:
            current = self._current.get(key)
            if not written.get(key, current is not None and current.json is not None):
                raise Unprocessable(f"{'/'.join(key)} has no version that a reference could name.", code="not-found")

    def learn(self, changes: Sequence[Change]) -> bool:
        """Note which targets these changes give a new version, and return whether that is news.

        A target that has been found to change stays one, so that this comes to an end.
        """
        written = {(change.type, change.id): change.body for change in changes}
        known = len(self._changed)
        for key in self.keys:
            body = written.get(key)
            if body is not None and body.digest != self._digest(key):
                self._changed.add(key)
        return len(self._changed) > known

    def _before(self, key: Key) -> int:
        current = self._current.get(key)
        return 0 if current is None else current.version

    def _digest(self, key: Key) -> bytes | None:
        current = self._current.get(key)
        return None if current is None or current.json is None else open_body(parse(current.json), key[1]).digest


def _key(engine: Engine, value: dict[str, Any]) -> Key | None:
    """The target of a Reference that asks for its version and does not name one."""
    text, extensions = value.get("reference"), value.get("extension")
    if not isinstance(text, str) or not isinstance(extensions, list) or "#" in text:
        return None
    if not any(isinstance(each, dict) and each.get("url") == URL and each.get("valueBoolean") for each in extensions):
        return None
    literal = engine.local(text)
    return None if literal is None or literal.version is not None else (literal.type, literal.id)
