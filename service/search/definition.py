"""A SearchParameter resource, checked before it is used (https://hl7.org/fhir/R5/searchparameter.html).

Whatever this server could not honour is refused when the definition arrives, not when it is searched by: an expression
that does not compile or finds nothing, a code that is taken, a component that does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, get_args

from service.errors import Invalid, Issue, Unprocessable
from service.fhir import definitions
from service.fhir.definitions import Component, SearchParameter, SearchType
from service.search.parameters import RESOURCE, Catalogue
from service.search.sources import sources
from service.search.types import TYPES
from service.search.types.ranges import COMPARATORS
from service.search.value_types import holds

_ABSTRACT: Final = (RESOURCE, "DomainResource")
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


def parse_definition(resource: Mapping[str, Any], catalogue: Catalogue) -> SearchParameter:
    """Return the definition that a valid SearchParameter resource stands for, to be added to a catalogue.

    Raises :class:`Unprocessable` with every reason for which it cannot be used, each located in the resource.
    """
    return _Check(resource, catalogue).run()


@dataclass(slots=True)
class _Check:
    resource: Mapping[str, Any]
    catalogue: Catalogue
    issues: list[Issue] = field(default_factory=list)

    def run(self) -> SearchParameter:
        resource = self.resource
        found = SearchParameter(
            url=str(resource.get("url", "")),
            code=str(resource.get("code", "")),
            type=resource.get("type", "special"),
            base=tuple(resource.get("base") or ()),
            expression=resource.get("expression"),
            target=tuple(resource.get("target") or ()),
            comparator=tuple(resource.get("comparator") or ()),
            modifier=tuple(resource.get("modifier") or ()),
            single_or=resource.get("multipleOr") is False,
            single_and=resource.get("multipleAnd") is False,
            component=tuple(
                Component(part.get("definition", ""), part.get("expression", ""))
                for part in resource.get("component") or ()
            ),
            processing=resource.get("processingMode"),
        )
        self._head(found)
        self._expression(found)
        self._components(found)
        if self.issues:
            raise Unprocessable(self.issues)
        return found

    def _head(self, found: SearchParameter) -> None:
        if not found.url:
            self._issue("url", "required", "A search parameter needs a canonical URL.")
        elif any(official.url == found.url for official in definitions.search_parameters()):
            self._issue("url", "business-rule", f"{found.url} is defined by FHIR R5 and cannot be defined anew.")
        if _CODE.fullmatch(found.code) is None:
            self._issue("code", "value", f"{found.code!r} cannot be the name of a parameter in a URL.")
        if found.type not in get_args(SearchType) or found.type == "special":
            self._issue("type", "not-supported", f"A parameter of type {found.type} cannot be defined here.")
        if not found.base:
            self._issue("base", "required", "A search parameter needs the resource types that have it.")
        known = (*definitions.resource_types(), *_ABSTRACT)
        self._each("base", found.base, known, "is not a resource type of FHIR R5")
        self._each("target", found.target, definitions.resource_types(), "is not a resource type of FHIR R5")
        self._each("comparator", found.comparator, COMPARATORS, "is not a prefix")
        allowed = {"missing", *TYPES[found.type].MODIFIERS} if found.type in TYPES else set()
        if found.type == "reference":
            allowed |= {"type"}
        self._each("modifier", found.modifier, allowed, f"is not a modifier of {found.type} parameters here")
        if found.processing == "other" or (found.processing == "phonetic" and found.type != "string"):
            self._issue("processingMode", "not-supported", f"{found.processing} is not supported for this type.")
        if self.resource.get("constraint"):
            self._issue("constraint", "not-supported", "A constraint on when to use a parameter is not supported.")
        for base in dict.fromkeys(_concrete(found.base)):
            other = self.catalogue.for_type(base).get(found.code)
            if other is not None and other.url != found.url:
                self._issue("code", "duplicate", f"{base} has a parameter {found.code} already: {other.url}.")
                break

    def _expression(self, found: SearchParameter) -> None:
        if not found.expression:
            self._issue("expression", "required", "Without an expression there is nothing to index.")
            return
        for base in found.base:
            if base not in definitions.type_names():
                continue
            types = self._types("expression", found.expression, base)
            if types and not holds(found.type, types):
                self._issue(
                    "expression",
                    "value",
                    f"It finds {', '.join(sorted(types))} in {base}, which is nothing for a {found.type} parameter.",
                )

    def _components(self, found: SearchParameter) -> None:
        if found.type != "composite":
            if found.component:
                self._issue("component", "value", "Only a composite parameter has components.")
            return
        if len(found.component) < 2:
            self._issue("component", "required", "A composite parameter has at least two components.")
        for index, component in enumerate(found.component):
            place = f"component[{index}]"
            target = self.catalogue.definition(component.definition)
            if target is None or target.type in ("composite", "special"):
                problem = "is unknown here" if target is None else f"is {target.type}, which no component can be"
                self._issue(f"{place}.definition", "not-found", f"{component.definition} {problem}.")
            for base in found.base:
                if base in definitions.type_names() and found.expression:
                    self._component(place, component, found.expression, base)

    def _component(self, place: str, component: Component, expression: str, base: str) -> None:
        try:
            elements = {type_ for source in sources(expression, base) for type_ in source.types}
        except Invalid:
            return  # reported already
        if len(elements) != 1:
            self._issue("expression", "not-supported", "The elements of a composite are all of one type.")
            return
        self._types(f"{place}.expression", component.expression, next(iter(elements)))

    def _types(self, place: str, expression: str, root: str) -> frozenset[str]:
        try:
            found = sources(expression, root)
        except Invalid as problem:
            self._issue(place, "not-supported", f"In {root}: {problem}")
            return frozenset()
        if not found:
            self._issue(place, "value", f"{expression} finds nothing in {root}.")
        return frozenset[str]().union(*(source.types for source in found))

    def _each(self, member: str, values: Iterable[str], known: Iterable[str], problem: str) -> None:
        for index, value in enumerate(values):
            if value not in known:
                self._issue(f"{member}[{index}]", "value", f"{value} {problem}.")

    def _issue(self, place: str, code: str, diagnostics: str) -> None:
        self.issues.append(Issue("error", code, diagnostics, (f"SearchParameter.{place}",)))


def _concrete(bases: Iterable[str]) -> Iterator[str]:
    for base in bases:
        if base in _ABSTRACT:
            yield from (name for name in definitions.resource_types() if base in definitions.ancestors(name))
        elif base in definitions.resource_types():
            yield base
