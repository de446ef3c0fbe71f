"""From the text of a resource to a change that a store can write: checked, indexed, open for its version."""

from __future__ import annotations

from service.errors import Invalid, Issue, TooLarge, Unprocessable
from service.fhir.json import Document, open_body, parse
from service.fhir.references import is_id
from service.interactions.engine import Engine
from service.store.base import Change, Method

FATAL = frozenset({"fatal", "error"})


def parse_resource(engine: Engine, body: bytes, type_: str) -> Document:
    """Parse a resource of a type; raises :class:`Invalid` or :class:`TooLarge`."""
    if len(body) > engine.limits.resource_size:
        raise TooLarge(f"The resource has {len(body)} bytes; the limit is {engine.limits.resource_size}.")
    document = parse(body)
    found = document.data.get("resourceType")
    if found != type_:
        raise Invalid(
            f"The body's resourceType is {found!r}; this is the place for {type_}.", expression="resourceType"
        )
    return document


def prepare(engine: Engine, document: Document, id_: str, method: Method) -> tuple[Change, tuple[Issue, ...]]:
    """Return the change that gives ``id_`` this content, with the warnings of its validation.

    Raises :class:`Unprocessable` with every problem of the resource at once.
    """
    if not is_id(id_):
        raise Invalid(f"{id_!r} is not a resource id: 1 to 64 letters, digits, - and .", expression="id")
    issues = tuple(engine.check(document.data))
    if any(issue.severity in FATAL for issue in issues):
        raise Unprocessable(issues)
    resource = document.data
    return Change(resource["resourceType"], id_, method, open_body(document, id_), engine.rows(resource)), issues
