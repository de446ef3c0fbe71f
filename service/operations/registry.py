"""The operations of this server (https://hl7.org/fhir/R5/operations.html): their definitions and their code.

The definitions are OperationDefinition resources of the registry's package; the routes, the OpenAPI description and the
capability statement follow from them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from service.interactions.engine import Engine
from service.operations import reindex
from service.registry.package import resources

Code = Callable[[Engine], Awaitable[bytes]]

CODE: Final[Mapping[str, Mapping[str, Code]]] = {
    "reindex": {"GET": reindex.status, "POST": reindex.start},
}
"""Operation -> method -> what is done."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation on the whole system."""

    code: str
    url: str
    title: str
    methods: Mapping[str, Code]


@cache
def operations() -> tuple[Operation, ...]:
    """Return all operations, sorted by code; KeyError where one is defined but not done."""
    defined = sorted(resources("OperationDefinition"), key=lambda each: str(each["code"]))
    return tuple(Operation(each["code"], each["url"], each["title"], CODE[each["code"]]) for each in defined)
