"""What the parts of a record share while they become FHIR: ids, Groups, and the results by section.

An id is made from the NCT number and of what the thing is called, never from its position in the record or from the
ids that the record gives to groups (``OG000``): those begin anew in every module, and the same arm has several.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from fhir.resources.annotation import Annotation
from fhir.resources.citation import Citation
from fhir.resources.evidence import Evidence, EvidenceStatistic, EvidenceVariableDefinition
from fhir.resources.evidencevariable import EvidenceVariable, EvidenceVariableCharacteristic
from fhir.resources.group import Group, GroupCharacteristic
from fhir.resources.identifier import Identifier
from fhir.resources.location import Location
from fhir.resources.meta import Meta
from fhir.resources.organization import Organization
from fhir.resources.reference import Reference
from fhir.resources.relatedartifact import RelatedArtifact
from fhir.resources.researchstudy import ResearchStudy
from fhir.resources.resource import Resource

from service.registry import codes
from service.registry.codes import Section
from service.registry.ctgov.record import Log, Node
from service.registry.ctgov.vocabulary import SITE
from service.registry.description import Outcome
from service.registry.elements import outcome_concept, own, reference
from service.registry.evidence import role_variable, single_study

GROUP_KEY: Final = f"{codes.BASE}/NamingSystem/ctgov-group"
_WORDS: Final = re.compile(r"[^a-z0-9]+")


def slug(text: str, length: int = 22) -> str:
    """A text as the readable part of an id; empty where nothing of it is ASCII."""
    return _WORDS.sub("-", text.casefold())[:length].strip("-")


def own_id(nct: str) -> str:
    """The id of the ResearchStudy that a record makes, and how the ids of all else begin; the seeds' begin with nct."""
    return f"ctgov-{nct.lower()}"


def source_of(nct: str) -> str:
    """Where the record of a study is for people: the ``meta.source`` of everything that comes from it."""
    return f"{SITE}/study/{nct}"


def notes(texts: Iterable[str | None]) -> list[Annotation] | None:
    """Texts as annotations; None where there is none."""
    return [Annotation(text=text) for text in texts if text] or None


def facts(node: Node, **labels: str) -> list[str]:
    """The values of an object that are there, each after a label in words."""
    found = ((label, node.read(name)) for name, label in labels.items())
    return [f"{label}: {value}" for label, value in found if value is not None]


@dataclass(slots=True)
class Import:
    """One record on its way: what has been built of it. ``study`` is the id of the ResearchStudy that it is about."""

    nct: str
    study: str
    log: Log
    researchstudy: ResearchStudy | None = None
    organizations: dict[str, Organization] = field(default_factory=dict)
    locations: list[Location] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)
    arms: dict[str, str] = field(default_factory=dict)
    variables: dict[str, EvidenceVariable] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)
    placed: dict[Section, list[str]] = field(default_factory=lambda: {section: [] for section in codes.SECTIONS})
    others: list[Resource] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)

    @property
    def prefix(self) -> str:
        """The beginning of every id of this record."""
        return own_id(self.nct)

    @property
    def source(self) -> str:
        """The id of the Citation of the record itself."""
        return f"{self.prefix}-record"

    def named(self, kind: str, name: str, *identity: str | None) -> str:
        """An id: what it is, a readable part of its name, and a digest of all that it is told apart by."""
        digest = sha256("\x1f".join([kind, name, *(each or "" for each in identity)]).encode()).hexdigest()[:8]
        return "-".join(part for part in (self.prefix, kind, slug(name), digest) if part)

    def id(self, kind: str, name: str, *identity: str | None) -> str:
        """An id that nothing else of the record has: of things that nothing tells apart, the second is ``...-2``."""
        made = found = self.named(kind, name, *identity)
        number = 1
        while found in self._ids:
            number += 1
            found = f"{made}-{number}"
        self._ids.add(found)
        return found

    def meta(self, profile: str | None = None) -> Meta:
        """Where a resource comes from, and the profile that it claims."""
        return Meta(source=source_of(self.nct), profile=[profile] if profile else None)

    def everyone(self) -> str:
        """The id of the Group of all participants."""
        found = f"{self.prefix}-participants"
        if found not in self.groups:
            self.groups[found] = self._group(found, "All participants", None, "analysis")
        return found

    def group(self, node: Node, *, counted: int | None = None) -> str:
        """The id of the Group that a group of one module is; the same title and description are the same Group."""
        title = node.read("title") or node.peek("id") or "Group"
        description = node.read("description")
        made = self.named("group", title, description)
        found = self.groups.get(made)
        if found is None:
            kind = "arm" if title.casefold() in self.arms else "analysis"
            found = self.groups[made] = self._group(made, title, description, kind)
        key = node.read("id")
        keys = {str(identifier.value) for identifier in found.identifier or []} | ({key} if key else set())
        found.identifier = [Identifier(use="secondary", system=GROUP_KEY, value=each) for each in sorted(keys)] or None
        if counted is not None:
            found.quantity = counted
        return made

    def _group(self, id_: str, name: str, description: str | None, kind: str) -> Group:
        eligible = reference("Group", f"{self.prefix}-eligibility")
        code = own(codes.CHARACTERISTIC, "eligibility", codes.CHARACTERISTICS["eligibility"])
        return Group(
            id=id_,
            meta=self.meta(codes.STUDY_ARM if kind == "arm" else codes.STUDY_POPULATION),
            active=True,
            name=name,
            description=description,
            type="person",
            membership="enumerated",
            code=own(codes.POPULATION_KIND, kind, codes.GROUP_KINDS[kind]),
            characteristic=[GroupCharacteristic(code=code, valueReference=eligible, exclude=False)],
        )

    def variable(self, id_: str, outcome: Outcome, remarks: Sequence[str | None] = ()) -> EvidenceVariable:
        """An EvidenceVariable of what was measured."""
        made = EvidenceVariable(
            id=id_,
            meta=self.meta(codes.OUTCOME_VARIABLE),
            title=outcome.title,
            status="active",
            description=outcome.description,
            note=notes(remarks),
            characteristic=[EvidenceVariableCharacteristic(definitionCodeableConcept=outcome_concept(outcome))],
            handling=outcome.handling,
        )
        self.variables[id_] = made
        return made

    def result(
        self,
        id_: str,
        title: str,
        profile: str,
        roles: Sequence[EvidenceVariableDefinition],
        statistics: Sequence[EvidenceStatistic],
        section: Section,
        remarks: Sequence[str | None] = (),
    ) -> None:
        """An Evidence of the study, in its section of the report."""
        artifact = RelatedArtifact(type="derived-from", resourceReference=reference("ResearchStudy", self.study))
        self.placed[section].append(id_)
        self.evidence.append(
            Evidence(
                id=id_,
                meta=self.meta(profile),
                identifier=[Identifier(system=codes.RESULT_KEY, value=id_)],
                title=title,
                citeAsReference=reference("Citation", self.source),
                status="active",
                relatedArtifact=[artifact],
                note=notes(remarks),
                variableDefinition=list(roles),
                synthesisType=single_study(),
                statistic=list(statistics),
            )
        )

    def organization(self, name: str) -> Reference:
        """An Organization of this name; it is the same one in every record that names it."""
        digest = sha256(name.encode()).hexdigest()[:8]
        found = "-".join(part for part in ("org", slug(name, 40), digest) if part)
        self.organizations.setdefault(found, Organization(id=found, active=True, name=name))
        return reference("Organization", found)


def population(group: str) -> EvidenceVariableDefinition:
    """A Group as the population of a result."""
    return role_variable("population", reference("Group", group))


def words_of(title: str | None, *parts: str | None) -> str:
    """A title of what there is of its parts."""
    return ", ".join(part for part in (title, *parts) if part)
