"""Publications as Citations (https://hl7.org/fhir/R5/citation.html)."""

from __future__ import annotations

from fhir.resources.annotation import Annotation
from fhir.resources.citation import (
    Citation,
    CitationCitedArtifact,
    CitationCitedArtifactContributorship,
    CitationCitedArtifactContributorshipSummary,
    CitationCitedArtifactPublicationForm,
    CitationCitedArtifactPublicationFormPublishedIn,
    CitationCitedArtifactTitle,
)
from fhir.resources.identifier import Identifier

from service.registry import codes
from service.registry.codes import Code
from service.registry.description import Catalogue, Publication, Trial
from service.registry.elements import concept, conforms


def build_citations(trial: Trial, catalogue: Catalogue) -> list[Citation]:
    """The Citations of a trial; the same publication is the same resource in every trial that it is cited for."""
    return [_citation(catalogue.publication(slug)) for slug in trial.citations]


def _citation(paper: Publication) -> Citation:
    known = ((codes.DOI, paper.doi), (codes.PUBMED, paper.pmid))
    return Citation(
        id=paper.slug,
        meta=conforms(codes.JOURNAL_ARTICLE) if paper.journal else None,
        title=paper.short,
        status="active",
        note=[Annotation(text=paper.note)] if paper.note else None,
        citedArtifact=CitationCitedArtifact(
            identifier=[Identifier(system=system, value=value) for system, value in known if value] or None,
            title=[CitationCitedArtifactTitle(text=paper.title)],
            publicationForm=[_form(paper)] if paper.journal else None,
            contributorship=_authors(paper.authors) if paper.authors else None,
        ),
    )


def _form(paper: Publication) -> CitationCitedArtifactPublicationForm:
    periodical = concept(None, (Code(codes.PUBLISHED_IN, "D020492", "Periodical"),))
    return CitationCitedArtifactPublicationForm(
        publishedIn=CitationCitedArtifactPublicationFormPublishedIn(type=periodical, title=paper.journal),
        volume=paper.volume,
        issue=paper.issue,
        publicationDateText=paper.year,
        pageString=paper.pages,
    )


def _authors(authors: str) -> CitationCitedArtifactContributorship:
    kind = concept(None, (Code(codes.CONTRIBUTOR_SUMMARY, "author-string", "Author string"),))
    return CitationCitedArtifactContributorship(
        summary=[CitationCitedArtifactContributorshipSummary(type=kind, value=authors)]
    )
