"""The study itself as ResearchStudy (https://hl7.org/fhir/R5/researchstudy.html), put together from its modules."""

from __future__ import annotations

from collections.abc import Sequence

from fhir.resources.codeableconcept import CodeableConcept
from fhir.resources.codeablereference import CodeableReference
from fhir.resources.meta import Meta
from fhir.resources.reference import Reference
from fhir.resources.researchstudy import ResearchStudy, ResearchStudyComparisonGroup

from service.registry import codes
from service.registry.ctgov import design, identification, status
from service.registry.ctgov.locations import build_locations
from service.registry.ctgov.record import Node
from service.registry.ctgov.references import links
from service.registry.ctgov.sponsors import parties
from service.registry.ctgov.trial import Import, facts, notes
from service.registry.elements import concept, reference


def build_study(
    trial: Import, root: Node, arms: Sequence[ResearchStudyComparisonGroup], published: Sequence[Reference]
) -> None:
    """The ResearchStudy of the record."""
    protocol = root.at("protocolSection")
    named, stated = protocol.at("identificationModule"), protocol.at("statusModule")
    designed, said = protocol.at("designModule"), protocol.at("descriptionModule")
    sites = build_locations(trial, protocol.at("contactsLocationsModule"))
    why = stated.read("whyStopped")
    trial.researchstudy = ResearchStudy(
        id=trial.study,
        meta=Meta(source=trial.meta().source, profile=[codes.REGISTRY_STUDY]),
        extension=status.registrations(stated) or None,
        identifier=identification.identifiers(trial, named),
        title=named.read("briefTitle") or trial.nct,
        label=identification.labels(named) or None,
        relatedArtifact=list(
            links(trial, protocol.at("referencesModule"), root.at("documentSection", "largeDocumentModule"))
        )
        or None,
        status="active",
        primaryPurposeType=design.purpose(designed),
        phase=design.phase(designed),
        studyDesign=design.designs(designed) or None,
        focus=_focus(trial) or None,
        condition=_concepts(protocol.at("conditionsModule"), "conditions"),
        keyword=_concepts(protocol.at("conditionsModule"), "keywords"),
        descriptionSummary=said.read("briefSummary"),
        description=said.read("detailedDescription"),
        site=sites or None,
        note=notes(_remarks(root)),
        associatedParty=parties(trial, protocol.at("sponsorCollaboratorsModule")) or None,
        progressStatus=status.progress(stated) or None,
        whyStopped=concept(why) if why else None,
        recruitment=design.recruitment(designed, reference("Group", f"{trial.prefix}-eligibility")),
        comparisonGroup=list(arms) or None,
        result=list(published) or None,
    )


def _concepts(module: Node, name: str) -> list[CodeableConcept] | None:
    return [concept(text) for text in module.texts(name)] or None


def _focus(trial: Import) -> list[CodeableReference]:
    """The interventions: the only variables that there are as yet."""
    return [CodeableReference(concept=concept(each.title)) for each in trial.variables.values()]


def _remarks(root: Node) -> list[str]:
    """What R5 has no element for: oversight, sharing of data, and where the record stands."""
    protocol = root.at("protocolSection")
    named, sponsored = protocol.at("identificationModule"), protocol.at("sponsorCollaboratorsModule")
    sharing = protocol.at("ipdSharingStatementModule")
    kinds = sharing.texts("infoTypes")
    return [
        *identification.organization(named),
        *facts(sponsored.at("responsibleParty"), type="Responsible party"),
        *status.remarks(protocol.at("statusModule")),
        *design.remarks(protocol.at("designModule")),
        *facts(
            protocol.at("oversightModule"),
            oversightHasDmc="Data monitoring committee",
            isFdaRegulatedDrug="FDA-regulated drug",
            isFdaRegulatedDevice="FDA-regulated device",
            isUnapprovedDevice="Unapproved device",
            isPpsd="Pediatric postmarket surveillance of a device",
            isUsExport="Exported from the USA",
            fdaaa801Violation="Violation of FDAAA 801",
        ),
        *facts(
            sharing,
            ipdSharing="Sharing of individual participant data",
            description="Sharing",
            timeFrame="Shared when",
            accessCriteria="Shared with whom",
            url="Shared where",
        ),
        *([f"Shared documents: {', '.join(kinds)}"] if kinds else []),
        *facts(root.at("documentSection", "largeDocumentModule"), noSap="No statistical analysis plan"),
        *facts(root, hasResults="Results posted"),
    ]
