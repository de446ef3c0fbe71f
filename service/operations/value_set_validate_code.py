"""ValueSet $validate-code: https://hl7.org/fhir/R5/valueset-operation-validate-code.html."""

from __future__ import annotations

from service.errors import Invalid
from service.fhir.json import dumps
from service.operations.call import Call, answer
from service.operations.codings import Coding, coding_of, codings_of
from service.operations.elsewhere import ask_elsewhere, or_elsewhere
from service.operations.judging import Judged
from service.terminology.base import Verdict
from service.terminology.members import Members


async def validate_code(call: Call) -> bytes:
    """Return whether a code is in a value set."""
    return await or_elsewhere(call, _validate)


async def _validate(call: Call) -> bytes:
    inputs = call.inputs
    inputs.refuse("date", "context")
    call.check_supplements()
    form = inputs.exactly_one("code", "coding", "codeableConcept")
    for name in ("system", "systemVersion", "display", "inferSystem"):
        inputs.only_with(name, "code")
    inputs.only_with("systemVersion", "system")
    resource = await call.subject("url", "valueSet", "valueSetVersion")
    if resource is None:
        raise Invalid("A code is validated against a value set.", code="required", expression="url")
    members = call.terminology.members_of(resource)
    concept = inputs.one("codeableConcept")
    codings = _codings(call, form, members)
    name = resource.get("url") or "that was given"

    def judge(coding: Coding) -> Verdict:
        found = call.terminology.in_members(
            members,
            name,
            coding.system,
            coding.code,
            version=coding.version,
            display=coding.display,
            abstract=inputs.flag("abstract"),
        )
        member = members.find(coding.system, coding.code)
        if inputs.flag("activeOnly") and found.result and member is not None and member.concept.inactive:
            return Verdict(False, f"{coding.code!r} of {member.system.url} is not active.", found.display)
        return found

    judged = Judged([(coding, judge(coding)) for coding in codings], concept)
    if judged.result is None and (other := await ask_elsewhere(call)) is not None:
        return dumps(other)

    def version(coding: Coding) -> str | None:
        found = members.find(coding.system, coding.code)
        return found.system.version if found else None

    return answer(judged.parameters(version))


def _codings(call: Call, form: str, members: Members) -> list[Coding]:
    inputs = call.inputs
    if form == "codeableConcept":
        return codings_of(inputs.one(form), form)
    if form == "coding":
        coding = coding_of(inputs.one(form), form)
        if coding.system is None:
            raise Invalid(
                "A Coding is in a value set by its system and code.", code="required", expression="coding.system"
            )
        return [coding]
    code, system = inputs.one("code"), inputs.text("system")
    if system is None:
        if not inputs.flag("inferSystem"):
            raise Invalid("A code comes with its system.", code="required", expression="system")
        found = {each.system.url for each in members.of_code(code)}
        if len(found) > 1:
            raise Invalid(f"{code!r} is a code of {' and '.join(sorted(found))}.", expression="inferSystem")
        system = next(iter(found), None)
    return [Coding(code, system, inputs.text("systemVersion"), inputs.text("display"))]
