"""Publications as Citations, and other documents as related artifacts
(https://clinicaltrials.gov/data-api/about-api/study-data-structure#referencesModule)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fhir.resources.attachment import Attachment
from fhir.resources.citation import (
    Citation,
    CitationCitedArtifact,
    CitationCitedArtifactRelatesTo,
    CitationCitedArtifactTitle,
    CitationCitedArtifactWebLocation,
)
from fhir.resources.identifier import Identifier
from fhir.resources.reference import Reference
from fhir.resources.relatedartifact import RelatedArtifact

from service.registry import codes
from service.registry.ctgov.record import Node
from service.registry.ctgov.trial import Import, facts, notes, source_of
from service.registry.ctgov.vocabulary import SITE, words
from service.registry.elements import reference

_PUBMED: Final = re.compile(r"[1-9][0-9]{0,7}")
_URL: Final = re.compile(r"https?://\S+")


def build_source(trial: Import) -> None:
    """The record itself as a Citation: what every result of it cites."""
    trial.citations.append(
        Citation(
            id=trial.source,
            meta=trial.meta(),
            title=f"ClinicalTrials.gov record {trial.nct}",
            status="active",
            citedArtifact=CitationCitedArtifact(
                identifier=[Identifier(system=codes.NCT, value=trial.nct)],
                title=[CitationCitedArtifactTitle(text=f"ClinicalTrials.gov record {trial.nct}")],
                webLocation=[CitationCitedArtifactWebLocation(url=source_of(trial.nct))],
                relatesTo=[_documents(trial)],
            ),
        )
    )


def build_citations(trial: Import, module: Node) -> list[Reference]:
    """The Citations of the publications; returns those that publish results of the study."""
    results: list[Reference] = []
    for node in module.each("references"):
        text, pubmed, kind = node.read("citation"), node.read("pmid"), node.read("type")
        if text is None and pubmed is None:
            continue
        retractions = [
            f"Retracted: {', '.join(facts(each, pmid='PubMed', source='source'))}" for each in node.each("retractions")
        ]
        name = text or f"PubMed {pubmed}"
        id_ = trial.id("ref", f"pmid {pubmed}") if pubmed else trial.id("ref", name)
        if kind == "RESULT":
            results.append(reference("Citation", id_))
        numbered = pubmed is not None and _PUBMED.fullmatch(pubmed) is not None
        trial.citations.append(
            Citation(
                id=id_,
                meta=trial.meta(),
                title=name,
                status="active",
                note=notes([f"Reference type: {words(kind)}" if kind else None, *retractions]),
                citedArtifact=CitationCitedArtifact(
                    identifier=[Identifier(system=codes.PUBMED if numbered else None, value=pubmed)]
                    if pubmed
                    else None,
                    title=[CitationCitedArtifactTitle(text=name)],
                    relatesTo=[_documents(trial)],
                ),
            )
        )
    return results


def _documents(trial: Import) -> CitationCitedArtifactRelatesTo:
    return CitationCitedArtifactRelatesTo(type="documents", resourceReference=reference("ResearchStudy", trial.study))


def links(trial: Import, module: Node, documents: Node) -> Iterator[RelatedArtifact]:
    """Pages about the study, data of single participants, and the documents that were posted."""
    for node in module.each("seeAlsoLinks"):
        if (made := _link(node.read("label"), node, "url", [])) is not None:
            yield made
    for node in module.each("availIpds"):
        said = facts(node, id="Number", type="Data of single participants", comment="Comment")
        if (made := _link("; ".join(said) or None, node, "url", [])) is not None:
            yield made
    for node in documents.each("largeDocs"):
        said = facts(
            node,
            typeAbbrev="Kind",
            hasProtocol="Protocol",
            hasSap="Statistical analysis plan",
            hasIcf="Informed consent form",
            date="Dated",
            uploadDate="Uploaded",
            filename="File",
            size="Bytes",
        )
        yield _document(trial.nct, node.read("label"), node.peek("filename"), said)


def _document(nct: str, label: str | None, file: str | None, said: list[str]) -> RelatedArtifact:
    url = f"{SITE.replace('//', '//cdn.')}/large-docs/{nct[-2:]}/{nct}/{file}" if file and " " not in file else None
    return RelatedArtifact(
        type="documentation",
        label=label,
        display="; ".join(said) or None,
        document=Attachment(url=url, title=label) if url else None,
    )


def _link(label: str | None, node: Node, name: str, said: list[str]) -> RelatedArtifact | None:
    url = node.read(name)
    if label is None and url is None:
        return None
    usable = url is not None and _URL.fullmatch(url) is not None
    spoken = [*said, *([] if usable or url is None else [url])]
    return RelatedArtifact(
        type="documentation",
        label=label,
        display="; ".join(spoken) or None,
        document=Attachment(url=url) if usable else None,
    )
