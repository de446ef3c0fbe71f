"""From a StructureDefinition and its chain of bases to one tree: https://hl7.org/fhir/R5/profiling.html.

The differential is what counts where the base is known, for its snapshot can only repeat it; without the base, or
without a differential, the snapshot does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from service.errors import Issue
from service.fhir import definitions
from service.fhir.library import Library
from service.profiles.base import check
from service.profiles.definition.differential import Overlay, Segment, UnknownPath, segments
from service.profiles.definition.element import Element
from service.profiles.definition.problems import STRUCTURE, ProfileError, problem

NOT_FOUND: Final = "not-found"
"""The code of the issue that a base, or a base of it, is not known: it may still come."""

_NARROWED: Final = frozenset({"SimpleQuantity", "MoneyQuantity"})
"""Profiles of data types that the tables have beside the types."""
_REMEMBERED: Final = 10_000
"""Definitions that are known to be well-formed, at the most."""


@dataclass(slots=True)
class Tree:
    """A profile: its url, the type that it is about, its elements, and what is wrong with it.

    ``chain`` are the urls of the profiles that it consists of, its own first; ``definition`` is the
    StructureDefinition, an empty object for a type of FHIR itself.
    """

    url: str
    type: str
    root: Element
    definition: dict[str, Any] = field(default_factory=dict)
    chain: tuple[str, ...] = ()
    issues: list[Issue] = field(default_factory=list)


def base_type(canonical: str) -> str | None:
    """The type of FHIR itself that a canonical names; None for everything else."""
    url = canonical.partition("|")[0]
    name = url.removeprefix(STRUCTURE)
    return name if name != url and name in definitions.type_names() and name not in _NARROWED else None


class Trees:
    """The trees of the profiles of a library, each made once; they must not be changed."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._made: dict[str, Tree | None] = {}
        self._well_formed: dict[int, dict[str, Any]] = {}

    def anew(self) -> Trees:
        """Return trees of the same library, which has changed; definitions that were well-formed are still so."""
        trees = Trees(self._library)
        trees._well_formed = self._well_formed if len(self._well_formed) < _REMEMBERED else {}
        return trees

    def trust(self, definition: dict[str, Any]) -> None:
        """Take a definition for well-formed, as whoever has checked it knows."""
        self._well_formed[id(definition)] = definition

    def find(self, canonical: str) -> Tree | None:
        """The tree of a profile or type, None if it is not known. What is wrong with it is in its ``issues``."""
        if canonical not in self._made:
            self._made[canonical] = self._find(canonical, ())
        return self._made[canonical]

    def usable(self, canonical: str) -> Tree | None:
        """Like :meth:`find`; raises ProfileError for a profile with errors."""
        tree = self.find(canonical)
        errors = [issue for issue in tree.issues if issue.severity in ("fatal", "error")] if tree else []
        if errors:
            raise ProfileError(errors)
        return tree

    def type_of(self, canonical: str) -> str | None:
        """The type that a profile is about; None if it is not known. Nothing but the definition is read."""
        name = base_type(canonical)
        if name:
            return name
        definition = self._library.find("StructureDefinition", canonical)
        return str(definition.get("type")).rpartition("/")[2] if definition else None

    def of(self, definition: dict[str, Any], below: tuple[str, ...] = ()) -> Tree:
        """The tree of a StructureDefinition that need not be in the library.

        One whose JSON has the wrong form is not read further; what it lacks does no harm.
        """
        url = str(definition.get("url", ""))
        type_name = str(definition.get("type", "")).rpartition("/")[2]
        tree = Tree(url, type_name, Element(type_name, type_name, type_name), definition, (url,))
        if self._well_formed.get(id(definition)) is not definition:
            malformed = [issue for issue in check(definition) if _is_form(issue)]
            if malformed:
                tree.issues += malformed
                return tree
            self.trust(definition)
        if definition.get("derivation") != "constraint" or type_name not in definitions.type_names():
            text = "only constraints on the types of R5 can be checked, not new types"
            tree.issues.append(problem(text, "StructureDefinition.type", code="not-supported"))
            return tree
        self._inherit(tree, (*below, url))
        return tree

    def _find(self, canonical: str, below: tuple[str, ...]) -> Tree | None:
        name = base_type(canonical)
        if name:
            return Tree(canonical.partition("|")[0], name, Element(name, name, name))
        definition = self._library.find("StructureDefinition", canonical)
        if definition is not None:
            return self.of(definition, below)
        name = canonical.partition("|")[0].removeprefix(STRUCTURE)
        return (
            Tree(STRUCTURE + name, "Quantity", Element("Quantity", "Quantity", "Quantity"))
            if name in _NARROWED
            else None
        )

    def _inherit(self, tree: Tree, below: tuple[str, ...]) -> None:
        definition = tree.definition
        canonical = definition.get("baseDefinition")
        there = "StructureDefinition.baseDefinition"
        if not isinstance(canonical, str):
            tree.issues.append(problem("a profile needs a baseDefinition", there, code="required"))
            return
        if canonical.partition("|")[0] in below:
            tree.issues.append(problem("the profile is, over its bases, derived from itself", there))
            return
        base = self._made.get(canonical) or self._find(canonical, below)
        if base is None:
            if not _listed(definition, "snapshot"):
                text = f"the base {canonical} is not known, and there is no snapshot"
                tree.issues.append(problem(text, there, code=NOT_FOUND))
                return
            self._lay(tree, "snapshot")
            return
        if base.type != tree.type and not _abstract_base(base.type, tree.type):
            text = f"the base {canonical} is about {base.type}, not {tree.type}"
            tree.issues.append(problem(text, "StructureDefinition.type"))
            return
        errors = [issue for issue in base.issues if issue.severity == "error"]
        if errors:
            texts = "; ".join(issue.diagnostics for issue in errors)
            code = NOT_FOUND if all(issue.code == NOT_FOUND for issue in errors) else "invalid"
            tree.issues.append(problem(f"the base {canonical} cannot be used: {texts}", there, code=code))
            return
        if base.definition:
            tree.root = base.root.copy()
            tree.chain += base.chain
        self._lay(tree, "differential" if "differential" in definition else "snapshot")

    def _lay(self, tree: Tree, form: str) -> None:
        overlay = Overlay(tree.root, tree.type, self.type_of)
        before: list[Segment] = []
        for index, element in enumerate(_listed(tree.definition, form)):
            there = f"StructureDefinition.{form}.element[{index}]"
            found = segments(element, before)
            if found[0][0] != tree.type:
                tree.issues.append(problem(f"a path must begin with {tree.type}", there + ".path", rule="path"))
                continue
            try:
                overlay.add(element, found, tree.url, index)
            except UnknownPath as unknown:
                tree.issues.append(problem(str(unknown), there + ".path", rule="path"))
                continue
            before = found
        for laid in tree.root.walk():
            _narrow_extension_value(laid)


def _narrow_extension_value(element: Element) -> None:
    """Let the types that ``Extension.valueBoolean`` and the like name be the only ones of the extension's value.

    So HL7's own tools read an extension that names types and does not mention ``value[x]``.
    """
    if element.base is None or element.base.path != "Extension.value[x]" or element.index is not None:
        return
    named = [kind for slice_ in element.slices.values() if slice_.max != 0 for kind in slice_.types]
    if named and "type" not in element.given:
        element.given["type"] = named


def _is_form(issue: Issue) -> bool:
    """Whether the JSON is not what the definition of StructureDefinition promises; an empty array is harmless."""
    return (issue.code == "structure" or issue.rule == "type") and issue.rule not in ("content", "reference")


def _listed(definition: dict[str, Any], form: str) -> list[dict[str, Any]]:
    listed = definition.get(form)
    elements = listed.get("element") if isinstance(listed, dict) else None
    return [element for element in elements if isinstance(element, dict)] if isinstance(elements, list) else []


def _abstract_base(base: str, type_name: str) -> bool:
    """Whether a profile of an abstract type is narrowed to one of its specialisations."""
    return base in definitions.ancestors(type_name)
