"""FHIRPath Patch: a Parameters resource that says how to change another (https://hl7.org/fhir/R5/fhirpatch.html).

The operations are applied one after the other, each to the outcome of those before it. What cannot be done as it is
written is an error that names the operation; nothing is guessed, and the resource that was given is never changed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn, TypeAlias

from service.errors import Issue, RegistryError, Unprocessable
from service.fhir import fhirpath
from service.fhir.fhirpath import Node, model
from service.fhir.fhirpath.parser import parse
from service.fhir.fhirpath.syntax import Invoke, Member

Json: TypeAlias = Any
_ABSENT: Final = object()


class PatchError(Unprocessable):
    """An operation cannot be carried out; the issue's expression is the operation in the Parameters."""


@dataclass(frozen=True, slots=True)
class _Value:
    """A value of an operation: its JSON, the shadow of a primitive, and its type (None if it is given in parts)."""

    json: Json
    shadow: Json = None
    type: str | None = None


class _Operation:
    """One operation, and everything that can be wrong with it."""

    def __init__(self, index: int, parameter: Json):
        self.where = f"Parameters.parameter[{index}]"
        self.number = index + 1
        self.kind = "operation"
        parts = parameter.get("part") if isinstance(parameter, dict) else None
        if not isinstance(parts, list) or parameter.get("name") != "operation":
            self.fail("it is no parameter with the name 'operation' and parts")
        self._parts: dict[str, dict[str, Json]] = {}
        for part in parts:
            name = part.get("name") if isinstance(part, dict) else None
            if not isinstance(name, str) or name in self._parts:
                self.fail(f"the part {name!r} is not a part with a name of its own")
            self._parts[name] = part
        self.kind = self.text("type")
        if self.kind not in _OPERATIONS:
            self.fail(f"there is no operation {self.kind!r}")
        surplus = self._parts.keys() - _OPERATIONS[self.kind][1] - {"type"}
        if surplus:
            self.fail(f"it has no part {', '.join(sorted(surplus))}")

    def fail(self, reason: str) -> NoReturn:
        text = f"Operation {self.number} ({self.kind}): {reason}."
        raise PatchError([Issue("error", "processing", text, (self.where,))])

    def text(self, name: str) -> str:
        value = self._primitive(name)
        return value if isinstance(value, str) else self.fail(f"the part {name!r} is missing or no text")

    def number_of(self, name: str) -> int:
        value = self._primitive(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            self.fail(f"the part {name!r} is missing or no number from 0")
        return value

    def _primitive(self, name: str) -> Json:
        for member, value in self._parts.get(name, {}).items():
            if member.startswith("value"):
                return value
        return None

    @property
    def value(self) -> dict[str, Json]:
        return self._parts["value"] if "value" in self._parts else self.fail("the part 'value' is missing")

    def find(self, path: str, resource: dict[str, Json]) -> list[Node]:
        try:
            found = fhirpath.compile(path, resource.get("resourceType"))(resource)
        except RegistryError as problem:
            self.fail(f"the path {path!r} cannot be used: {problem}")
        for node in found:
            top = node
            while top.parent is not None:
                top = top.parent
            if top.value is not resource:
                self.fail(f"the path {path!r} leads to something that is not in the resource")
        return found

    def one(self, path: str, resource: dict[str, Json]) -> Node:
        found = self.find(path, resource)
        if len(found) != 1:
            self.fail(f"the path {path!r} leads to {len(found)} elements instead of one")
        return found[0]


def apply(resource: dict[str, Json], parameters: dict[str, Json]) -> dict[str, Json]:
    """The resource as it is after all operations; raises :class:`PatchError`."""
    operations = parameters.get("parameter")
    if parameters.get("resourceType") != "Parameters" or not isinstance(operations, list) or not operations:
        raise PatchError("A FHIRPath Patch is a Parameters resource with at least one operation.")
    patched: dict[str, Json] = _copy(resource)
    for index, parameter in enumerate(operations):
        operation = _Operation(index, parameter)
        _OPERATIONS[operation.kind][0](operation, patched)
    return patched


def _add(operation: _Operation, resource: dict[str, Json]) -> None:
    owner, name = operation.one(operation.text("path"), resource), operation.text("name")
    step = _step(operation, owner, name)
    holder = _holder(operation, owner)
    if step.repeats:
        value = _value(operation, operation.value, step)
        _insert(holder, _member(operation, step, value), None, value)
        return
    if any(entry.member in holder or entry.shadow in holder for entry in step.entries):
        operation.fail(f"{owner.path} already has the element {name!r}, which does not repeat")
    value = _value(operation, operation.value, step)
    _set(holder, _member(operation, step, value), value)


def _insert_into(operation: _Operation, resource: dict[str, Json]) -> None:
    path, index = operation.text("path"), operation.number_of("index")
    owner, step = _list(operation, path, resource)
    holder = _holder(operation, owner)
    value = _value(operation, operation.value, step)
    member = _member(operation, step, value)
    length = _length(holder, member)
    if index > length:
        operation.fail(f"the index {index} is beyond the {length} elements of {path!r}")
    _insert(holder, member, index, value)


def _delete(operation: _Operation, resource: dict[str, Json]) -> None:
    path = operation.text("path")
    found = operation.find(path, resource)
    if len(found) > 1:
        operation.fail(f"the path {path!r} leads to {len(found)} elements instead of one")
    for node in found:  # to delete what is not there is no error
        owner = _owner(operation, node)
        _remove(owner, node.member, node.index)


def _replace(operation: _Operation, resource: dict[str, Json]) -> None:
    node = operation.one(operation.text("path"), resource)
    owner = _owner(operation, node)
    parent = node.parent
    if parent is None:
        operation.fail("the resource itself cannot be replaced")
    step = _step(operation, parent, node.name)
    value = _value(operation, operation.value, step)
    member = _member(operation, step, value)
    if node.index is not None:
        _remove(owner, node.member, node.index)
        _insert(owner, member, node.index, value)
        return
    members = list(owner.items())
    owner.clear()
    for name, held in members:
        if name == node.member or (name == "_" + node.member and node.member not in dict(members)):
            _set(owner, member, value)
        elif name != "_" + node.member:
            owner[name] = held


def _move(operation: _Operation, resource: dict[str, Json]) -> None:
    path = operation.text("path")
    source, destination = operation.number_of("source"), operation.number_of("destination")
    owner, step = _list(operation, path, resource)
    holder, member = _holder(operation, owner), step.entries[0].member
    length = _length(holder, member)
    if source >= length or destination >= length:
        operation.fail(f"there are {length} elements in {path!r}: {max(source, destination)} is beyond")
    value = _Value(_at(holder, member, source), _at(holder, "_" + member, source))
    _remove(holder, member, source)
    _insert(holder, member, destination, value)


_OPERATIONS: Final[dict[str, tuple[Callable[[_Operation, dict[str, Json]], None], frozenset[str]]]] = {
    "add": (_add, frozenset(("path", "name", "value"))),
    "insert": (_insert_into, frozenset(("path", "index", "value"))),
    "delete": (_delete, frozenset(("path",))),
    "replace": (_replace, frozenset(("path", "value"))),
    "move": (_move, frozenset(("path", "source", "destination"))),
}


def _list(operation: _Operation, path: str, resource: dict[str, Json]) -> tuple[Node, model.Step]:
    """The element that holds the list which a path names, and the step to the list."""
    found = operation.find(path, resource)
    if found:
        first = found[0]
        owner, name = first.parent, first.name
        if owner is None or any(node.parent is not owner or node.name != name for node in found):
            operation.fail(f"the path {path!r} leads to more than one list")
    else:  # the list is empty: its path still says where it belongs
        tree = parse(path)
        if isinstance(tree, Member):
            owner, name = fhirpath.root(resource), tree.name
        elif isinstance(tree, Invoke) and isinstance(tree.step, Member):
            owner, name = operation.one(path[: tree.position], resource), tree.step.name
        else:
            operation.fail(f"the path {path!r} does not end in the name of a list")
    step = _step(operation, owner, name)
    if not step.repeats:
        operation.fail(f"{name!r} is no list")
    if found and len(found) != _length(_holder(operation, owner), found[0].member):
        operation.fail(f"the path {path!r} leads to a part of a list")
    return owner, step


def _step(operation: _Operation, owner: Node, name: str) -> model.Step:
    step = model.step(owner.type, name, json_names=False)
    return step if step is not None else operation.fail(f"{owner.path} ({owner.type}) has no element {name!r}")


def _holder(operation: _Operation, node: Node) -> dict[str, Json]:
    """The JSON object of an element whose children are changed; a primitive's is made if it is not there yet."""
    if isinstance(node.value, dict):
        return node.value
    if isinstance(node.extra, dict):
        return node.extra
    if node.parent is None:
        return operation.fail(f"{node.path} is a value, which has no elements")
    made: dict[str, Json] = {}
    owner, shadow = _holder(operation, node.parent), "_" + node.member
    if node.index is None:
        owner[shadow] = made
    else:
        held = list(owner.get(shadow) or ())
        held.extend([None] * (_length(owner, node.member) - len(held)))
        held[node.index] = made
        owner[shadow] = held
    return made


def _owner(operation: _Operation, node: Node) -> dict[str, Json]:
    if node.parent is None:
        operation.fail("the resource itself cannot be changed as a whole")
    return _holder(operation, node.parent)


def _value(operation: _Operation, part: dict[str, Json], step: model.Step) -> _Value:
    """The value of a part: of a type (``valueString``), a resource, or an element in parts."""
    given = [member for member in part if member not in ("name", "id", "extension") and not member.startswith("_")]
    shadows = [member[1:] for member in part if member.startswith("_value")]
    names = dict.fromkeys((*given, *shadows))
    if len(names) != 1:
        operation.fail(f"the value of {step.name!r} is not exactly one value")
    (member,) = names
    if member == "part":
        return _Value(_from_parts(operation, part["part"], step))
    if member == "resource":
        return _Value(_copy(part[member]), type="Resource")
    kind = _VALUE_TYPES.get(member)
    if kind is None:
        operation.fail(f"{member!r} is no value")
    return _Value(_copy(part.get(member)), _copy(part.get("_" + member)), kind)


def _value_types() -> dict[str, str]:
    return {entry.member: entry.type for entry in model.steps("Extension")["value"].entries}


_VALUE_TYPES: Final = _value_types()


def _from_parts(operation: _Operation, parts: Json, step: model.Step) -> dict[str, Json]:
    """An element that is no data type, put together of parts that have the names of its elements."""
    if len(step.entries) != 1 or not isinstance(parts, list) or not parts:
        operation.fail(f"{step.name!r} cannot be given in parts")
    node = Node({}, step.entries[0].type, name=step.name)
    for part in parts:
        if not isinstance(part, dict) or not isinstance(part.get("name"), str):
            operation.fail("a part has no name")
        inner = _step(operation, node, part["name"])
        value = _value(operation, part, inner)
        member = _member(operation, inner, value)
        if inner.repeats:
            _insert(node.value, member, None, value)
        elif member in node.value or "_" + member in node.value:
            operation.fail(f"the part {part['name']!r} does not repeat")
        else:
            _set(node.value, member, value)
    built: dict[str, Json] = node.value
    return built


def _member(operation: _Operation, step: model.Step, value: _Value) -> str:
    """The member in JSON for a value of this type; a choice takes its name from it."""
    kind = value.type
    for entry in step.entries:
        if kind is None or kind == entry.type or (kind == "Resource" and model.is_resource(entry.type)):
            return entry.member
    if len(step.entries) == 1 and kind is not None:
        entry = step.entries[0]
        like = model.is_primitive(kind) and model.is_primitive(entry.type)
        if like and model.system_type(kind) == model.system_type(entry.type):
            return entry.member
    return operation.fail(f"{step.name!r} is never of the type {kind}")


def _length(holder: dict[str, Json], member: str) -> int:
    return max(len(holder.get(member) or ()), len(holder.get("_" + member) or ()))


def _at(holder: dict[str, Json], member: str, index: int) -> Json:
    held = holder.get(member) or ()
    return held[index] if index < len(held) else None


def _set(holder: dict[str, Json], member: str, value: _Value) -> None:
    if value.json is not None:
        holder[member] = value.json
    if value.shadow is not None:
        holder["_" + member] = value.shadow


def _insert(holder: dict[str, Json], member: str, index: int | None, value: _Value) -> None:
    """Put a value into a list, at its end if there is no index; a primitive's shadows stay beside their values."""
    length = _length(holder, member)
    for name, item in ((member, value.json), ("_" + member, value.shadow)):
        held = list(holder.get(name) or ())
        if item is None and not held:
            continue
        held.extend([None] * (length - len(held)))
        held.insert(length if index is None else index, item)
        holder[name] = held


def _remove(holder: dict[str, Json], member: str, index: int | None) -> None:
    for name in (member, "_" + member):
        held = holder.get(name, _ABSENT)
        if index is None or not isinstance(held, list):
            holder.pop(name, None)
            continue
        rest = [item for position, item in enumerate(held) if position != index]
        if any(item is not None for item in rest):
            holder[name] = rest
        else:
            del holder[name]


def _copy(value: Json) -> Json:
    """A deep copy that keeps numbers as they were written."""
    if isinstance(value, dict):
        return {name: _copy(item) for name, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value
