"""A record as FHIR resources: the modules in their order, the report, and the record itself as it was read.

``ResearchStudy`` is the last that refers to the others, as in the seeds; see ADR 11 for a study that is there already.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1, sha256
from typing import Any, Final

from fhir.resources.attachment import Attachment
from fhir.resources.binary import Binary
from fhir.resources.documentreference import DocumentReference, DocumentReferenceContent
from fhir.resources.identifier import Identifier
from fhir.resources.resource import Resource

from service.errors import Unprocessable
from service.fhir.json import dumps, loads
from service.registry import codes
from service.registry.ctgov import arms, eligibility
from service.registry.ctgov.account import Account, account, without_left_out
from service.registry.ctgov.adverse import build_adverse
from service.registry.ctgov.baseline import build_baseline
from service.registry.ctgov.flow import build_flow
from service.registry.ctgov.outcomes import build_planned, build_reported
from service.registry.ctgov.record import Node, open_record
from service.registry.ctgov.references import build_citations, build_source
from service.registry.ctgov.study import build_study
from service.registry.ctgov.trial import Import, facts, notes, own_id, source_of
from service.registry.dump import plain, to_json
from service.registry.elements import concept, reference
from service.registry.report import report_of

SHA256: Final = f"{codes.BASE}/NamingSystem/sha-256"


@dataclass(frozen=True, slots=True)
class Built:
    """What a record came to: its resources (JSON as Python values), those referred to first, and the account."""

    nct: str
    resources: Sequence[dict[str, Any]]
    account: Account


def nct_of(data: dict[str, Any]) -> str:
    """The NCT number of a record; raises :class:`Unprocessable`."""
    return open_record(data).at("protocolSection", "identificationModule").peek("nctId") or ""


def build(data: dict[str, Any], existing: str | None = None) -> Built:
    """The resources of a record.

    ``existing`` is the id of a ResearchStudy with this NCT number that does not come from ClinicalTrials.gov: what is
    built refers to it, and no other is made. Raises :class:`Unprocessable` where the record is not one of the API.
    """
    root = open_record(data)
    nct = nct_of(data)
    trial = Import(nct, existing or own_id(nct), root.log)
    protocol, results = root.at("protocolSection"), root.at("resultsSection")
    build_source(trial)
    published = build_citations(trial, protocol.at("referencesModule"))
    eligibility.build_eligibility(trial, protocol.at("eligibilityModule"))
    compared = arms.build_arms(trial, protocol.at("armsInterventionsModule"))
    with root.log.for_study():
        build_study(trial, root, compared, published)
    planned = build_planned(trial, protocol.at("outcomesModule"))
    build_flow(trial, results.at("participantFlowModule"))
    build_baseline(trial, results.at("baselineCharacteristicsModule"))
    build_reported(trial, results.at("outcomeMeasuresModule"), planned)
    build_adverse(trial, results.at("adverseEventsModule"))
    arms.observe(trial, compared)
    _report(trial, results.at("moreInfoModule"))
    _keep_record(trial, data)
    if root.log.problems:
        raise Unprocessable(root.log.problems)
    kept = f"ResearchStudy/{existing}" if existing else None
    return Built(nct, [_json(each) for each in _all(trial, existing)], account(data, root.log, kept))


def _all(trial: Import, existing: str | None) -> list[Resource]:
    study = [trial.researchstudy] if trial.researchstudy is not None and existing is None else []
    places = [*trial.organizations.values(), *trial.locations] if existing is None else []
    return [
        *places,
        *trial.citations,
        *trial.groups.values(),
        *trial.variables.values(),
        *study,
        *trial.evidence,
        *trial.others,
    ]


def _json(resource: Resource) -> dict[str, Any]:
    found: dict[str, Any] = loads(to_json(plain(resource, resource.get_resource_type())).encode())
    return found


def _report(trial: Import, more: Node) -> None:
    said = [
        *facts(more.at("limitationsAndCaveats"), description="Limitations"),
        *facts(
            more.at("certainAgreement"),
            piSponsorEmployee="The principal investigator is an employee of the sponsor",
            restrictiveAgreement="An agreement restricts the publication of results",
            restrictionType="Restriction",
            otherDetails="Agreement",
        ),
    ]
    if not trial.evidence:
        return
    made = report_of(f"{trial.prefix}-results", trial.study, trial.placed)
    made.meta, made.note = trial.meta(codes.STUDY_RESULTS_REPORT), notes(said)
    trial.others.append(made)
    if trial.researchstudy is not None:
        trial.researchstudy.result = [reference("EvidenceReport", str(made.id)), *(trial.researchstudy.result or [])]


def _keep_record(trial: Import, data: dict[str, Any]) -> None:
    """The record as a Binary, without what is deliberately left out, and the DocumentReference with its digests.

    Its members are sorted, so that the same record has the same digest however it was sent.
    """
    kept = dumps(_sorted(without_left_out(data)))
    id_ = f"{trial.prefix}-source"
    trial.others.append(Binary(id=id_, meta=trial.meta(), contentType="application/json", data=base64.b64encode(kept)))
    attachment = Attachment(
        contentType="application/json",
        url=f"Binary/{id_}",
        # Attachment.hash is SHA-1 by definition; the identifier is what protects.
        hash=base64.b64encode(sha1(kept, usedforsecurity=False).digest()),
        title=f"ClinicalTrials.gov record {trial.nct}",
    )
    trial.others.append(
        DocumentReference(
            id=id_,
            meta=trial.meta(),
            identifier=[Identifier(system=SHA256, value=sha256(kept).hexdigest())],
            status="current",
            type=concept("ClinicalTrials.gov record"),
            subject=reference("ResearchStudy", trial.study),
            description=f"The record of {source_of(trial.nct)}, without contacts and what is computed from the rest",
            content=[DocumentReferenceContent(attachment=attachment)],
        )
    )


def _sorted(value: Any) -> Any:  # noqa: ANN401  # any JSON
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
