"""$reindex: how far the index of each custom search parameter is (GET), and everything indexed anew (POST).

Defined by OperationDefinition-reindex.json of the registry's package.
"""

from __future__ import annotations

from typing import Any

from service.fhir.json import dumps
from service.interactions.definitions import Custom, Whole
from service.interactions.engine import Engine
from service.store.base import HistoryQuery

Part = dict[str, Any]


async def start(engine: Engine) -> bytes:
    """Begin to index everything anew in the background, unless that is under way, and return the status."""
    parameters = engine.parameters
    if parameters.whole is None or not parameters.whole.running:
        total = await engine.store.history_count(HistoryQuery())
        parameters.whole = Whole(engine.bases, total=total)
    parameters.changed()
    return await status(engine)


async def status(engine: Engine) -> bytes:
    """Return what is being indexed and how far it is, as a Parameters resource."""
    parameters = engine.parameters
    await parameters.refresh(now=True)
    whole = parameters.whole
    running = (whole is not None and whole.running) or bool(parameters.unsettled)
    found: list[Part] = [{"name": "status", "valueCode": "running" if running else "idle"}]
    if whole is not None:
        found.append({"name": "everything", "part": _progress(whole, ready=not whole.running)})
    customs = sorted(parameters.customs.values(), key=lambda custom: custom.position)
    found += [{"name": "parameter", "part": _of(custom)} for custom in customs]
    for id_, issues in sorted(parameters.refused.items()):
        problems = [{"name": "problem", "valueString": issue.diagnostics} for issue in issues]
        part = [_source(id_), {"name": "status", "valueCode": "refused"}, *problems]
        found.append({"name": "parameter", "part": part})
    return dumps({"resourceType": "Parameters", "parameter": found})


def _of(custom: Custom) -> list[Part]:
    definition = custom.definition
    return [
        _source(custom.id),
        {"name": "url", "valueUri": definition.url},
        {"name": "code", "valueCode": definition.code},
        *({"name": "base", "valueCode": base} for base in definition.base),
        *_progress(custom, ready=custom.ready),
    ]


def _progress(of: Custom | Whole, *, ready: bool) -> list[Part]:
    counts = [{"name": "done", "valueInteger": of.done}, {"name": "total", "valueInteger": of.total}]
    return [{"name": "status", "valueCode": "ready" if ready else "indexing"}, *(counts if of.total else ())]


def _source(id_: str) -> Part:
    return {"name": "source", "valueReference": {"reference": f"SearchParameter/{id_}"}}
