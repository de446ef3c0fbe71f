"""A history Bundle that is posted to the base (https://hl7.org/fhir/R5/http.html#other-bundles): versions restored.

It is what an export with its history has in its files, and restored by the same code: with the numbers and instants
that the versions have where they come from. All of it is restored, or nothing.
"""

from __future__ import annotations

import time
from dataclasses import replace

from service.bulk.restoration import history_items, restored
from service.bulk.source import Line
from service.errors import Issue, Unprocessable
from service.fhir.json import dumps
from service.fhir.outcome import operation_outcome
from service.interactions.engine import Engine
from service.interactions.prepare import check_size
from service.store.base import Restored, instant_text


async def restore_history(engine: Engine, body: bytes) -> bytes:
    """Restore the versions of a Bundle and return an OperationOutcome that says how many were new.

    Raises :class:`Invalid` for what is no history, :class:`Unprocessable` with every problem of every version, and
    :class:`NotRestorable` where they cannot stand at the end of this registry's log.
    """
    items = list(history_items(Line("Bundle", 1, body)))
    now = int(time.time() * 1000)
    issues: list[Issue] = []
    versions: list[Restored] = []
    # They come as the log has them, which is the other way round than in the Bundle.
    for number, item in zip(range(len(items) - 1, -1, -1), items, strict=True):
        where = f"Bundle.entry[{number}]"
        check_size(engine, item.size)
        if item.instant > now:  # it would be the instant of all that is written until then
            text = f"{where}: {instant_text(item.instant)} is yet to come."
            issues.append(Issue("error", "value", text, (f"{where}.response.lastModified",)))
            continue
        try:
            versions.append(restored(engine, item))
        except Unprocessable as error:
            issues += [_located(issue, where) for issue in error.issues]
    if issues:
        raise Unprocessable(issues)
    number = await engine.restore(sorted(versions, key=lambda each: each.instant))
    there = len(versions) - number
    told = Issue("information", "informational", f"{number} versions are restored, {there} were here already.")
    return dumps(operation_outcome([told]))


def _located(issue: Issue, where: str) -> Issue:
    places = [f"{where}.resource{each[len(each.partition('.')[0]) :]}" for each in issue.expression or ("",)]
    return replace(issue, diagnostics=f"{where}: {issue.diagnostics}", expression=tuple(places))
