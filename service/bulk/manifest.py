"""The manifest of an export (https://hl7.org/fhir/uv/bulkdata/export.html#response---complete-status)."""

from __future__ import annotations

from typing import Any, Final

from service.bulk.job import State
from service.fhir.json import dumps
from service.interactions.everything import STUDY
from service.store.base import instant_text

EXTENSION: Final = "https://trial-registry.example.org/fhir/bulk-export"
"""The member of the manifest's ``extension`` by which an import knows an export of this software.

``whole``: its lines are versions as they are stored, which can be restored with their numbers and instants.
``history``: all versions, in Bundles.
"""


def manifest(state: State, folder: str = "", *, token: bool = False) -> bytes:
    """Return the manifest; the files' URLs begin with ``folder`` (empty: they lie beside the manifest)."""
    request = state.request

    def listed(*kinds: str) -> list[dict[str, Any]]:
        return [
            {
                **({} if file.kind == "organized" else {"type": "Bundle" if file.kind == "deleted" else file.type}),
                "url": f"{folder}{file.name}",
                "count": file.count,
            }
            for file in state.files
            if file.kind in kinds
        ]

    content: dict[str, Any] = {
        "transactionTime": instant_text(state.instant),
        "request": request.url,
        "requiresAccessToken": token,
        **({"outputOrganizedBy": STUDY} if request.organized else {}),
        "output": listed("output", "history", "organized"),
    }
    if request.since is not None:
        content["deleted"] = listed("deleted")
    own = {"whole": not request.elements and not request.by_study, "history": request.history}
    return dumps({**content, "error": [], "extension": {EXTENSION: own}}, pretty=True)
