"""Sponsor and collaborators
(https://clinicaltrials.gov/data-api/about-api/study-data-structure#sponsorCollaboratorsModule)."""

from __future__ import annotations

from fhir.resources.researchstudy import ResearchStudyAssociatedParty

from service.registry import codes
from service.registry.codes import Code
from service.registry.ctgov.record import Node
from service.registry.ctgov.trial import Import
from service.registry.ctgov.vocabulary import AGENCIES, words
from service.registry.elements import concept


def parties(trial: Import, module: Node) -> list[ResearchStudyAssociatedParty]:
    """The lead sponsor and the collaborators, each with its Organization."""
    found = [_party(trial, module.at("leadSponsor"), "lead-sponsor")]
    found += [_party(trial, each, "collaborator") for each in module.each("collaborators")]
    return [each for each in found if each is not None]


def _party(trial: Import, node: Node, role: str) -> ResearchStudyAssociatedParty | None:
    name, kind = node.read("name"), node.read("class")
    if name is None:
        return None
    return ResearchStudyAssociatedParty(
        name=name,
        role=concept(None, (Code(codes.PARTY_ROLE, role, role),)),
        classifier=[concept(words(kind), (AGENCIES[kind],) if kind in AGENCIES else ())] if kind else None,
        party=trial.organization(name),
    )
