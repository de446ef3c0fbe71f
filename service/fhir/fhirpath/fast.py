"""Closures over plain JSON for plain paths: what most search parameters are.

A path whose types are all known beforehand needs no nodes: ``ResearchStudy.identifier`` is one look-up. What is
compiled here gives exactly what the nodes would give; anything that could need more (a type that only the data tell, an
extension on a primitive value) is left to them. The resource must have the structure that its type promises: a text
where an array belongs is found out by validation, not here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields, replace
from typing import Any, Final, TypeAlias

from service.fhir.fhirpath import model
from service.fhir.fhirpath.equality import key
from service.fhir.fhirpath.node import Node
from service.fhir.fhirpath.references import contained_type, target_type
from service.fhir.fhirpath.syntax import Call, Invoke, Literal, Member, Syntax, TypeTest, union_parts

Json: TypeAlias = Any
Get: TypeAlias = Callable[[dict[str, Any]], list[Json]]
Move: TypeAlias = Callable[[list[Json]], list[Json]]
Condition: TypeAlias = Callable[[dict[str, Any]], "bool | None"]
Codes: TypeAlias = tuple[str, frozenset[str]]

_LOOSE: Final = frozenset(("System.Date", "System.DateTime", "System.Time", "System.Quantity"))
"""Values of which two can be equal though their JSON is not."""


@dataclass(frozen=True, slots=True)
class Path:
    """A path: how its values are found, their type, and whether there may be several.

    ``last`` is the last step's entry and ``before`` the path that it starts from, None at the root. ``move`` is this
    step alone, from all values before it to all after, None where it also asks the root; two with the same ``label`` do
    the same, and that of an element is its member. ``condition`` is what a filter asks, ``codes`` the member and its
    texts where that is all that it asks.
    """

    get: Get
    type: str
    many: bool = False
    before: Path | None = None
    last: model.Entry | None = None
    repeats: bool = False
    move: Move | None = None
    label: Hashable = None
    condition: Condition | None = None
    codes: Codes | None = None


@dataclass(frozen=True, slots=True)
class Extract:
    """An expression over plain JSON: its values, with or without their types.

    ``paths`` are the paths of which it is made, one after the other; ``distinct`` if of two values that are equal only
    one is kept.
    """

    values: Get
    typed: Callable[[dict[str, Any]], list[tuple[str, Json]]]
    paths: tuple[Path, ...]
    distinct: bool = False


def compile_extract(tree: Syntax, root: str) -> Extract | None:
    """A fast form of an expression, None if it has none."""
    answer = _answer(tree, root)
    if answer is not None:
        return _plain([answer])
    parts = union_parts(tree)
    paths: list[Path] = []
    for part in parts:
        found = paths_of(part, root)
        # What is of an abstract type, as a contained resource, has one that only the data tell.
        if found is None or any(model.is_abstract(path.type) for path in found):
            return None
        paths.extend(found)
    if len(parts) > 1:
        return _distinct(paths)
    return _plain(paths)


def _answer(tree: Syntax, root: str) -> Path | None:
    """A question that always has an answer, as a path to it: ``result.exists()``."""
    from service.fhir.fhirpath.fast_conditions import answers, condition_of  # conditions are made of paths

    condition = condition_of(tree, root) if answers(tree) else None
    if condition is None:
        return None
    return Path(lambda resource: [bool(condition(resource))], "System.Boolean", before=_start(root))


def _plain(paths: list[Path]) -> Extract:
    if len(paths) == 1:
        get, kind = paths[0].get, paths[0].type

        def typed(resource: dict[str, Any]) -> list[tuple[str, Json]]:
            found = get(resource)
            return [(kind, value) for value in found] if found else found

        return Extract(get, typed, tuple(paths))
    pairs = [(path.get, path.type) for path in paths]
    return Extract(
        lambda resource: [value for get, _ in pairs for value in get(resource)],
        lambda resource: [(kind, value) for get, kind in pairs for value in get(resource)],
        tuple(paths),
    )


def _distinct(paths: list[Path]) -> Extract:
    plain = _plain(paths)
    loose = any(model.system_type(path.type) in _LOOSE for path in paths)
    find, find_typed = plain.values, plain.typed

    def values(resource: dict[str, Any]) -> list[Json]:
        found = find(resource)
        return found if len(found) < 2 or _all_different(found, loose) else [value for _, value in typed(resource)]

    def typed(resource: dict[str, Any]) -> list[tuple[str, Json]]:
        found = find_typed(resource)
        if len(found) < 2 or _all_different([value for _, value in found], loose):
            return found
        kept: dict[Any, tuple[str, Json]] = {}
        for kind, value in found:
            kept.setdefault(key(Node(value, kind)), (kind, value))
        return list(kept.values())

    return Extract(values, typed, plain.paths, distinct=True)


def _all_different(values: list[Json], loose: bool) -> bool:
    """Whether it is certain that no two values are equal."""
    if loose or len(values) > 8:
        return False
    return not any(value == other for index, value in enumerate(values) for other in values[:index])


def paths_of(tree: Syntax, root: str) -> list[Path] | None:
    """The paths that an expression without unions consists of: several for a choice, none if it is always empty."""
    if isinstance(tree, Member):
        return _head(tree.name, root)
    if isinstance(tree, Invoke):
        before = paths_of(tree.target, root)
        if before is None:
            return None
        if isinstance(tree.step, Member):
            return _through(before, tree.step.name)
        return _called(before, tree.step)
    if isinstance(tree, TypeTest) and tree.operator == "as":
        before = paths_of(tree.operand, root)
        return None if before is None else _narrowed(before, tree.type)
    return None


def _start(root: str) -> Path:
    return Path(lambda resource: [resource], root)


def _head(name: str, root: str) -> list[Path] | None:
    start = _start(root)
    if model.is_type(name) and name[0].isupper():
        if model.is_abstract(root):
            return None
        return [start] if name in model.supertypes(root) else []
    return _through([start], name)


def _through(before: list[Path], name: str) -> list[Path] | None:
    found: list[Path] = []
    for path in before:
        step = model.step(path.type, name)
        if model.is_primitive(path.type) or model.is_abstract(path.type) or path.type.startswith("System."):
            return None
        if step is not None:
            found.extend(_step(path, entry, repeats=step.repeats) for entry in step.entries)
    return found


def _step(path: Path, entry: model.Entry, *, repeats: bool) -> Path:
    move = _move(entry.member, repeats=repeats)
    get = _get(path, entry, move, repeats=repeats)
    return Path(get, entry.type, path.many or repeats, path, entry, repeats, move, entry.member)


def _move(member: str, *, repeats: bool) -> Move:
    if repeats:
        return lambda values: [item for value in values for item in value.get(member) or () if item is not None]
    return lambda values: [item for value in values if (item := value.get(member)) is not None]


def only_member(path: Path) -> str | None:
    """The member of the root that the path is, if it is one that does not repeat."""
    plain = path.before is not None and path.before.before is None and not path.repeats
    return path.label if plain and isinstance(path.label, str) else None


def _get(path: Path, entry: model.Entry, move: Move, *, repeats: bool) -> Get:
    member, before = entry.member, path.get
    if path.before is None and not repeats:

        def get_one(resource: dict[str, Any]) -> list[Json]:
            value = resource.get(member)
            return [] if value is None else [value]

        return get_one
    if path.before is None and not entry.primitive:
        return lambda resource: resource.get(member) or []
    first = only_member(path)
    if first is None:
        return lambda resource: move(before(resource))

    def get_below_one(resource: dict[str, Any]) -> list[Json]:
        owner = resource.get(first)
        return [] if owner is None else move([owner])

    def get_one_below_one(resource: dict[str, Any]) -> list[Json]:
        owner = resource.get(first)
        value = None if owner is None else owner.get(member)
        return [] if value is None else [value]

    return get_below_one if repeats else get_one_below_one


def _called(before: list[Path], call: Call) -> list[Path] | None:
    argument = call.arguments[0] if len(call.arguments) == 1 else None
    if call.name == "ofType" and argument is not None:
        specifier = argument.name if isinstance(argument, Member) else None
        return None if specifier is None else _narrowed(before, specifier)
    if call.name == "where" and argument is not None:
        return _filtered(before, argument)
    if call.name == "extension" and isinstance(argument, Literal) and isinstance(argument.value, str):
        return _extensions(before, argument.value)
    if call.name == "first" and not call.arguments and len(before) == 1:
        path, find = before[0], before[0].get
        if model.is_primitive(path.type):
            return before if not path.many else None
        return [
            Path(
                lambda resource: find(resource)[:1],
                path.type,
                before=path,
                last=path.last,
                move=lambda values: values[:1],
                label=("first",),
            )
        ]
    return None


def _narrowed(before: list[Path], specifier: str) -> list[Path] | None:
    wanted = model.resolve_type(specifier)
    if wanted is None or any(model.is_abstract(path.type) for path in before):
        return None
    return [path for path in before if model.matches(path.type, wanted, exact_primitives=True)]


def _filtered(before: list[Path], criterion: Syntax) -> list[Path] | None:
    from service.fhir.fhirpath.fast_conditions import codes_of, condition_of  # conditions are made of paths

    target = _resolved_type(criterion)
    found = []
    for path in before:
        if target is not None:
            found.append(_pointing(path, target))
            continue
        if model.is_primitive(path.type):
            return None
        condition = condition_of(criterion, path.type)
        if condition is None:
            return None
        found.append(_kept(path, condition, ("where", _shape(criterion)), codes_of(criterion, path.type)))
    return found


def _kept(path: Path, condition: Condition, label: Hashable, codes: Codes | None) -> Path:
    find = path.get
    move: Move
    if codes is None:

        def move(values: list[Json]) -> list[Json]:
            return [value for value in values if condition(value)]

    else:
        member, texts = codes

        def move(values: list[Json]) -> list[Json]:
            return [value for value in values if value.get(member) in texts]

    return replace(
        path,
        get=lambda resource: move(find(resource)),
        before=path,
        last=None,
        move=move,
        label=label,
        condition=condition,
        codes=codes,
    )


def _shape(tree: Any) -> Hashable:  # noqa: ANN401  # a tree, several of them, or what they are made of
    """What a tree says, wherever it is written."""
    if isinstance(tree, tuple):
        return tuple(map(_shape, tree))
    if not isinstance(tree, Syntax):
        return repr(tree)
    return type(tree), *(_shape(getattr(tree, each.name)) for each in fields(tree) if each.name != "position")


def _resolved_type(criterion: Syntax) -> str | None:
    """The type in ``resolve() is Type``."""
    if not isinstance(criterion, TypeTest) or criterion.operator != "is" or "." in criterion.type:
        return None
    operand = criterion.operand
    plain = isinstance(operand, Call) and operand.name == "resolve" and not operand.arguments
    return criterion.type if plain and model.is_resource(criterion.type) else None


def _pointing(path: Path, target: str) -> Path:
    find = path.get

    def get(resource: dict[str, Any]) -> list[Json]:
        return [value for value in find(resource) if _points_to(value, resource, target)]

    return replace(path, get=get, before=path, last=None, move=None, label=None, condition=None, codes=None)


def _points_to(value: Json, resource: dict[str, Any], target: str) -> bool:
    text = value.get("reference") if isinstance(value, dict) else value
    if isinstance(text, str) and text.startswith("#"):
        kind = contained_type(resource, text)
    else:
        kind = target_type(text) if isinstance(text, str) else None
        if kind is None and isinstance(value, dict) and model.is_resource(str(value.get("type"))):
            kind = value["type"]
    return kind is not None and target in model.supertypes(kind)


def _extensions(before: list[Path], url: str) -> list[Path] | None:
    found = _through(before, "extension")
    if found is None:
        return None
    codes = "url", frozenset((url,))
    return [_kept(path, lambda value: value.get("url") == url, ("extension", url), codes) for path in found]
