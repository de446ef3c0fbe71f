"""What becomes of a resource that is not valid (https://hl7.org/fhir/R5/validation.html).

The base definitions hold in every mode: without the structure, data types and required codes of R5 a resource could be
neither indexed nor found, nor read by any client. Beyond them:

- ``strict``: whatever breaks an invariant or a profile is refused;
- ``warn``: it is stored, with a tag that says so and can be searched by, and its errors come back as warnings;
- ``off``: neither invariants nor profiles are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, Protocol

from service.errors import Issue, Unprocessable
from service.fhir.json import Document, with_member
from service.fhir.library import Library
from service.interactions.elsewhere import settle
from service.interactions.faults import TYPES
from service.profiles.base import check as check_base
from service.profiles.base import is_structural
from service.profiles.definition.problems import ProfileError
from service.profiles.definition.tree import Trees
from service.profiles.validator import Outcome
from service.terminology.external import External

Mode = Literal["strict", "warn", "off"]
Json = dict[str, Any]

FATAL: Final = frozenset({"fatal", "error"})
STATUS_SYSTEM: Final = "https://trial-registry.example.org/fhir/CodeSystem/validation-status"
WITH_ERRORS: Final = "with-errors"
TAG: Final = {"system": STATUS_SYSTEM, "code": WITH_ERRORS}
"""What is in ``meta.tag`` of a resource that was stored though it is not valid."""


class Checker(Protocol):
    """Finds the problems of a resource, those of the profiles that it claims included."""

    def check_full(self, resource: Json, profiles: Sequence[str] = (), contexts: Sequence[Json] = ()) -> Outcome:
        """Return every problem, of these profiles as well, and the codes about which others may know more.

        ``contexts`` are the uses (UsageContext) that the resource is for.
        """
        ...


@dataclass(frozen=True, slots=True)
class Judged:
    """A resource as it is to be stored, and what its author is to be warned of; ``tolerated`` though it has errors."""

    document: Document
    warnings: tuple[Issue, ...] = ()
    tolerated: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of what is stored: ``required`` has the profiles that each resource of a type must meet.

    The ``checker`` finds its profiles in the ``library``.
    ``faults`` finds what is wrong with a definition whose structure is right; that is never tolerated.
    """

    library: Library
    checker: Checker
    mode: Mode = "strict"
    required: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    faults: Callable[[Json], Sequence[Issue]] = lambda _: ()

    def profile_type(self, profile: str) -> str | None:
        """Return the type that a profile is about, None if the profile is not known."""
        return Trees(self.library).type_of(profile)

    def unusable(self, profile: str) -> str | None:
        """Return why nothing can be checked against a profile, None where it can."""
        try:
            known = Trees(self.library).usable(profile) is not None
        except ProfileError as problem:
            return f"The profile {profile} cannot be used: {problem}."
        return None if known else f"The profile {profile} is not known here."

    def check(self, resource: Json, profiles: Sequence[str] = (), contexts: Sequence[Json] = ()) -> Outcome:
        """Return every problem of a resource, whatever the mode: base, claimed and required profiles, and these."""
        required = self.required.get(str(resource.get("resourceType")), ())
        found = self.checker.check_full(resource, tuple(dict.fromkeys((*required, *profiles))), contexts)
        faults = self._faults(resource) if found.well_formed else ()
        return replace(found, issues=[*found.issues, *faults]) if faults else found

    async def issues(
        self,
        resource: Json,
        profiles: Sequence[str] = (),
        external: External | None = None,
        contexts: Sequence[Json] = (),
    ) -> list[Issue]:
        """Return the same, with another terminology server asked for codes that are not known here."""
        found = self.check(resource, profiles, contexts)
        if external is None or not found.questions:
            return found.issues
        return await settle(found.issues, found.questions, external)

    async def judge(self, document: Document, external: External | None = None) -> Judged:
        """Return what is to be done with a resource.

        Raises :class:`Unprocessable` with every problem at once where it is refused.
        """
        if self.mode == "off":
            if refusals := self.intolerable(document.data):
                raise Unprocessable(refusals)
            return Judged(document)
        issues = await self.issues(document.data, external=external)
        if not any(issue.severity in FATAL for issue in issues):
            return Judged(_tagged(document, wanted=False), tuple(issues))
        if self.mode == "strict" or self.intolerable(document.data):
            raise Unprocessable(issues)
        warnings = tuple(replace(each, severity="warning") if each.severity in FATAL else each for each in issues)
        return Judged(_tagged(document, wanted=True), warnings, tolerated=True)

    def intolerable(self, resource: Json) -> list[Issue]:
        """Return what no mode lets pass."""
        found = list(filter(is_structural, check_base(resource)))
        return found or [each for each in self._faults(resource) if each.severity in FATAL]

    def _faults(self, resource: Json) -> Sequence[Issue]:
        """What is wrong with a definition, whose structure is right."""
        return self.faults(resource) if str(resource.get("resourceType")) in TYPES else ()


def _tagged(document: Document, *, wanted: bool) -> Document:
    """Put the tag in, or take out one that an earlier version had; what the client sent stays as it is otherwise."""
    before = document.data.get("meta", {}).get("tag", [])
    kept = [tag for tag in before if not _is_ours(tag)]
    tags = [*kept, TAG] if wanted else kept
    if tags == before:
        return document
    meta = {name: value for name, value in document.data.get("meta", {}).items() if name != "tag"}
    return with_member(document, "meta", {**meta, "tag": tags} if tags else meta)


def _is_ours(tag: Any) -> bool:  # noqa: ANN401  # any JSON value
    return isinstance(tag, dict) and tag.get("system") == STATUS_SYSTEM
