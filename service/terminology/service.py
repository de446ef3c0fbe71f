"""The terminology service (https://hl7.org/fhir/R5/terminology-service.html) over a library of canonical resources.

What it compiles is kept for as long as the library stays the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from service.errors import NotFound, RegistryError
from service.fhir.library import Library, Resource
from service.terminology.base import Verdict
from service.terminology.code_system import System
from service.terminology.compose import Composer, Versions
from service.terminology.displays import is_display
from service.terminology.grammars import GRAMMARS
from service.terminology.members import Member, Members


class TerminologyService:
    """Answers from the code systems and value sets of a library; it implements ``Terminology``."""

    def __init__(self, library: Library) -> None:
        self.library: Final = library
        self._generation = (-1, -1)  # of value sets, of code systems
        self._sets: dict[str, Members | RegistryError] = {}
        self._systems: dict[tuple[str, str | None], System] = {}

    # --- what a validator asks ----------------------------------------------------------------------------------------

    def in_value_set(
        self, value_set: str, system: str | None, code: str, *, version: str | None = None, display: str | None = None
    ) -> Verdict:
        """Whether a code is in a value set (canonical, with or without version)."""
        members = self._known(value_set)
        if not isinstance(members, Members):
            return Verdict(None, str(members) if members else f"The value set {value_set} is not known here.")
        return self.in_members(members, value_set, system, code, version=version, display=display)

    def in_code_system(
        self, system: str, code: str, *, version: str | None = None, display: str | None = None
    ) -> Verdict:
        """Whether a code system has a code."""
        known = self.system(system, version)
        if known is None:
            named = f"{system}|{version}" if version else system
            return Verdict(None, f"The code system {named} is not known here.")
        return self.in_system(known, code, display)

    def subsumes(self, system: str, ancestor: str, descendant: str) -> bool | None:
        """Whether a code is the other or above it in its system's hierarchy; None where it is not known."""
        known = self.system(system)
        return None if known is None else known.subsumes(ancestor, descendant)

    # --- what operations build on -------------------------------------------------------------------------------------

    def system(self, url: str, version: str | None = None) -> System | None:
        """Return a code system, of a version or the newest; None where it is not known."""
        self._refresh()
        key = url, version
        if (known := self._systems.get(key)) is not None:
            return known
        resource = self.library.find("CodeSystem", f"{url}|{version}" if version else url)
        if resource is None and (version or url not in GRAMMARS):
            return None
        if resource is not None and resource.get("content") == "supplement":
            return None
        system = System(url, resource, self.library.supplements(url))
        if system.complete or system.concepts or system.grammar:
            if "#" not in url:
                self._systems[key] = system
            return system
        return None  # a system that is only declared says nothing about its codes

    def system_of(self, resource: Resource) -> System:
        """Return the code system of a resource that need not be in the library."""
        self._refresh()
        url = resource.get("url", "")
        return System(url, resource, self.library.supplements(url))

    def in_system(self, system: System, code: str, display: str | None = None) -> Verdict:
        """Return the verdict on a code of a system."""
        concept = system.find(code)
        if concept is None:
            match system.has(code):
                case True:
                    return Verdict(True)
                case False:
                    return Verdict(False, f"{code!r} is not a code of {system.url}.")
            return Verdict(None, f"Only a part of {system.url} is known here, and {code!r} is not in it.")
        texts = list(concept.displays)
        if display is not None and texts and not is_display(display, texts):
            return _wrong_display(display, code, concept.display)
        return Verdict(True, display=concept.display)

    def in_members(
        self,
        members: Members,
        name: str,
        system: str | None,
        code: str,
        *,
        version: str | None = None,
        display: str | None = None,
        abstract: bool = False,
    ) -> Verdict:
        """Return the verdict on a code in a value set of this name; ``abstract`` codes are wrong unless allowed."""
        found = members.find(system, code)
        if found is None:
            return self._unlisted(name, members, system, code)
        if version is not None and found.system.version not in (None, version):
            return self._other_version(found, code, version)
        if abstract and found.concept.abstract:
            found = replace(found, verdict=Verdict(True, display=found.display))
        return found.verdict if display is None else self.check_display(found, display)

    def members(self, value_set: str) -> Members:
        """Return what is in a value set.

        Raises :class:`NotFound` for a canonical that is not known, or what its composition raises.
        """
        found = self._known(value_set)
        if found is None:
            raise NotFound(f"The value set {value_set} is not known here.")
        if not isinstance(found, Members):
            raise found
        return found

    def members_of(self, value_set: Resource, versions: Versions = Versions()) -> Members:  # noqa: B008  # immutable
        """Return what is in a value set that need not be in the library; raises what its composition raises."""
        self._refresh()
        return self._composer(versions).members(value_set)

    def check_display(self, found: Member, display: str) -> Verdict:
        """Return the verdict on a member with the display that came with it."""
        texts = [*found.concept.displays, *filter(None, [found.display])]
        texts += [str(each["value"]) for each in found.designations if "value" in each]
        listed = found.system.find(found.concept.code) is not None
        if not listed or found.verdict.result is not True or not texts or is_display(display, texts):
            return found.verdict
        return _wrong_display(display, found.concept.code, found.display)

    def _known(self, value_set: str) -> Members | RegistryError | None:
        self._refresh()
        found = self._sets.get(value_set)
        if found is None:
            resource = self.library.find("ValueSet", value_set)
            if resource is None:
                return None
            try:
                found = self._composer(Versions()).members(resource)
            except RegistryError as problem:
                found = problem
            if "#" not in value_set:  # of what follows it there is no end
                self._sets[value_set] = found
        return found

    def _composer(self, versions: Versions) -> Composer:
        sets = self._sets if not versions else {}

        def known(canonical: str) -> Members | None:
            found = sets.get(canonical)
            return found if isinstance(found, Members) else None

        return Composer(self.system, lambda canonical: self.library.find("ValueSet", canonical), known, versions)

    def _refresh(self) -> None:
        library, before = self.library, self._generation
        self._generation = generation = library.generation("ValueSet"), library.generation("CodeSystem")
        if generation == before:
            return
        self._sets.clear()
        if generation[1] != before[1]:
            self._systems.clear()

    def _unlisted(self, value_set: str, members: Members, system: str | None, code: str) -> Verdict:
        shown = repr(f"{system}|{code}") if system else repr(code)
        match members.has(system, code):
            case True:
                return Verdict(True)
            case False:
                return Verdict(False, f"{shown} is not in the value set {value_set}.")
        reasons = "; ".join(gap.text for gap in members.gaps) or "its content is not known here"
        return Verdict(None, f"Whether {shown} is in the value set {value_set} is not known here: {reasons}.")

    def _other_version(self, found: Member, code: str, version: str) -> Verdict:
        other = self.system(found.system.url, version)
        if other is None:
            return Verdict(None, f"Version {version} of {found.system.url} is not known here.", found.display)
        if other.has(code):
            return found.verdict
        return Verdict(False, f"{code!r} is not a code of version {version} of {found.system.url}.")


def _wrong_display(display: str, code: str, right: str | None) -> Verdict:
    return Verdict(True, f"{display!r} is not a display of {code!r}, which is {right!r}.", right, wrong_display=True)
