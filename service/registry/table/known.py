"""The description of a trial, as far as its results need one, from the resources that the registry has of it.

What ``evidence.py`` asks of a description is in the trial's Groups, EvidenceVariables and Citations: their ids are the
slugs behind the id of the study.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from service.registry import codes
from service.registry.description import (
    Catalogue,
    Eligibility,
    Exposure,
    GroupOf,
    Outcome,
    Publication,
    Trial,
)
from service.registry.evidence_rows import id_of, reference_of, slug
from service.registry.rows import Row
from service.registry.words import name_of

Json = dict[str, Any]
Key = tuple[str, str]

ELIGIBILITY: Final = "-eligibility"
_OUTCOMES: Final = {outcome.code: name for name, outcome in codes.OUTCOMES.items()}


def named_in(study: str, rows: Iterable[Row]) -> set[Key]:
    """The resources (type, id) that the rows of a study may name."""
    found: set[Key] = set()
    for row in rows:
        sides = {row.population, row.exposure, row.reference, row.target, row.outcome} - {None}
        found |= {(type_, f"{study}-{each}") for each in sides for type_ in ("Group", "EvidenceVariable")}
        found |= {("Citation", each) for each in (row.source, row.reports) if each}
    return found


def parents(resources: Iterable[Json]) -> set[Key]:
    """The Groups (type, id) that Groups are subgroups of."""
    return {("Group", id_of(each)) for resource in resources for each in _references(resource, "parent-population")}


def trial_of(study: Json, resources: Mapping[Key, Json]) -> tuple[Trial, Catalogue]:
    """What the registry knows of a study: its description, as far as ``resources`` have it, and its publications."""
    id_ = str(study["id"])
    eligible = f"{id_}{ELIGIBILITY}"  # says who could take part, and is nobody in whom something was found
    groups = [_group(each, id_) for (type_, name), each in resources.items() if type_ == "Group" and name != eligible]
    exposures: list[Exposure] = []
    outcomes: list[Outcome] = []
    for (type_, name), resource in resources.items():
        if type_ != "EvidenceVariable":
            continue
        short, title, code = slug(name, id_), name_of(resource), _outcome_code(resource)
        if code is None:
            exposures.append(Exposure(short, title, ""))
        else:
            outcomes.append(Outcome(short, code, title))
    papers = [Publication(name, name_of(each), "") for (type_, name), each in resources.items() if type_ == "Citation"]
    trial = Trial(
        id_,
        name_of(study),
        "",
        (),
        (),
        Eligibility(""),
        tuple(groups),
        tuple(exposures),
        tuple(outcomes),
        tuple(paper.slug for paper in papers),
    )
    return trial, Catalogue(publications=tuple(papers))


def _group(resource: Json, study: str) -> GroupOf:
    of = next(iter(_references(resource, "parent-population")), None)
    eligible = [id_of(each) for each in _references(resource, "eligibility")]
    return GroupOf(
        slug(str(resource["id"]), study),
        name_of(resource),
        "subgroup" if of else "analysis",
        "",
        of=slug(of, study) if of else None,
        studies=tuple(each.removesuffix(ELIGIBILITY) for each in eligible if each.endswith(ELIGIBILITY)),
    )


def _references(group: Json, kind: str) -> Iterator[str]:
    """What the characteristics of a kind refer to."""
    for each in group.get("characteristic", ()):
        coded = {coding.get("code") for coding in each.get("code", {}).get("coding", ())}
        if kind in coded and (found := reference_of(each.get("valueReference"))):
            yield found


def _outcome_code(variable: Json) -> str | None:
    """The outcome that a variable is, as a key of ``codes.OUTCOMES``; None where it is an exposure."""
    for each in variable.get("characteristic", ()):
        for coding in each.get("definitionCodeableConcept", {}).get("coding", ()):
            if coding.get("system") == codes.OUTCOME:
                return _OUTCOMES.get(str(coding.get("code")))
    return None
