"""Pages of a search or a history, as their links carry them: sealed, so that nobody makes up a place.

A page says at which seq the first page was read and where it ended; so what is written in between neither moves nor
repeats an entry (https://hl7.org/fhir/R5/http.html#paging).
"""

from __future__ import annotations

from dataclasses import dataclass

from itsdangerous import BadData, URLSafeSerializer

from service.errors import Invalid
from service.interactions.engine import Engine


@dataclass(frozen=True, slots=True)
class Page:
    """A place in the results of one request: its seq, the last position shown, the total, and how many came before.

    ``total`` is None where matches were not counted.
    """

    seq: int
    position: int
    total: int | None
    shown: int = 0


def seal(engine: Engine, page: Page, scope: str) -> str:
    """Return the opaque text of a page of a request; ``scope`` is the request that it continues."""
    return _serializer(engine, scope).dumps([page.seq, page.position, page.total, page.shown])


def unseal(engine: Engine, text: str, scope: str) -> Page:
    """Return the page; raises :class:`Invalid` where it was altered or belongs to another request."""
    try:
        return Page(*_serializer(engine, scope).loads(text))
    except BadData:
        raise Invalid(
            "_page is not a page of this request: follow the links of a Bundle.", expression="_page"
        ) from None


def _serializer(engine: Engine, scope: str) -> URLSafeSerializer:
    return URLSafeSerializer(engine.store.secret, salt=scope)
