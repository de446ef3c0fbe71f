"""From a resource to its index rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from service.search.parameters import Parameter, parameters_for
from service.search.rows import Row
from service.search.types import token


def rows(resource: dict[str, Any]) -> tuple[Row, ...]:
    """Return the index rows of a valid resource, each once."""
    found: dict[Row, None] = {}
    for parameter in _indexed(resource["resourceType"]):
        for path in parameter.paths:
            for value in _values(resource, path):
                found.update(dict.fromkeys(token.extract(parameter.key, value, parameter.implied_system)))
    return tuple(found)


@cache
def _indexed(type_: str) -> tuple[Parameter, ...]:
    return tuple(parameter for parameter in parameters_for(type_).values() if parameter.paths)


def _values(node: Any, path: tuple[str, ...]) -> Iterator[Any]:  # noqa: ANN401  # any JSON value
    if isinstance(node, list):
        for item in node:
            yield from _values(item, path)
    elif not path:
        if node is not None:
            yield node
    elif isinstance(node, dict) and path[0] in node:
        yield from _values(node[path[0]], path[1:])
