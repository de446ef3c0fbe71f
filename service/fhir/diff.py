"""What changed from one resource to another, as a FHIRPath Patch: https://hl7.org/fhir/R5/fhirpatch.html.

Applied to the first, the patch gives the second. Lists are compared by content, so that an item put in front of others
is one insertion; items that changed are told apart element by element.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final, Literal, TypeAlias

from service.errors import Invalid
from service.fhir.fhirpath import model
from service.fhir.json import SERVER_META, canonical, dumps

Json: TypeAlias = Any
Operation = Literal["add", "insert", "delete", "replace"]

_VALUES: Final = {entry.type: entry.member for entry in model.steps("Extension")["value"].entries}
"""Type -> the member of a Parameters part that holds a value of it; other types are given in parts."""


@dataclass(frozen=True, slots=True)
class Held:
    """A value of an element: its JSON, the shadow of a primitive (its id and extensions), and its type."""

    json: Json
    shadow: Json
    type: str
    member: str

    def text(self) -> str:
        """Return the value for people: JSON, with what stands beside a primitive after it."""
        value = "" if self.json is None else dumps(self.json).decode()
        return value if self.shadow is None else f"{value} {dumps(self.shadow).decode()}".lstrip()


@dataclass(frozen=True, slots=True)
class Difference:
    """One operation: ``path`` is the element, for ``add`` its owner, for ``insert`` the list.

    ``before`` is what was there and ``after`` what is there now, None where there is nothing.
    """

    operation: Operation
    path: str
    name: str = ""
    index: int = 0
    before: Held | None = None
    after: Held | None = None

    @property
    def element(self) -> str:
        """The FHIRPath location of the element that differs, in the resource that has it."""
        if self.operation == "add":
            return f"{self.path}.{self.name}"
        return f"{self.path}[{self.index}]" if self.operation == "insert" else self.path

    def parameter(self) -> dict[str, Json]:
        """Return the operation as a parameter of a FHIRPath Patch."""
        parts: list[dict[str, Json]] = [
            {"name": "type", "valueCode": self.operation},
            {"name": "path", "valueString": self.path},
        ]
        if self.operation == "add":
            parts.append({"name": "name", "valueString": self.name})
        if self.operation == "insert":
            parts.append({"name": "index", "valueInteger": self.index})
        if self.after is not None:
            parts.append(_part("value", self.after))
        return {"name": "operation", "part": parts}


def diff(before: dict[str, Json], after: dict[str, Json]) -> list[Difference]:
    """Return what leads from one resource to another of its type, in the order in which it is to be applied.

    The server's own part of ``meta`` does not count. Both are valid resources; raises :class:`Invalid` if their types
    differ.
    """
    type_ = before["resourceType"]
    if after["resourceType"] != type_:
        raise Invalid(f"A {type_} and a {after['resourceType']} have nothing to compare.")
    old, new = _own(before), _own(after)
    if "meta" in before and "meta" in new:
        old.setdefault("meta", {})
    return list(_object(old, new, type_, type_))


def patch(differences: list[Difference]) -> dict[str, Json]:
    """Return the Parameters resource of a FHIRPath Patch."""
    parameters: dict[str, Json] = {"resourceType": "Parameters"}
    if differences:
        parameters["parameter"] = [difference.parameter() for difference in differences]
    return parameters


def _own(resource: dict[str, Json]) -> dict[str, Json]:
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in SERVER_META}
    own = {name: value for name, value in resource.items() if name != "meta"}
    return {**own, "meta": meta} if meta else own


def _object(before: dict[str, Json], after: dict[str, Json], type_: str, path: str) -> Iterator[Difference]:
    for name, step in model.steps(type_).items():
        if step.repeats:
            yield from _list(before, after, step, f"{path}.{name}")
            continue
        old, new = _held(before, step), _held(after, step)
        if old is not None and new is not None:
            yield from _one(old, new, f"{path}.{name}")
        elif old is not None:
            yield Difference("delete", f"{path}.{name}", before=old)
        elif new is not None:
            yield Difference("add", path, name, after=new)


def _one(old: Held, new: Held, path: str) -> Iterator[Difference]:
    """Compare two values of the same element."""
    if _key(old) == _key(new):
        return
    kind = _object_type(old)
    if kind is not None and kind == _object_type(new) and old.member == new.member:
        yield from _object(old.json, new.json, kind, path)
    else:
        yield Difference("replace", path, before=old, after=new)


def _list(before: dict[str, Json], after: dict[str, Json], step: model.Step, path: str) -> Iterator[Difference]:
    old, new = _items(before, step), _items(after, step)
    if not old:
        owner, _, name = path.rpartition(".")
        yield from (Difference("add", owner, name, after=item) for item in new)
        return
    matcher = SequenceMatcher(None, [_key(item) for item in old], [_key(item) for item in new], autojunk=False)
    # From the end, so that what is still to come stands where it stood.
    for tag, first, last, new_first, new_last in reversed(matcher.get_opcodes()):
        if tag == "equal":
            continue
        paired = min(last - first, new_last - new_first)
        for index in reversed(range(first + paired, last)):
            yield Difference("delete", f"{path}[{index}]", before=old[index])
        for item in reversed(new[new_first + paired : new_last]):
            yield Difference("insert", path, index=first + paired, after=item)
        for offset in reversed(range(paired)):
            yield from _one(old[first + offset], new[new_first + offset], f"{path}[{first + offset}]")


def _held(value: dict[str, Json], step: model.Step) -> Held | None:
    for entry in step.entries:
        if entry.member in value or entry.shadow in value:
            return Held(value.get(entry.member), value.get(entry.shadow), entry.type, entry.member)
    return None


def _items(value: dict[str, Json], step: model.Step) -> list[Held]:
    found = _held(value, step)
    if found is None:
        return []
    values, shadows = found.json or [], found.shadow or []
    return [
        Held(
            values[index] if index < len(values) else None,
            shadows[index] if index < len(shadows) else None,
            found.type,
            found.member,
        )
        for index in range(max(len(values), len(shadows)))
    ]


def _key(held: Held) -> bytes:
    return canonical([held.json, held.shadow, held.member])


def _object_type(held: Held) -> str | None:
    """The type by which an object is compared element by element; None for a primitive value."""
    if model.is_primitive(held.type) or not isinstance(held.json, dict):
        return None
    kind = held.json.get("resourceType") if model.is_resource(held.type) else held.type
    return kind if isinstance(kind, str) else None


def _part(name: str, held: Held) -> dict[str, Json]:
    """Return a value as a part: of its type, as a resource, or in parts with the names of its elements."""
    if model.is_resource(held.type):
        return {"name": name, "resource": held.json}
    member = _VALUES.get(held.type)
    if member is None and model.is_primitive(held.type):
        member = "valueString"  # xhtml
    if member is not None:
        part = {"name": name}
        if held.json is not None:
            part[member] = held.json
        if held.shadow is not None:
            part["_" + member] = held.shadow
        return part
    parts = []
    for element, step in model.steps(held.type).items():
        single = None if step.repeats else _held(held.json, step)
        inner = _items(held.json, step) if step.repeats else [] if single is None else [single]
        parts += [_part(element, item) for item in inner]
    return {"name": name, "part": parts}
