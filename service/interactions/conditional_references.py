"""References of a transaction that are searches (https://hl7.org/fhir/R5/http.html#trules).

They are resolved after everything is written, so they see the registry as the transaction leaves it: what it creates
can be found, what it deletes cannot, and what it updates is found by its new content.
"""

from __future__ import annotations

from collections.abc import Sequence

from service.errors import PreconditionFailed
from service.interactions.conditions import matches
from service.interactions.engine import Engine
from service.search.matching import holds
from service.search.parse import Pairs, parse_criteria
from service.store.base import Change, Guard


async def resolve(engine: Engine, type_: str, criteria: Pairs, changes: Sequence[Change]) -> tuple[str, Guard]:
    """Return the reference to the one resource that meets the criteria once the changes are made.

    With it comes the guard that the registry is still as it was for this. Raises :class:`PreconditionFailed` where
    none or several meet them, and :class:`NotSupported` for criteria that cannot be asked of what is written just now.
    """
    query = parse_criteria(engine.catalogue, type_, criteria, engine.context)
    written = {change.id: change for change in changes if change.type == type_}
    # Two that the transaction leaves alone are too many already; so these are all that there are, or enough of them.
    stored = await engine.store.search(query, limit=len(written) + 2)
    found = [version.id for version in stored if version.id not in written]
    found += [
        change.id
        for change in written.values()
        if change.body is not None and holds(query.where, type_, change.id, change.rows)
    ]
    if len(found) > 1:
        raise PreconditionFailed(f"More than one {type_} meets the criteria.", code="multiple-matches")
    if not found:
        raise PreconditionFailed(f"No {type_} meets the criteria.", code="not-found")
    return f"{type_}/{found[0]}", matches(query, *stored)
