"""$versions: the versions of FHIR that this server speaks: https://hl7.org/fhir/R5/capabilitystatement-operation-versions.html."""

from __future__ import annotations

from typing import Final

from service.operations.call import Call, answer

VERSION: Final = "5.0"


async def versions(call: Call) -> bytes:
    """Return the one version that is spoken here, which is thereby the default."""
    del call
    return answer([{"name": "version", "valueCode": VERSION}, {"name": "default", "valueCode": VERSION}])
