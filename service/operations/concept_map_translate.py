"""ConceptMap $translate: https://hl7.org/fhir/R5/conceptmap-operation-translate.html."""

from __future__ import annotations

from typing import Final

from service.errors import Invalid
from service.fhir.json import dumps
from service.operations.call import Call, Json, answer
from service.operations.codings import coding_of, codings_of
from service.operations.elsewhere import ask_elsewhere, or_elsewhere
from service.operations.inputs import Inputs
from service.terminology.translation import Coded, Match, Translator, Wanted

_FORWARDS: Final = ("sourceCode", "sourceCoding", "sourceCodeableConcept")
_BACKWARDS: Final = ("targetCode", "targetCoding", "targetCodeableConcept")


async def translate(call: Call) -> bytes:
    """Return the translations of a code by one map, or by all maps from and to what is asked for."""
    return await or_elsewhere(call, _translate)


async def _translate(call: Call) -> bytes:
    inputs = call.inputs
    form = inputs.exactly_one(*_FORWARDS, *_BACKWARDS)
    inputs.only_with("system", "sourceCode", "targetCode")
    inputs.only_with("version", "system")
    wanted = Wanted(
        _codes(inputs, form),
        reverse=form in _BACKWARDS,
        target_system=inputs.text("targetSystem"),
        dependencies={each.get("attribute", ""): each.get("value") for each in inputs.every("dependency")},
    )
    one = await call.subject("url", "conceptMap", "conceptMapVersion")
    maps = [one] if one is not None else _maps(call)
    terminology, library = call.terminology, call.engine.conformance.library
    translator = Translator(
        lambda canonical: library.find("ConceptMap", canonical),
        lambda value_set, system, code: terminology.in_value_set(value_set, system, code).result,
    )
    found: dict[str, Match] = {}
    for each in maps:
        for match in translator.matches(each, wanted):
            found.setdefault(repr(match.part), match)
    result = any(match.found for match in found.values())
    if not found and (other := await ask_elsewhere(call)) is not None:
        return dumps(other)
    parameters: list[Json] = [{"name": "result", "valueBoolean": result}]
    if not result:
        shown = ", ".join(repr(each.code) for each in wanted.codes)
        parameters.append({"name": "message", "valueString": f"There is no translation of {shown} here."})
    return answer([*parameters, *(match.part for match in found.values())])


def _codes(inputs: Inputs, form: str) -> list[Coded]:
    if form.endswith("Code"):
        system = inputs.text("system")
        if system is None:
            raise Invalid(f"{form} comes with its system.", code="required", expression="system")
        return [Coded(inputs.one(form), system, inputs.text("version"))]
    value = inputs.one(form)
    codings = [coding_of(value, form)] if form.endswith("Coding") else codings_of(value, form)
    return [Coded(each.code, each.system, each.version) for each in codings]


def _maps(call: Call) -> list[Json]:
    """Return the maps between the scopes that are asked for, where no map is named."""
    inputs = call.inputs
    scopes = {end: inputs.text(f"{end}Scope") for end in ("source", "target")}
    if not any(scopes.values()) and inputs.text("targetSystem") is None:
        raise Invalid("$translate needs a map, scopes or a target system.", code="required", expression="url")
    return [each for each in call.engine.conformance.library.of_type("ConceptMap") if _fits(each, scopes)]


def _fits(concept_map: Json, scopes: dict[str, str | None]) -> bool:
    for end, wanted in scopes.items():
        scope = concept_map.get(f"{end}ScopeUri") or concept_map.get(f"{end}ScopeCanonical") or ""
        if wanted is not None and scope.partition("|")[0] != wanted.partition("|")[0]:
            return False
    return True
