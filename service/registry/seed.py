"""A trial's table and description as one transaction Bundle (https://hl7.org/fhir/R5/http.html#transaction).

Every resource is put under its own readable id, so that loading a bundle again changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from fhir.resources.resource import Resource

from service.errors import Issue, Unprocessable
from service.registry import codes
from service.registry.description import Catalogue, Trial
from service.registry.dump import Plain, plain, to_json
from service.registry.evidence import build_evidence
from service.registry.groups import build_groups
from service.registry.names import MAX_ID, evidence_id
from service.registry.publications import build_citations
from service.registry.report import build_report
from service.registry.rows import Row, by_result, problem
from service.registry.study import build_sponsor, build_study
from service.registry.variables import build_variables

ELIGIBILITY: Final = "eligibility"


def check_rows(rows: Sequence[Row], trial: Trial) -> list[Issue]:
    """Everything that the table says and the description does not know, or that two rows of a result disagree on."""
    groups = {group.slug for group in trial.groups}
    exposures = {exposure.slug for exposure in trial.exposures}
    known: dict[str, Collection[str]] = {
        "population": groups,
        "exposure": groups | exposures,
        "reference": groups | exposures,
        "target": groups | exposures | {ELIGIBILITY},
        "source": trial.citations,
        "reports": trial.citations,
    }
    issues: list[Issue] = []
    for row in rows:
        outcomes = {outcome.slug for outcome in trial.outcomes} if row.place == "statistic" else {row.outcome}
        for column, slugs in {**known, "outcome": outcomes}.items():
            slug = getattr(row, column)
            if slug is not None and slug not in slugs:
                issues.append(problem(row.line, column, f"{slug!r} is not known of {trial.slug}", code="not-found"))
        if row.place == "statistic" and len(evidence_id(trial, row.result)) > MAX_ID:
            issues.append(problem(row.line, "key", f"makes an id of more than {MAX_ID} characters"))
    return issues + _check_results(rows)


def _check_results(rows: Sequence[Row]) -> list[Issue]:
    issues: list[Issue] = []
    for result, members in by_result(rows).items():
        first = _about(members[0])
        for row in members[1:]:
            differs = [column for column, value in _about(row).items() if value != first[column]]
            words = f"differs from row {members[0].line}, which is of the same result {result!r}"
            issues += [problem(row.line, column, words) for column in differs]
    return issues


def _about(row: Row) -> dict[str, str | None]:
    compares = codes.STATISTICS[row.statistic or ""].compares
    reference = row.reference if compares else None
    return {
        "outcome": row.outcome,
        "population": row.population,
        "exposure": row.exposure,
        "reference": reference,
        "source": row.source,
        "reports": row.reports,
    }


def build_resources(rows: Sequence[Row], trial: Trial, catalogue: Catalogue) -> list[Resource]:
    """All resources of a trial, those that are referred to before those that refer to them."""
    if issues := check_rows(rows, trial):
        raise Unprocessable(issues)
    return [
        *build_sponsor(trial, catalogue),
        *build_citations(trial, catalogue),
        *build_groups(rows, trial),
        *build_variables(rows, trial),
        build_study(rows, trial, catalogue),
        *build_evidence(rows, trial, catalogue),
        *build_report(rows, trial),
    ]


def build_bundle(rows: Sequence[Row], trial: Trial, catalogue: Catalogue) -> str:
    """The transaction Bundle as JSON text."""
    entries: list[Plain] = []
    for resource in build_resources(rows, trial, catalogue):
        kind = resource.get_resource_type()
        where = f"{kind}/{resource.id}"
        entries.append(
            {
                "fullUrl": f"{codes.BASE}/{where}",
                "resource": plain(resource, kind),
                "request": {"method": "PUT", "url": where},
            }
        )
    return to_json({"resourceType": "Bundle", "id": trial.slug, "type": "transaction", "entry": entries})
