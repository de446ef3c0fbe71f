"""What every interaction works with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from service.errors import Gone, Issue, NotFound
from service.fhir.references import Literal, parse_literal
from service.interactions.conformance import TYPES, Conformance
from service.interactions.definitions import TYPE
from service.interactions.parameters import Parameters
from service.interactions.policy import Policy
from service.search.index import rows
from service.search.parameters import Catalogue
from service.search.query import Query
from service.search.rows import Row
from service.search.types import Context
from service.store.base import MAX_RESOURCE_SIZE, Change, Committed, Effect, Guard, Restored, Store, Version
from service.terminology.external import External


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of single requests: bytes of a resource, entries of a page, resources of one conditional delete."""

    resource_size: int = MAX_RESOURCE_SIZE
    page: int = 20
    largest_page: int = 1000
    conditional_delete: int = 1


@dataclass(frozen=True, slots=True)
class Engine:
    """A store with the rules of what goes into it.

    ``policy`` says which resources are let in; ``parameters`` are the search parameters there are, ``conformance`` the
    profiles and the terminology, ``external`` a terminology server that may know more. ``bases`` are the FHIR base
    URLs that are this server's own.
    """

    store: Store
    parameters: Parameters
    policy: Policy
    limits: Limits = Limits()
    bases: tuple[str, ...] = ()
    conformance: Conformance = field(kw_only=True)
    external: External | None = None

    @property
    def catalogue(self) -> Catalogue:
        """The search parameters that can be searched by."""
        return self.parameters.searchable

    @property
    def context(self) -> Context:
        """Where what is asked is asked."""
        return Context(self.bases, terminology=self.conformance.terminology)

    def rows(self, resource: dict[str, Any]) -> tuple[Row, ...]:
        """Return the index rows of a valid resource."""
        return rows(resource, self.parameters.indexed, self.bases)

    async def commit(self, changes: Sequence[Change], guards: Sequence[Guard]) -> list[Committed]:
        """Commit; what the changes define is known when it returns. Raises what :meth:`Parameters.commit` does."""
        committed = await self.parameters.commit(changes, guards, self.bases)
        if any(change.type in TYPES for change in changes):
            await self.conformance.refresh(now=True)
        return committed

    async def restore(self, versions: Sequence[Restored]) -> int:
        """Write versions of another registry as they are there; what they define is known when it returns.

        Returns how many are new; raises what :meth:`Store.restore` does.
        """
        number = await self.store.restore(versions)
        types = {each.change.type for each in versions}
        if TYPE in types:
            await self.parameters.refresh(now=True)
        if not types.isdisjoint(TYPES):
            await self.conformance.refresh(now=True)
        return number

    def local(self, reference: object) -> Literal | None:
        """Return the place on this server that a text refers to; None where it leads elsewhere, or is no such text."""
        literal = parse_literal(reference) if isinstance(reference, str) else None
        return literal if literal is not None and (literal.base is None or literal.base in self.bases) else None

    async def pages(self, query: Query, seq: int, size: int) -> AsyncIterator[list[Version]]:
        """Yield all that a query matches at a seq, so many at once."""
        page = await self.store.search(query, seq, limit=size)
        while page:
            yield page
            if len(page) < size:  # there are no more
                return
            page = await self.store.search(query, seq, after=page[-1].position, limit=size)

    def at(self, base: str) -> Engine:
        """Return the engine as it is known under one more base URL: that of the request."""
        return self if base in self.bases else replace(self, bases=(*self.bases, base))


@dataclass(frozen=True, slots=True)
class Written:
    """What a write did: the version that is now current (None where a deletion found nothing).

    ``tolerated``: it is not valid, and stored all the same; its errors are among the ``warnings``.
    """

    version: Version | None
    effect: Effect
    warnings: tuple[Issue, ...] = ()
    tolerated: bool = False


def existing(version: Version | None, type_: str, id_: str) -> Version:
    """Return a version that has content; raises :class:`NotFound`, or :class:`Gone` for a deletion."""
    if version is None:
        raise NotFound(f"{type_}/{id_} is not known here.")
    if version.json is None:
        raise Gone(f"{type_}/{id_} was deleted on {version.last_updated} (version {version.version}).")
    return version
