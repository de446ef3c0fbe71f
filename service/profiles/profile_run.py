"""One validation against profiles under way: what a run knows beyond the base definitions.

Which profile is being applied, what is asked of terminology, and the resources of a Bundle that references point to
(https://hl7.org/fhir/R5/bundle.html#references).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from service.errors import Issue, Severity
from service.profiles import item as items
from service.profiles.compile import root_of
from service.profiles.item import Item
from service.profiles.run import SINGLE, Object, Run, Where, location

if TYPE_CHECKING:
    from service.profiles.profile import Profile
    from service.profiles.rules.coded import Finding
    from service.terminology.base import Terminology, Verdict


@dataclass(frozen=True, slots=True)
class Question:
    """A code that is not known here, and the value set in which it should be; ``where`` is its FHIRPath location."""

    value_set: str
    system: str | None
    version: str | None
    code: str
    display: str | None
    strength: str
    where: str


class Asked(NamedTuple):
    """A code in question, and the value set in which it should be."""

    value_set: str
    system: str | None
    code: str
    version: str | None
    display: str | None


class Surroundings(Protocol):
    """What a run asks for: profiles by canonical, and the terminology."""

    terminology: Terminology
    verdicts: dict[tuple[Any, ...], Verdict]
    """What is known of codes that have been asked about."""
    findings: dict[Hashable, tuple[Finding, ...]]
    """What is known to be wrong with concepts, by all that this depends on."""

    def verdict(self, asked: Asked) -> Verdict:
        """The verdict on a code, which is among ``verdicts`` from then on."""
        ...

    def profile(self, canonical: str) -> Profile | None:
        """The compiled profile, None if it is not known or cannot be used."""
        ...

    def unusable(self, canonical: str, where: Where, run: ProfileRun) -> None:
        """Report why there is no compiled profile."""
        ...


class ProfileRun(Run):
    """A run against profiles; ``profile`` is the URL of the one that is being applied.

    ``alone`` tells that there is no Bundle around in which a reference could find its target. ``bound_by_profile`` are
    the values that a profile has bound to a value set of its own. ``contexts`` are the uses (UsageContext) that the
    validation is for.
    """

    __slots__ = (
        "_applied",
        "_container_where",
        "_entries",
        "_root",
        "_root_where",
        "alone",
        "bound_by_profile",
        "contexts",
        "profile",
        "questions",
        "surroundings",
    )

    def __init__(self, root: Object, surroundings: Surroundings, contexts: Sequence[Object] = ()) -> None:
        self._root = root
        self._root_where: Where = root_of(root)
        self._container_where: Where = self._root_where
        self._entries: dict[str, Item] | None = None
        self._applied: set[tuple[Where, str]] = set()
        self.alone = root.get("resourceType") != "Bundle"
        self.surroundings = surroundings
        self.contexts = contexts
        self.profile: str | None = None
        self.questions: list[Question] = []
        self.bound_by_profile: set[Where] = set()
        super().__init__(root)

    def report(self, code: str, rule: str, where: Where, text: str, severity: Severity = "error") -> None:
        """Add an issue about the element at ``where``, in the name of the profile."""
        self.issues.append(Issue(severity, code, text, (location(where),), rule, self.profile))

    def apply(self, canonical: str, item: Item, named_at: Where | None = None) -> None:
        """Check an item against a profile, once in a run.

        While an item is being checked against a profile it is taken to conform, for references go round in circles.
        ``named_at`` is where the profile is named, if that is in the resource.
        """
        profile = self.surroundings.profile(canonical)
        if profile is None:
            self.surroundings.unusable(canonical, named_at or item.where, self)
            return
        key = (item.where, profile.url)
        if key in self._applied:
            return
        self._applied.add(key)
        around = self.profile
        self.profile = profile.url
        profile.check(item, self)
        self.profile = around

    def apply_any(self, canonicals: Sequence[str], item: Item, what: str) -> None:
        """Demand that an item conforms to one of several profiles."""
        if len(canonicals) == 1:
            self.apply(canonicals[0], item)
            return
        trials = []
        for canonical in canonicals:
            trial = self.trial(canonical, item)
            if not any(issue.severity == "error" for issue in trial.issues):
                self.issues += trial.issues
                self.questions += trial.questions
                return
            trials.append(trial)
        problems = "; ".join(next(i.diagnostics for i in t.issues if i.severity == "error") for t in trials)
        self.report(
            "structure", "profile", item.where, f"{what} conforms to none of {', '.join(canonicals)}: {problems}"
        )

    def trial(self, canonical: str, item: Item) -> ProfileRun:
        """Check an item against a profile in a run of its own."""
        trial = ProfileRun(self._root, self.surroundings, self.contexts)
        trial.container, trial.resource, trial._container_where = self.container, self.resource, self._container_where
        trial._applied = set(self._applied)
        trial.filled = self.filled
        trial._entries = self._entries
        trial.apply(canonical, item)
        return trial

    def conforms(self, canonical: str, item: Item) -> bool:
        """Whether an item conforms to a profile; one that is not known is conformed to by nothing."""
        if self.surroundings.profile(canonical) is None:
            return False
        return not any(issue.severity == "error" for issue in self.trial(canonical, item).issues)

    def step_into(self, item: Item) -> tuple[Object, Object, Where]:
        """From here on, a resource within another is the one that is checked; gives what :meth:`step_out` takes."""
        around = (self.container, self.resource, self._container_where)
        if item.where[1] != "contained" and item.value is not self.container:
            self.enter(item.value)
            self._container_where = item.where
        self.resource = item.value
        return around

    def step_out(self, around: tuple[Object, Object, Where]) -> None:
        """Go back to the resource from which one was stepped into another."""
        container, resource, where = around
        if container is not self.container:
            self.enter(container)
        self.resource, self._container_where = resource, where

    def resolve(self, text: str) -> Item | None:
        """The contained resource or the entry of the Bundle that a reference means; None for all that is elsewhere."""
        if text.startswith("#"):
            return self._contained_item(text[1:])
        if self._entries is None:
            self._entries = _entries_of(self._root, self._root_where)
        if not self._entries:
            return None
        text = text.partition("#")[0]
        return self._entries.get(text) or self._entries.get(text.partition("/_history/")[0])

    def _contained_item(self, resource_id: str) -> Item | None:
        if not resource_id:
            return items.of_resource(self.container, self._container_where)
        listed = self.container.get("contained")
        for index, resource in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(resource, dict) and resource.get("id") == resource_id:
                return items.of_resource(resource, (self._container_where, "contained", index))
        return None


def _entries_of(bundle: Object, where: Where) -> dict[str, Item]:
    """The resources of a Bundle by ``fullUrl``, and by ``Type/id`` where only one entry has it."""
    listed = bundle.get("entry") if bundle.get("resourceType") == "Bundle" else None
    found: dict[str, Item] = {}
    ambiguous = set()
    for index, entry in enumerate(listed if isinstance(listed, list) else ()):
        resource: Any = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            continue
        item = items.of_resource(resource, ((where, "entry", index), "resource", SINGLE))
        url = entry.get("fullUrl")
        if isinstance(url, str):
            found.setdefault(url, item)
        relative = f"{resource.get('resourceType')}/{resource.get('id')}"
        if relative in found:
            ambiguous.add(relative)
        found.setdefault(relative, item)
    return {name: item for name, item in found.items() if name not in ambiguous}
