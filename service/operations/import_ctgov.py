"""$import-ctgov: records of ClinicalTrials.gov into the registry, each study in a transaction of its own.

Defined by OperationDefinition-import-ctgov.json of the registry's package. The body is a record of the API v2 or a page
of its search, as it is; or Parameters with either in a Binary.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from service.errors import Invalid, RegistryError
from service.fhir.json import parse
from service.fhir.outcome import operation_outcome
from service.operations.call import Call, answer
from service.operations.ctgov import Imported, import_record
from service.registry.ctgov.files import of_value

if TYPE_CHECKING:
    from service.registry.ctgov.account import Unmapped

Part = dict[str, Any]


async def import_ctgov(call: Call) -> bytes:
    """Import the records and return what became of each, as a Parameters resource.

    One record that is refused is an error of the request; of several, the others are imported all the same.
    """
    records = list(of_value(_data(call.inputs.one("record")), "record"))
    if not records:
        raise Invalid("There is no record in the page.", code="required", expression="studies")
    found: list[Part] = []
    for record in records:
        try:
            found.append({"name": "study", "part": _study(await import_record(call.engine, record.data))})
        except RegistryError as error:
            if len(records) == 1:
                raise
            part = [
                {"name": "record", "valueString": record.place},
                {"name": "outcome", "resource": operation_outcome(error.issues)},
            ]
            found.append({"name": "study", "part": part})
    return answer(found)


def _data(value: Part | None) -> Part:
    if value is None:
        raise Invalid("There is no record to import.", code="required", expression="record")
    if value.get("resourceType") != "Binary":
        return value
    try:
        text = base64.b64decode(value.get("data", ""), validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise Invalid("The Binary has no data in base64.", code="value", expression="record") from None
    return parse(text).data


def _study(imported: Imported) -> list[Part]:
    account, effects = imported.account, imported.effects
    found: list[Part] = [
        {"name": "nct", "valueString": imported.nct},
        {"name": "reference", "valueReference": {"reference": f"ResearchStudy/{imported.study}"}},
    ]
    counts = {
        "created": effects["created"],
        "updated": effects["updated"],
        "unchanged": effects["unchanged"],
        "retired": imported.retired,
        "values": account.total,
        "mapped": account.mapped,
        "leftOut": account.number_left_out,
        "notMapped": account.number_unmapped,
    }
    found += [{"name": name, "valueInteger": count} for name, count in counts.items()]
    found += _places("notMappedPlace", account.unmapped)
    found += _places("leftOutPlace", account.left_out)
    if imported.warnings:
        found.append({"name": "outcome", "resource": operation_outcome(imported.warnings)})
    return found


def _places(name: str, places: Sequence[Unmapped]) -> list[Part]:
    return [
        {
            "name": name,
            "part": [
                {"name": "path", "valueString": each.path},
                {"name": "count", "valueInteger": each.count},
                {"name": "reason", "valueString": each.reason},
            ],
        }
        for each in places
    ]
