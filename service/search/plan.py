"""What the search parameters of a resource type find in a resource, all of them at once.

Their paths are followed together (:mod:`service.fhir.fhirpath.fast_tree`), and so are those of the components of all
composites about one kind of element. A parameter that is more than paths, and any in a resource that is not what its
type promises, is evaluated by itself, with the same outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeAlias

from service.fhir.fhirpath import EvaluationError
from service.fhir.fhirpath.fast import Path
from service.fhir.fhirpath.fast_tree import Tree, head_of
from service.search.parameters import Parameter
from service.search.sources import Found, Source, found_in
from service.search.types import composite

Json: TypeAlias = dict[str, Any]
Memo: TypeAlias = dict[tuple[str, int], dict[int, list[Any]]]
"""What was found in the elements of one resource, by type and identity of the element."""
Components: TypeAlias = Callable[[str, Any, Memo], Sequence[Found]]
"""What each component finds in an element, of a type and a value; if one finds nothing, there may be none at all."""

_WHOLE: Final = frozenset({"_content", "_text"})
"""What is no expression: the resource itself, and its narrative."""
_ODD: Final = (AttributeError, TypeError, EvaluationError)


def found_by(parameter: Parameter, resource: Json) -> Found:
    """What a parameter finds in a resource."""
    if parameter.code == "_content":
        return [("Resource", [resource])]
    if parameter.code == "_text":
        return [("Narrative", [resource["text"]])] if "text" in resource else []
    return found_in(resource, parameter.sources)


def components_of(parameter: Parameter) -> Components:
    """What finds the components of a composite one by one."""
    find = composite.components(parameter)
    return lambda fhir_type, value, _memo: find(fhir_type, value)


class Plan:
    """Parameters of one resource type, known by their place among all; safe to share between threads.

    ``components`` has for each what finds its components, of which only a composite has any.
    """

    __slots__ = ("_ends", "_others", "_parameters", "_tree", "components")

    def __init__(self, parameters: Sequence[Parameter]):
        self._parameters = tuple(parameters)
        self._ends: list[tuple[int, str]] = []
        self._others: list[tuple[int, frozenset[str | None] | None]] = []
        together: list[Path] = []
        for number, parameter in enumerate(parameters):
            paths = None if parameter.code in _WHOLE else _paths(parameter.sources)
            if paths is None:
                self._others.append((number, None if parameter.code in _WHOLE else _heads(parameter.sources)))
            else:
                together += paths
                self._ends += [(number, path.type) for path in paths]
        self._tree = Tree(together)
        self.components = _components(self._parameters)

    def find(self, resource: Json) -> list[tuple[int, Found]]:
        """The places of the parameters that find something in a resource, each with what it finds."""
        try:
            ends = self._tree.find(resource)
        except _ODD:
            alone = [(number, found_by(parameter, resource)) for number, parameter in enumerate(self._parameters)]
            return [(number, values) for number, values in alone if values]
        found: list[tuple[int, Found]] = []
        last = -1
        for end, values in ends:
            number, fhir_type = self._ends[end]
            if number == last:
                found[-1][1].append((fhir_type, values))
            else:
                found.append((number, [(fhir_type, values)]))
                last = number
        for number, heads in self._others:
            if heads is None or not heads.isdisjoint(resource):
                other = found_by(self._parameters[number], resource)
                if other:
                    found.append((number, other))
        return found


def _paths(sources: Iterable[Source]) -> list[Path] | None:
    """The paths of a parameter, None if its expression is more than paths."""
    found: list[Path] = []
    for source in sources:
        extract = source.expression.extract
        if extract is None or extract.distinct:
            return None
        found += extract.paths
    return found


def _heads(sources: Iterable[Source]) -> frozenset[str | None] | None:
    """The members of a resource of which one must be there, for else nothing is found; None where unknown."""
    found: set[str | None] = set()
    for source in sources:
        extract = source.expression.extract
        found.update([None] if extract is None else map(head_of, extract.paths))
    return None if None in found else frozenset(found)


def _components(parameters: Sequence[Parameter]) -> Sequence[Components]:
    """What finds the components of each; those of one type of element are followed together."""
    together: dict[str, list[Path]] = {}
    ends: dict[int, tuple[str, list[list[tuple[int, str]]]]] = {}
    for number, parameter in enumerate(parameters):
        element = {source.expression.type for component in parameter.components for source in component.sources}
        paths = [_paths(component.sources) for component in parameter.components]
        if len(element) == 1 and (type_ := element.pop()) is not None and None not in paths:
            known = together.setdefault(type_, [])
            ends[number] = type_, []
            for each in paths:
                ends[number][1].append([(len(known) + place, path.type) for place, path in enumerate(each or ())])
                known += each or ()
    trees = {type_: Tree(paths) for type_, paths in together.items()}
    found = [components_of(parameter) for parameter in parameters]
    for number, (type_, its_ends) in ends.items():
        found[number] = _shared(trees[type_], type_, its_ends, found[number])
    return found


def _shared(tree: Tree, type_: str, ends: Sequence[Sequence[tuple[int, str]]], alone: Components) -> Components:
    """The components of elements of one type in a tree, each by the ends of its paths there and their types."""

    def components(fhir_type: str, value: Any, memo: Memo) -> Sequence[Found]:  # noqa: ANN401  # any JSON value
        if fhir_type != type_:
            return alone(fhir_type, value, memo)
        place = (type_, id(value))
        held = memo.get(place)
        if held is None:
            try:
                held = dict(tree.find(value))
            except _ODD:
                return alone(fhir_type, value, memo)
            memo[place] = held
        found: list[Found] = []
        for each in ends:
            if len(each) == 1:
                end, kind = each[0]
                values = held.get(end)
                here = [(kind, values)] if values is not None else []
            else:
                here = [(kind, held[end]) for end, kind in each if end in held]
            if not here:
                return ()
            found.append(here)
        return found

    return components
