"""Operations as entries of a Bundle: the same code as below the FHIR base, with a path instead of a route."""

from __future__ import annotations

from service.errors import NotFound
from service.fhir.json import dumps
from service.interactions.engine import Engine
from service.interactions.entries import Step
from service.operations.call import Call
from service.operations.registry import ANY, Operation, operations


class EntryOperations:
    """What :class:`service.interactions.entry_reads.Operations` asks for."""

    def affects_state(self, step: Step) -> bool:
        """Whether what is asked for may change the registry; raises :class:`NotFound` where there is no such thing."""
        return _find(step).affects_state and step.verb == "POST"

    async def invoke(self, engine: Engine, step: Step, base: str) -> bytes:
        """Do it, and return the resource that it comes to; raises what the operation raises."""
        operation = _find(step)
        inputs = operation.inputs(step.type, step.id)
        inputs.take_pairs(step.criteria)
        if step.resource is not None:
            inputs.take_body(dumps(step.resource))
        return await operation.methods[step.verb](Call(engine, inputs, step.type, step.id, base))


def _find(step: Step) -> Operation:
    """Return the operation of an entry, one of its own type before one of every type."""
    level = "instance" if step.id is not None else "type" if step.type is not None else "system"
    code = step.segments[-1].removeprefix("$")
    for wanted in (step.type, ANY):
        for each in operations():
            fits = each.code == code and level in each.levels and step.verb in each.methods
            if fits and (level == "system" or wanted in each.types):
                return each
    raise NotFound(f"There is no operation ${code} here, or none at this place.", code="not-supported")
