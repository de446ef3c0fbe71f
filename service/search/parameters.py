"""Which search parameters there are for a type (https://hl7.org/fhir/R5/searchparameter.html).

The official ones of R5, all of them, and those that are added: the registry's own and those that users define.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Final, Protocol

from service.errors import Invalid
from service.fhir import definitions
from service.fhir.definitions import SearchParameter, SearchType
from service.search.rows import COMPONENT
from service.search.sources import Source, sources
from service.search.value_types import search_type

RESOURCE: Final = "Resource"
PRESENT: Final = ":present"
"""The form of the key under which a resource has one row if it has any value; ``:missing`` is that it has none."""
_ABSTRACT: Final = frozenset({RESOURCE, "DomainResource"})
_WORDS: Final = frozenset({"_text", "_content", "section-text"})
_COLUMNS: Final = frozenset({"_id", "_lastUpdated"})
_NO_INDEX: Final = frozenset({"_in"})
"""Parameters whose expression is not what they search by: ``_in`` has ``id`` but asks for membership."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter as one resource type has it.

    ``base`` is the type that defines it, and with the code its ``key``: what every resource has is under one key for
    all types. ``root`` is the type that the expression starts from. A composite has components, whose keys are numbered
    and whose root is its element. Empty ``targets``, ``comparators`` and ``modifiers`` do not narrow anything.
    """

    code: str
    type: SearchType
    url: str
    base: str
    key: str
    root: str
    expression: str | None = None
    targets: tuple[str, ...] = ()
    comparators: tuple[str, ...] = ()
    modifiers: tuple[str, ...] = ()
    components: tuple[Parameter, ...] = ()
    single_or: bool = False
    single_and: bool = False
    phonetic: bool = False

    @property
    def indexed(self) -> bool:
        """Whether resources have rows for it; others are answered from what every version has, or not at all."""
        if self.words:
            return True
        return self.expression is not None and self.type != "special" and self.code not in _NO_INDEX | _COLUMNS

    @property
    def words(self) -> bool:
        """Whether it is an index of words: of a narrative, or of the whole resource."""
        return self.code in _WORDS

    @property
    def present(self) -> str:
        """The key of the row that says that the resource has a value."""
        return self.key + PRESENT

    @property
    def sources(self) -> tuple[Source, ...]:
        """What the expression consists of, as far as it can find anything in the root type; compiled when first asked.

        Raises :class:`service.errors.Invalid` where it cannot be compiled.
        """
        return sources(self.expression, self.root) if self.expression else ()

    @property
    def types(self) -> frozenset[str]:
        """The FHIR types that values can have, as far as the expression tells."""
        return _types(self.expression, self.root) if self.expression else frozenset()

    @property
    def implied_system(self) -> str:
        """The code system of a plain ``code`` element, where a required binding fixes it."""
        return _implied_system(self.expression, self.root) if self.expression else ""


class Unready(Protocol):
    """A definition whose index is still being made."""

    @property
    def definition(self) -> SearchParameter:
        """What it defines."""
        ...

    @property
    def progress(self) -> str:
        """How far its index is."""
        ...


class Catalogue:
    """All search parameters of the server; immutable.

    ``extra`` definitions come on top of the official ones; of two with the same code for a type the later one holds.
    ``editions`` (by URL) end the keys of definitions that change: each edition has rows of its own. ``unready`` are not
    in the catalogue, but known.
    """

    def __init__(
        self,
        extra: Sequence[SearchParameter] = (),
        editions: Mapping[str, str] = MappingProxyType({}),
        unready: Sequence[Unready] = (),
    ):
        self.extra = tuple(extra)
        self._editions = editions
        self._unready = tuple(unready)
        self._by_url = {**_official_by_url(), **{definition.url: definition for definition in extra}}
        self._types: dict[str, Mapping[str, Parameter]] = {}

    def for_type(self, type_: str) -> Mapping[str, Parameter]:
        """Code -> parameter of a type, those of every type included, sorted; KeyError if there is no such type."""
        found = self._types.get(type_)
        if found is None:
            found = self._types[type_] = MappingProxyType(self._build(type_))
        return found

    def common(self) -> Mapping[str, Parameter]:
        """The parameters that every type has, which are those of a search across types."""
        return self.for_type(RESOURCE)

    def definition(self, url: str) -> SearchParameter | None:
        """The definition with this canonical URL."""
        return self._by_url.get(url)

    def unready(self, type_: str, code: str) -> Unready | None:
        """The parameter that a type (empty: every type) will have under this code, once its index is made."""
        chain = {type_ or RESOURCE, *definitions.ancestors(type_ or RESOURCE)}
        for each in self._unready:
            if each.definition.code == code and chain & set(each.definition.base):
                return each
        return None

    def _build(self, type_: str) -> dict[str, Parameter]:
        chain = (type_, *definitions.ancestors(type_))
        found = {
            code: self._parameter(definition, type_, _base(definition, chain))
            for code, definition in definitions.search_parameters_for(type_).items()
        }
        for definition in self.extra:
            if not set(chain).isdisjoint(definition.base):
                found[definition.code] = self._parameter(definition, type_, _base(definition, chain))
        return dict(sorted(found.items()))

    def _parameter(self, definition: SearchParameter, root: str, base: str) -> Parameter:
        base = RESOURCE if definition.code in _WORDS and base in _ABSTRACT else base
        key = f"{base}.{definition.code}{self._editions.get(definition.url, '')}"
        return Parameter(
            definition.code,
            definition.type,
            definition.url,
            base,
            key,
            root,
            definition.expression,
            definition.target,
            definition.comparator,
            definition.modifier,
            self._components(definition, key, root, base),
            definition.single_or,
            definition.single_and,
            definition.processing == "phonetic",
        )

    def _components(self, definition: SearchParameter, key: str, root: str, base: str) -> tuple[Parameter, ...]:
        if not definition.component or not definition.expression:
            return ()
        elements = _types(definition.expression, root)
        element = next(iter(elements)) if len(elements) == 1 else root
        found = []
        for number, component in enumerate(definition.component):
            target = self._by_url.get(component.definition)
            kind = search_type(target.type if target else None, _types(component.expression, element))
            found.append(
                Parameter(
                    f"{definition.code}{COMPONENT}{number}",
                    kind,
                    component.definition,
                    base,
                    f"{key}{COMPONENT}{number}",
                    element,
                    component.expression,
                    target.target if target and target.type == kind else (),
                )
            )
        return tuple(found)


def hierarchies(parameter: Parameter, catalogue: Catalogue) -> Mapping[str, Parameter]:
    """Target type -> the parameter of that type that leads to its parent, for the targets that form a hierarchy.

    These are the targets for which ``:above`` and ``:below`` mean something
    (https://hl7.org/fhir/R5/search.html#modifierbelow): a type whose ``partOf`` points to its own kind.
    """
    found: dict[str, Parameter] = {}
    if parameter.type != "reference" or "Reference" not in parameter.types:
        return found
    for target in parameter.targets:
        for candidate in catalogue.for_type(target).values():
            if candidate.type == "reference" and target in candidate.targets and _leads_to_parent(candidate):
                found.setdefault(target, candidate)
    return found


def _leads_to_parent(parameter: Parameter) -> bool:
    return (parameter.expression or "").partition(".where(")[0].endswith(f"{parameter.root}.partOf")


def _base(definition: SearchParameter, chain: Sequence[str]) -> str:
    """The type that gives the key: the root itself, unless the definition is on a type that it specialises."""
    return next(name for name in chain if name in definition.base)


@cache
def _official_by_url() -> Mapping[str, SearchParameter]:
    return {definition.url: definition for definition in definitions.search_parameters()}


@lru_cache(maxsize=16_384)
def _types(expression: str, root: str) -> frozenset[str]:
    try:
        return frozenset[str]().union(*(source.types for source in sources(expression, root)))
    except Invalid:
        return frozenset()


@lru_cache(maxsize=16_384)
def _implied_system(expression: str, root: str) -> str:
    systems = {source.implied_system for source in sources(expression, root) if "code" in source.types}
    return next(iter(systems)) if len(systems) == 1 else ""
