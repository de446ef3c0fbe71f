"""What belongs to a study, as it stood at one seq: for ``$everything`` and for the export of chosen studies.

It is what FHIR calls a record (https://hl7.org/fhir/R5/patient-operation-everything.html), of a study: the study, what
says that it is about the study, and whatever these refer to, directly or over others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from service.fhir.json import loads
from service.interactions.engine import Engine, existing
from service.search.query import Or, Query, Term
from service.store.base import Version

STUDY: Final = "ResearchStudy"
ABOUT: Final = (
    ("Composition", "subject"),
    ("DocumentReference", "subject"),
    ("Evidence", "study"),
    ("Group", "characteristic-reference"),
)
"""Type and search parameter of what belongs to a study because it refers to it."""
BEYOND: Final = frozenset({STUDY, "Patient", "RelatedPerson", "ResearchSubject"})
"""Types that no reference is followed to: another study, and who took part in one."""
_STEP: Final = 500

Key = tuple[str, str]


async def everything(engine: Engine, id_: str, seq: int, seen: set[Key]) -> list[Version]:
    """Return the study first and then what belongs to it, each once, in an order that is always the same at a seq.

    What is in ``seen`` is left out, with what it leads to, and what is returned is added: so many studies that share
    resources are gone through one by one. Raises :class:`NotFound` or :class:`Gone` where there is no such study.
    """
    study = existing(await engine.store.read(STUDY, id_, seq), STUDY, id_)
    latest = [each for each in (study, *await _about(engine, id_, seq)) if (each.type, each.id) not in seen]
    found = list(latest)
    seen.update((each.type, each.id) for each in found)
    while latest:
        keys = dict.fromkeys(key for each in latest for key in _named(engine, each) if key not in seen)
        seen.update(keys)
        known = await engine.store.read_many(list(keys), seq)
        latest = [known[key] for key in keys if key in known and known[key].json is not None]
        found += latest
    return found


async def _about(engine: Engine, id_: str, seq: int) -> list[Version]:
    parameters = [engine.catalogue.for_type(type_)[code] for type_, code in ABOUT]
    query = Query(
        tuple(type_ for type_, _ in ABOUT),
        Or(tuple(Term(parameter.key, f"{STUDY}/{id_}") for parameter in parameters)),
    )
    return [version async for page in engine.pages(query, seq, _STEP) for version in page]


def _named(engine: Engine, version: Version) -> Iterator[Key]:
    """Yield the resources of this server that a version refers to."""
    for text in _references(loads(version.json or b"{}")):
        literal = engine.local(text)
        if literal is not None and literal.type not in BEYOND:
            yield literal.type, literal.id


def _references(value: Any) -> Iterator[str]:  # noqa: ANN401  # any JSON value
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "reference" and isinstance(item, str):
                yield item
            else:
                yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)
