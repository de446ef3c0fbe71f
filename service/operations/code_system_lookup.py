"""CodeSystem $lookup: https://hl7.org/fhir/R5/codesystem-operation-lookup.html."""

from __future__ import annotations

from service.errors import Invalid, NotFound
from service.operations.call import Call, answer
from service.operations.codings import Coding, coding_of, system_of
from service.operations.elsewhere import or_elsewhere
from service.terminology import lookup as answers


async def lookup(call: Call) -> bytes:
    """Return what is known of a code; raises :class:`NotFound` for a code or a system that is not known."""
    return await or_elsewhere(call, _lookup)


async def _lookup(call: Call) -> bytes:
    inputs = call.inputs
    inputs.refuse("date")
    call.check_supplements()
    form = inputs.exactly_one("code", "coding")
    inputs.only_with("system", "code")
    inputs.only_with("version", "code")
    if form == "coding":
        coding = coding_of(inputs.one("coding"), "coding")
    else:
        coding = Coding(inputs.one("code"), inputs.text("system"), inputs.text("version"))
    if coding.system is None and call.id is None:
        raise Invalid("A code is looked up in a system.", code="required", expression="system")
    system = await system_of(call, coding)
    concept = system.find(coding.code)
    if concept is None and system.grammar is not None and system.has(coding.code):
        concept = system.concept(coding.code)
    if concept is None:
        if system.has(coding.code) is False:
            raise NotFound(
                f"{coding.code!r} is not a code of {system.url}.", code="code-invalid", expression=coding.where
            )
        raise NotFound(
            f"Only a part of {system.url} is known here, and {coding.code!r} is not in it.", expression=coding.where
        )
    return answer(answers.lookup(system, concept, inputs.every("property"), inputs.text("displayLanguage") or ""))
