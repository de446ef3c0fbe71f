"""$import-table: a results table (CSV) into the registry.

Defined by OperationDefinition-import-table.json of the registry's package. The body is the table as text/csv, or
Parameters with the table as an Attachment.
"""

from __future__ import annotations

import base64
import binascii

from service.errors import Invalid
from service.fhir.outcome import operation_outcome
from service.operations.call import Call, Json, answer
from service.operations.table_import import Imported, import_results


async def import_table(call: Call) -> bytes:
    """Import the table and return what became of it, as a Parameters resource."""
    value = call.inputs.one("table")
    if value is None:
        raise Invalid("There is no table to import.", code="required", expression="table")
    study = call.id if call.id is not None else call.inputs.text("study")
    return answer(_answer(await import_results(call.engine, _data(value), study)))


def _data(value: bytes | Json) -> bytes:
    if isinstance(value, bytes):
        return value
    media = str(value.get("contentType", "text/csv")).partition(";")[0].strip().lower()
    if media != "text/csv":
        raise Invalid(f"The table is text/csv, not {media}.", code="value", expression="table")
    try:
        return base64.b64decode(value.get("data", ""), validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise Invalid("The Attachment has no data in base64.", code="value", expression="table") from None


def _answer(imported: Imported) -> list[Json]:
    found: list[Json] = []
    for study, effects in imported.effects.items():
        counts = {
            "rows": imported.rows[study],
            "created": effects["created"],
            "updated": effects["updated"],
            "unchanged": effects["unchanged"],
        }
        part: list[Json] = [{"name": "reference", "valueReference": {"reference": f"ResearchStudy/{study}"}}]
        part += [{"name": name, "valueInteger": count} for name, count in counts.items()]
        found.append({"name": "study", "part": part})
    if imported.notes:
        found.append({"name": "outcome", "resource": operation_outcome(imported.notes)})
    return found
