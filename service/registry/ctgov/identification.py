"""Numbers and titles (https://clinicaltrials.gov/data-api/about-api/study-data-structure#identificationModule)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fhir.resources.identifier import Identifier
from fhir.resources.researchstudy import ResearchStudyLabel

from service.registry import codes
from service.registry.codes import Code
from service.registry.ctgov.record import Node
from service.registry.ctgov.trial import Import, facts
from service.registry.ctgov.vocabulary import words
from service.registry.elements import concept

_EUDRACT: Final = re.compile(r"[0-9]{4}-[0-9]{6}-[0-9]{2}")
_LABELS: Final = (("officialTitle", "official", "Official title"), ("acronym", "acronym", "Acronym"))
OTHER_NUMBER: Final = f"{codes.BASE}/NamingSystem/ctgov-secondary-id"


def identifiers(trial: Import, module: Node) -> list[Identifier]:
    """The NCT number and every other number of the study, each once per type."""
    module.read("nctId")
    found = [Identifier(use="official", system=codes.NCT, value=trial.nct)]
    found += [
        Identifier(use="old", system=f"{codes.BASE}/NamingSystem/ctgov-alias", value=alias)
        for alias in module.texts("nctIdAliases")
    ]
    own = module.at("orgStudyIdInfo")
    if own.peek("id"):
        found.append(_number(own, codes.SPONSOR_STUDY))
    for node in module.each("secondaryIdInfos"):
        if node.peek("id"):
            eudract = node.peek("type") == "EUDRACT_NUMBER" and _EUDRACT.fullmatch(node.peek("id") or "")
            found.append(_number(node, codes.EUDRACT if eudract else OTHER_NUMBER))
    return found


def _number(node: Node, system: str) -> Identifier:
    kind, domain, link = node.read("type"), node.read("domain"), node.read("link")
    text = ", ".join(part for part in (words(kind) if kind else None, domain, link) if part)
    return Identifier(use="secondary", system=system, value=node.read("id"), type=concept(text) if text else None)


def labels(module: Node) -> list[ResearchStudyLabel]:
    """The titles beside the brief one."""
    found = ((code, display, module.read(name)) for name, code, display in _LABELS)
    return [
        ResearchStudyLabel(type=concept(None, (Code(codes.TITLE_TYPE, code, display),)), value=value)
        for code, display, value in found
        if value is not None
    ]


def organization(module: Node) -> Iterator[str]:
    """Who registered the study, in words."""
    yield from facts(
        module.at("organization"), **{"fullName": "Registered by", "class": "Kind of organization that registered it"}
    )
