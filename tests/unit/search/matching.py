"""What a resource is asked in the tests: a parameter and its text, against the rows of the resource."""

from __future__ import annotations

from typing import Any

from service.search import matching
from service.search.index import rows
from service.search.parameters import Catalogue
from service.search.query import Not, Predicate
from service.search.rows import Row
from service.search.types import ANYWHERE, NEGATED, Context, missing, predicate

CATALOGUE = Catalogue()


def asked(type_: str, name: str, text: str, context: Context = ANYWHERE, catalogue: Catalogue = CATALOGUE) -> Predicate:
    """The predicate of ``name=text``, with modifiers, without alternatives."""
    code, colon, modifier = name.partition(":")
    parameter = catalogue.for_type(type_)[code]
    if modifier == "missing":
        return missing(parameter, text, name)
    found = predicate(parameter, modifier if colon else None, text, name, context)
    return Not(found) if modifier in NEGATED else found


def matches(
    resource: dict[str, Any], name: str, text: str, context: Context = ANYWHERE, catalogue: Catalogue = CATALOGUE
) -> bool:
    """Whether a resource matches ``name=text``."""
    question = asked(resource["resourceType"], name, text, context, catalogue)
    return holds(question, rows(resource, catalogue, context.bases))


def holds(question: Predicate, found: tuple[Row, ...]) -> bool:
    """Whether rows of a resource fulfil a predicate that is about nothing else."""
    return matching.holds(question, "", "", found)
