"""From the text of a resource to a change that a store can write: checked, indexed, open for its version."""

from __future__ import annotations

from dataclasses import dataclass

from service.errors import Invalid, Issue, TooLarge
from service.fhir.json import Document, open_body, parse
from service.fhir.references import is_id
from service.interactions.engine import Engine, Written
from service.store.base import Change, Committed, Method


@dataclass(frozen=True, slots=True)
class Prepared:
    """A change that can be written, and the warnings of its validation; ``tolerated`` though it is not valid."""

    change: Change
    warnings: tuple[Issue, ...]
    tolerated: bool

    def written(self, committed: Committed) -> Written:
        """Return what was written once it is."""
        return Written(committed.version, committed.effect, self.warnings, self.tolerated)


def parse_resource(engine: Engine, body: bytes, type_: str) -> Document:
    """Parse a resource of a type; raises :class:`Invalid` or :class:`TooLarge`."""
    check_size(engine, len(body))
    document = parse(body)
    found = document.data.get("resourceType")
    if found != type_:
        raise Invalid(
            f"The body's resourceType is {found!r}; this is the place for {type_}.", expression="resourceType"
        )
    return document


def check_size(engine: Engine, size: int) -> None:
    """Raise :class:`TooLarge` where the bytes of a resource are more than may be."""
    if size > engine.limits.resource_size:
        raise TooLarge(f"The resource has {size} bytes; the limit is {engine.limits.resource_size}.")


async def prepare(engine: Engine, document: Document, id_: str, method: Method) -> Prepared:
    """Return the change that gives ``id_`` this content, if the policy lets it in.

    Raises :class:`Unprocessable` with every problem of the resource at once.
    """
    if not is_id(id_):
        raise Invalid(f"{id_!r} is not a resource id: 1 to 64 letters, digits, - and .", expression="id")
    judged = await engine.policy.judge(document, engine.external)
    resource = judged.document.data
    change = Change(resource["resourceType"], id_, method, open_body(judged.document, id_), engine.rows(resource))
    return Prepared(change, judged.warnings, judged.tolerated)
