"""CodeSystem $subsumes: https://hl7.org/fhir/R5/codesystem-operation-subsumes.html."""

from __future__ import annotations

from service.errors import Invalid, NotFound, Unprocessable
from service.operations.call import Call, answer
from service.operations.codings import Coding, coding_of, system_of
from service.operations.elsewhere import or_elsewhere
from service.terminology.code_system import System


async def subsumes(call: Call) -> bytes:
    """Return how two codes of one system lie to each other: equivalent, subsumes, subsumed-by or not-subsumed."""
    return await or_elsewhere(call, _subsumes)


async def _subsumes(call: Call) -> bytes:
    inputs = call.inputs
    one, other = _code(call, "A"), _code(call, "B")
    inputs.only_with("system", "codeA", "codeB")
    inputs.only_with("version", "system")
    if one.system is None and call.id is None:
        raise Invalid("Codes are compared in a system.", code="required", expression="system")
    if one.system != other.system and None not in (one.system, other.system):
        raise Invalid(f"{one.system} and {other.system} are two systems.", expression=other.where)
    system = await system_of(call, one)
    for coding in (one, other):
        if system.has(coding.code) is False:
            raise NotFound(
                f"{coding.code!r} is not a code of {system.url}.", code="code-invalid", expression=coding.where
            )
    return answer([{"name": "outcome", "valueCode": _outcome(system, one.code, other.code)}])


def _code(call: Call, which: str) -> Coding:
    inputs = call.inputs
    name = inputs.exactly_one(f"code{which}", f"coding{which}")
    if name == f"coding{which}":
        return coding_of(inputs.one(name), name)
    return Coding(inputs.one(name), inputs.text("system"), inputs.text("version"), where=name)


def _outcome(system: System, one: str, other: str) -> str:
    if system.key(one) == system.key(other):
        return "equivalent"
    down, up = system.subsumes(one, other), system.subsumes(other, one)
    if down is None or up is None:
        raise Unprocessable(
            f"How {one!r} and {other!r} of {system.url} lie to each other is not known here.", code="not-supported"
        )
    if down:
        return "subsumes"
    return "subsumed-by" if up else "not-subsumed"
