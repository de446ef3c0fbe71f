"""Validation of a resource against all that is known of it: https://hl7.org/fhir/R5/validation.html.

The base definitions, the profiles that it claims and those that are asked for, the definitions of its extensions; the
same for the resources in it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from service.errors import Issue, Severity
from service.fhir.fhirpath import Hooks, Node
from service.fhir.library import Library
from service.profiles import item as items
from service.profiles import vital_signs
from service.profiles.base import check_into, is_structural
from service.profiles.compile import root_of
from service.profiles.definition.problems import ProfileError
from service.profiles.definition.tree import Trees
from service.profiles.item import Item
from service.profiles.profile import Profile
from service.profiles.profile_run import Asked, ProfileRun, Question
from service.profiles.rules import coded, concept_map, extension_use
from service.profiles.run import SINGLE, Object, Where
from service.terminology.base import Terminology, Verdict

MOST_CODES: Final = 20_000
"""Codes whose verdicts are remembered, and concepts of which is remembered what is wrong with them."""

_TYPE: Final = "StructureDefinition"
_CODES: Final = ("ValueSet", "CodeSystem")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a validation found, and the codes about which another terminology server may know more.

    ``well_formed`` tells that nothing is wrong by the base definitions, their invariants aside.
    """

    issues: list[Issue]
    questions: list[Question]
    well_formed: bool = True


class Validator:
    """Validates against the profiles of a library, which may change at any time.

    ``unknown_profile`` is the severity of a claimed profile that the library does not have, or that cannot be used.
    """

    def __init__(
        self, library: Library, terminology: Terminology, *, unknown_profile: Literal["warning", "error"] = "warning"
    ) -> None:
        self.terminology = terminology
        self._library = library
        self._unknown_profile: Severity = unknown_profile
        self._hooks = Hooks(member_of=self._member_of, conforms_to=self._conforms_to)
        self._changes = library.generation(_TYPE, *_CODES)
        self._generation = library.generation(_TYPE)
        self._trees = Trees(library)
        self._profiles: dict[str, Profile | ProfileError | None] = {}
        self._codes = library.generation(*_CODES)
        self.verdicts: dict[tuple[Any, ...], Verdict] = {}
        self.findings: dict[Hashable, tuple[coded.Finding, ...]] = {}

    def check(self, resource: Object, profiles: Sequence[str] = ()) -> list[Issue]:
        """Return every problem of a resource; never raises for its content. See :meth:`check_full`."""
        return self.check_full(resource, profiles).issues

    def check_full(self, resource: Object, profiles: Sequence[str] = (), contexts: Sequence[Object] = ()) -> Outcome:
        """Check a resource against the base, the profiles that it and what is in it claims, and those given.

        ``contexts`` are the uses (UsageContext) that it is for, which decide about some additional bindings.
        """
        self._refresh()
        run = check_into(lambda read: ProfileRun(read, self, contexts), resource)
        well_formed = not any(map(is_structural, run.issues))
        root = items.of_resource(run.container, root_of(resource))
        if root.place is not None:
            _check_claims(root, run)
            for canonical in profiles:
                run.apply(canonical, root)
            extension_use.check_all(root, run)
            coded.extensible_of_base(run)
        return Outcome(_without_repetitions(run.issues), run.questions, well_formed)

    def profile(self, canonical: str) -> Profile | None:
        """The compiled profile, None if it is not known or cannot be used."""
        found = self._profiles.get(canonical) or self._found(canonical)
        return found if isinstance(found, Profile) else None

    def unusable(self, canonical: str, where: Where, run: ProfileRun) -> None:
        """Report why there is no compiled profile."""
        found = self._found(canonical)
        if isinstance(found, ProfileError):
            why = "; ".join(issue.diagnostics for issue in found.issues)
            text = f"the profile {canonical} cannot be used: {why}"
            run.report("not-supported", "profile", where, text, self._unknown_profile)
        else:
            text = f"the profile {canonical} is not known here"
            run.report("not-found", "unknown-profile", where, text, self._unknown_profile)

    def verdict(self, asked: Asked) -> Verdict:
        """The verdict on a code; a bounded number of them is kept, for as long as the library stays the same."""
        found = self.verdicts.get(asked)
        if found is None:
            if len(self.verdicts) >= MOST_CODES:
                self.verdicts.clear()
            found = self.verdicts[asked] = self.terminology.in_value_set(
                asked.value_set, asked.system, asked.code, version=asked.version, display=asked.display
            )
        return found

    def _found(self, canonical: str) -> Profile | ProfileError | None:
        if canonical not in self._profiles:
            try:
                tree = self._trees.usable(canonical)
                self._profiles[canonical] = Profile(tree, self._trees, self._hooks) if tree else None
            except ProfileError as unusable:
                self._profiles[canonical] = unusable
        return self._profiles[canonical]

    def _refresh(self) -> None:
        if len(self.findings) > MOST_CODES:
            self.findings.clear()
        changes = self._library.generation(_TYPE, *_CODES)
        if changes == self._changes:
            return
        self._changes = changes
        generation = self._library.generation(_TYPE)
        if generation != self._generation:
            self._generation = generation
            self._trees = self._trees.anew()
            self._profiles = {}
        codes = self._library.generation(*_CODES)
        if codes != self._codes:
            self._codes = codes
            self.verdicts.clear()
            self.findings.clear()

    def _member_of(self, node: Node, value_set: str) -> bool | None:
        found = coded.codes(node.value, node.type)
        answers = [coded.verdict(value_set, code, self).result for code in found or ()]
        return True if True in answers else None if None in answers else False

    def _conforms_to(self, node: Node, canonical: str) -> bool | None:
        if self.profile(canonical) is None:
            return None
        if not isinstance(node.value, dict):
            return False
        where: Where = (None, node.type, SINGLE)
        return ProfileRun(node.value, self).conforms(canonical, items.of_resource(node.value, where))


def _check_claims(item: Item, run: ProfileRun) -> None:
    """Check a resource, and the resources in it, against the profiles that each claims."""
    meta = item.value.get("meta")
    claimed = meta.get("profile") if isinstance(meta, dict) else None
    for index, canonical in enumerate(claimed if isinstance(claimed, list) else ()):
        if isinstance(canonical, str):
            run.apply(canonical, item, ((item.where, "meta", SINGLE), "profile", index))
    if item.type == "ConceptMap":
        concept_map.check(item, run)
    for canonical in vital_signs.implied(item.value):
        if run.surroundings.profile(canonical) is not None:
            run.apply(canonical, item)
    for inner in _inner(item):
        around = run.step_into(inner)
        _check_claims(inner, run)
        run.step_out(around)


def _inner(item: Item) -> Iterator[Item]:
    """The resources that stand directly in a resource."""
    value, where = item.value, item.where
    yield from _resources(value.get("contained"), where, "contained")
    if item.type == "Bundle":
        for entry, there in _objects(value.get("entry"), where, "entry"):
            yield from _resources([entry.get("resource")], there, "resource", single=True)
            response = entry.get("response")
            if isinstance(response, dict):
                yield from _resources([response.get("outcome")], (there, "response", SINGLE), "outcome", single=True)
    elif item.type == "Parameters":
        yield from _parameters(value.get("parameter"), where, "parameter")


def _parameters(listed: object, where: Where, name: str) -> Iterator[Item]:
    for parameter, there in _objects(listed, where, name):
        yield from _resources([parameter.get("resource")], there, "resource", single=True)
        yield from _parameters(parameter.get("part"), there, "part")


def _resources(listed: object, where: Where, name: str, *, single: bool = False) -> Iterator[Item]:
    for resource, there in _objects(listed, where, name):
        found = items.of_resource(resource, (where, name, SINGLE) if single else there)
        if found.place is not None:
            yield found


def _objects(listed: object, where: Where, name: str) -> Iterator[tuple[dict[str, Any], Where]]:
    for index, value in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(value, dict):
            yield value, (where, name, index)


def _without_repetitions(issues: list[Issue]) -> list[Issue]:
    """The issues, each once: two profiles of one chain find the same faults."""
    if len(issues) < 2:
        return issues
    kept: dict[tuple[object, ...], Issue] = {}
    for issue in issues:
        kept.setdefault((issue.severity, issue.code, issue.diagnostics, issue.expression, issue.rule), issue)
    return list(kept.values())
