"""The description of a trial that stands beside its results table: who ran it, its arms, groups and outcomes.

A JSON file, read strictly: an unknown field, a wrong type or a reference to something that is not described is an
error. ``Catalogue`` holds what several trials share: organizations and publications.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal, TypeVar

import msgspec

from service.errors import Issue, Unprocessable
from service.registry.codes import OUTCOMES

T = TypeVar("T")


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A record in which nothing is unknown."""


class CodeOf(Strict, frozen=True):
    """A code of some terminology."""

    system: str
    code: str
    display: str


class Concept(Strict, frozen=True):
    """What something is called, with codes as far as there are."""

    text: str
    codes: tuple[CodeOf, ...] = ()


class Progress(Strict, frozen=True):
    """A state of the trial and when it was in it."""

    state: str
    display: str
    start: str | None = None
    end: str | None = None


class GroupOf(Strict, frozen=True):
    """A set of participants: an arm, an analysis population or a subgroup of one of these.

    ``studies``: the ids of the studies that the participants of a whole population come from, where these are others
    than the one described, or several that an analysis pools.
    """

    slug: str
    name: str
    kind: Literal["arm", "analysis", "subgroup"]
    description: str
    of: str | None = None
    quantity: int | None = None
    arm_type: CodeOf | None = None
    exposures: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()


class Exposure(Strict, frozen=True):
    """What participants received."""

    slug: str
    title: str
    description: str
    codes: tuple[CodeOf, ...] = ()


class Outcome(Strict, frozen=True):
    """What was measured; ``code`` is of our outcome code system, ``rank`` only for outcomes that were planned."""

    slug: str
    code: str
    title: str
    handling: Literal["continuous", "dichotomous", "ordinal", "polychotomous"] = "dichotomous"
    description: str | None = None
    rank: Literal["primary", "secondary"] | None = None


class Eligibility(Strict, frozen=True):
    """Who could take part: ages as numbers with a UCUM unit, the rest in words."""

    description: str
    age_from: tuple[int, str] | None = None
    age_below: tuple[int, str] | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


class Trial(Strict, frozen=True):
    """A trial or another study; one without a registration number is known by its slug."""

    slug: str
    title: str
    description: str
    condition: tuple[Concept, ...]
    focus: tuple[Concept, ...]
    eligibility: Eligibility
    groups: tuple[GroupOf, ...]
    exposures: tuple[Exposure, ...]
    outcomes: tuple[Outcome, ...]
    citations: tuple[str, ...]
    nct: str | None = None
    phase: CodeOf | None = None
    progress: tuple[Progress, ...] = ()
    design: tuple[CodeOf, ...] = ()
    sponsor: str | None = None
    eudract: str | None = None
    ctrp: str | None = None
    sponsor_number: str | None = None
    official_title: str | None = None
    acronym: str | None = None
    short_title: str | None = None
    enrolled: int | None = None
    why_stopped: str | None = None
    notes: tuple[str, ...] = ()

    def group(self, slug: str) -> GroupOf:
        """The group of this name."""
        return next(group for group in self.groups if group.slug == slug)

    def whole(self, slug: str) -> GroupOf:
        """The population that a group is, in the end, a part of; itself where it is no subgroup."""
        group = self.group(slug)
        return group if group.of is None else self.whole(group.of)

    def studies(self, slug: str) -> tuple[str, ...]:
        """The ids of the studies that the participants of a group come from."""
        return self.whole(slug).studies or (self.slug,)

    def outcome(self, slug: str) -> Outcome:
        """The outcome of this name."""
        return next(outcome for outcome in self.outcomes if outcome.slug == slug)


class Organization(Strict, frozen=True):
    """A sponsor."""

    slug: str
    name: str


class Publication(Strict, frozen=True):
    """Where results were published, as its citation prints it; ``short`` names it in running text."""

    slug: str
    short: str
    title: str
    authors: str | None = None
    journal: str | None = None
    year: str | None = None
    volume: str | None = None
    issue: str | None = None
    pages: str | None = None
    doi: str | None = None
    pmid: str | None = None
    note: str | None = None


class Catalogue(Strict, frozen=True):
    """What trials share."""

    organizations: tuple[Organization, ...] = ()
    publications: tuple[Publication, ...] = ()

    def organization(self, slug: str) -> Organization:
        """The organization of this name."""
        return next(o for o in self.organizations if o.slug == slug)

    def publication(self, slug: str) -> Publication:
        """The publication of this name."""
        return next(p for p in self.publications if p.slug == slug)


def read_catalogue(*parts: bytes) -> Catalogue:
    """The catalogue, of one part or several; Unprocessable where one cannot be read or two define the same."""
    read = [_decode(part, Catalogue) for part in parts]
    whole = Catalogue(
        tuple(organization for part in read for organization in part.organizations),
        tuple(publication for part in read for publication in part.publications),
    )
    known = Counter([*(o.slug for o in whole.organizations), *(p.slug for p in whole.publications)])
    if twice := [slug for slug, count in known.items() if count > 1]:
        raise Unprocessable([_issue("catalogue", f"{slug!r} is there twice") for slug in twice])
    return whole


def read_trial(data: bytes, catalogue: Catalogue) -> Trial:
    """The description of a trial; Unprocessable with every problem where there is any."""
    trial = _decode(data, Trial)
    issues = [_issue(where, words) for where, words in _problems(trial, catalogue)]
    if issues:
        raise Unprocessable(issues)
    return trial


def _decode(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind, strict=True)
    except msgspec.DecodeError as error:
        raise Unprocessable([_issue("description", str(error))]) from None


def _issue(where: str, words: str) -> Issue:
    return Issue("error", "invalid", words, (where,), "trial-description")


def _problems(trial: Trial, catalogue: Catalogue) -> Iterable[tuple[str, str]]:
    groups = [group.slug for group in trial.groups]
    exposures = [exposure.slug for exposure in trial.exposures]
    variables = [*exposures, *(outcome.slug for outcome in trial.outcomes)]
    for name, slugs in (("groups", [*groups, "eligibility"]), ("exposures and outcomes", variables)):
        yield from ((name, f"{slug!r} is there twice") for slug in sorted({s for s in slugs if slugs.count(s) > 1}))
    yield from (("groups", f"{slug!r} is also an exposure") for slug in sorted({*groups} & {*exposures}))
    for group in trial.groups:
        if group.of is not None and group.of not in groups:
            yield f"groups, {group.slug}", f"it is a part of {group.of!r}, which is not described"
        if (group.kind == "subgroup") != (group.of is not None):
            yield f"groups, {group.slug}", "a subgroup, and only a subgroup, says what it is a part of"
        if group.studies and group.kind != "analysis":
            yield f"groups, {group.slug}", "only an analysis population says which studies it comes from"
        unknown = [slug for slug in group.exposures if slug not in exposures]
        yield from ((f"groups, {group.slug}", f"no exposure {slug!r} is described") for slug in unknown)
    for outcome in trial.outcomes:
        if outcome.code not in OUTCOMES:
            yield f"outcomes, {outcome.slug}", f"{outcome.code!r} is not in the outcome code system"
    if trial.sponsor is not None and trial.sponsor not in {o.slug for o in catalogue.organizations}:
        yield "sponsor", f"no organization {trial.sponsor!r} is in the catalogue"
    known = {p.slug for p in catalogue.publications}
    yield from (("citations", f"{slug!r} is not in the catalogue") for slug in trial.citations if slug not in known)
