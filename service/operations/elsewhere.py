"""What is not known here may be known to the terminology server that the settings name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from service.errors import RegistryError
from service.fhir.json import dumps
from service.operations.call import Call, Json

UNKNOWN: Final = frozenset({"not-found", "not-supported"})
"""Issue types of errors that say that something is not known here, rather than wrong."""


async def or_elsewhere(call: Call, own: Callable[[Call], Awaitable[bytes]]) -> bytes:
    """Return the answer that is found here, else that of the external server; raises what ``own`` does."""
    try:
        return await own(call)
    except RegistryError as problem:
        if not all(issue.code in UNKNOWN for issue in problem.issues):
            raise
        found = await ask_elsewhere(call)
        if found is None:
            raise
        return dumps(found)


async def ask_elsewhere(call: Call) -> Json | None:
    """Return what the external server answers to the same request, None where it does not or there is none.

    What is about a resource of this server is not for another one.
    """
    external = call.engine.external
    if external is None or call.id is not None or call.type is None:
        return None
    return await external.operation(call.type, call.inputs.code, call.inputs.given)
