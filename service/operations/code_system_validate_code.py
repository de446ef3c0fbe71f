"""CodeSystem $validate-code: https://hl7.org/fhir/R5/codesystem-operation-validate-code.html."""

from __future__ import annotations

from service.errors import Invalid
from service.fhir.json import dumps
from service.operations.call import Call, answer, versioned
from service.operations.codings import Coding, coding_of, codings_of
from service.operations.elsewhere import ask_elsewhere, or_elsewhere
from service.operations.judging import Judged
from service.terminology.base import Verdict
from service.terminology.code_system import System


async def validate_code(call: Call) -> bytes:
    """Return whether a code is one of a code system's."""
    return await or_elsewhere(call, _validate)


async def _validate(call: Call) -> bytes:
    inputs = call.inputs
    inputs.refuse("date")
    form = inputs.exactly_one("code", "coding", "codeableConcept")
    inputs.only_with("display", "code")
    resource = await call.subject("url", "codeSystem", "version")
    concept = inputs.one("codeableConcept")
    match form:
        case "code":
            codings = [Coding(inputs.one("code"), None, None, inputs.text("display"))]
        case "coding":
            codings = [coding_of(inputs.one("coding"), "coding")]
        case _:
            codings = codings_of(concept, "codeableConcept")
    if resource is not None:
        system = call.terminology.system_of(resource)
        known = {system.url: system}
        codings = [Coding(e.code, e.system or system.url, e.version, e.display, e.where) for e in codings]
    else:
        known = {}
        if any(coding.system is None for coding in codings):
            raise Invalid("A code is validated in a system.", code="required", expression="url")

    def judge(coding: Coding) -> Verdict:
        chosen = known.get(coding.system or "") or call.terminology.system(coding.system or "", coding.version)
        if resource is not None and coding.system not in known:
            return Verdict(False, f"The code is of {coding.system}, and this is {next(iter(known))}.")
        return _in_system(chosen, coding, call, abstract=inputs.flag("abstract", default=True))

    judged = Judged([(coding, judge(coding)) for coding in codings], concept)
    if judged.result is None and (other := await ask_elsewhere(call)) is not None:
        return dumps(other)

    def version(coding: Coding) -> str | None:
        found = known.get(coding.system or "") or call.terminology.system(coding.system or "", coding.version)
        return found.version if found else None

    return answer(judged.parameters(version))


def _in_system(system: System | None, coding: Coding, call: Call, *, abstract: bool) -> Verdict:
    url = coding.system or ""
    if system is None:
        return Verdict(None, f"The code system {versioned(url, coding.version, 'version')} is not known here.")
    if coding.version and system.version not in (None, coding.version):
        return Verdict(None, f"Version {coding.version} of {url} is not known here.")
    found = call.terminology.in_system(system, coding.code, coding.display)
    concept = system.find(coding.code)
    if not abstract and concept is not None and concept.abstract:
        return Verdict(False, f"{coding.code!r} of {url} is abstract: it only groups others.", found.display)
    return found
