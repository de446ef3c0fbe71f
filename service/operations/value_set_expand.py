"""ValueSet $expand: https://hl7.org/fhir/R5/valueset-operation-expand.html."""

from __future__ import annotations

from typing import Final

from service.errors import Invalid
from service.fhir.json import dumps
from service.operations.call import Call
from service.operations.elsewhere import or_elsewhere
from service.operations.inputs import Inputs
from service.terminology import expansion
from service.terminology.compose import Versions

_ABOUT_THE_SET: Final = frozenset({"url", "valueSet", "valueSetVersion"})


async def expand(call: Call) -> bytes:
    """Return the value set with its expansion."""
    return await or_elsewhere(call, _expand)


async def _expand(call: Call) -> bytes:
    inputs = call.inputs
    inputs.refuse("date", "context", "contextDirection")
    call.check_supplements()
    asked = _asked(inputs)
    versions = Versions(*(_versions(inputs, f"{name}system-version") for name in ("", "force-", "check-")))
    value_set = await call.subject("url", "valueSet", "valueSetVersion")
    if value_set is None:
        raise Invalid("$expand needs url or valueSet.", code="required", expression="url")
    members = call.terminology.members_of(value_set, versions)
    return dumps(expansion.expand(value_set, members, asked))


def _asked(inputs: Inputs) -> expansion.Asked:
    return expansion.Asked(
        filter=inputs.text("filter") or "",
        offset=_number(inputs, "offset") or 0,
        count=_number(inputs, "count"),
        designations=inputs.flag("includeDesignations") or bool(inputs.every("designation")),
        designation=inputs.every("designation"),
        definition=inputs.flag("includeDefinition"),
        active_only=inputs.flag("activeOnly"),
        nested=not inputs.flag("excludeNested"),
        for_ui=inputs.flag("excludeNotForUI"),
        language=inputs.text("displayLanguage") or "",
        properties=inputs.every("property"),
        exclude_systems=inputs.every("exclude-system"),
        echoed=[_echo(each) for each in inputs.given if each["name"] not in _ABOUT_THE_SET],
    )


def _number(inputs: Inputs, name: str) -> int | None:
    value: int | None = inputs.one(name)
    if value is not None and value < 0:
        raise Invalid(f"{name} is a whole number from 0 on, not {value}.", code="value", expression=name)
    return value


def _versions(inputs: Inputs, name: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for canonical in inputs.every(name):
        system, _, version = canonical.partition("|")
        if not system or not version:
            raise Invalid(f"{name} is system|version, not {canonical!r}.", code="value", expression=name)
        found[system] = version
    return found


def _echo(entry: dict[str, object]) -> dict[str, object]:
    """A parameter as an expansion repeats it, where canonicals are uris."""
    return {"valueUri" if name == "valueCanonical" else name: value for name, value in entry.items()}
