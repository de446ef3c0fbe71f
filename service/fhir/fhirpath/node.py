"""An item of a collection: a value, its type, and where in the resource it was found.

The elements of FHIR's JSON become nodes only when a path reaches them. A primitive value and its shadow (``birthDate``
and ``_birthDate``) are one node (https://hl7.org/fhir/R5/json.html#primitive).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeAlias

from service.fhir.fhirpath import model
from service.fhir.fhirpath.model import Entry, Step
from service.fhir.fhirpath.quantity import Quantity
from service.fhir.fhirpath.temporal import Temporal, TemporalError, parse

UCUM: Final = "http://unitsofmeasure.org"
MAX_MAGNITUDE: Final = 400
"""Decimal powers of ten: an exponent beyond makes exact arithmetic a way to keep a server busy."""


class Node:
    """One item; nothing in it ever changes.

    ``value`` is the JSON value, or that of a System type (bool, int, Decimal, str, Temporal, Quantity); None for a
    primitive that has extensions but no value. ``type`` is as in :mod:`service.fhir.fhirpath.model`. ``extra`` is the
    primitive's shadow. ``parent``, ``member`` and ``index`` say where it was found; a computed value has no parent.
    """

    __slots__ = ("extra", "index", "member", "name", "parent", "type", "value")

    def __init__(
        self,
        value: Any,  # noqa: ANN401  # any JSON or System value
        type: str,  # noqa: A002  # the word of the specification
        extra: dict[str, Any] | None = None,
        parent: Node | None = None,
        name: str = "",
        member: str = "",
        index: int | None = None,
    ):
        self.value = value
        self.type = type
        self.extra = extra
        self.parent = parent
        self.name = name
        self.member = member
        self.index = index

    def __repr__(self) -> str:
        return f"Node({self.value!r}, {self.type!r}, at={self.path!r})"

    @property
    def path(self) -> str:
        """The FHIRPath location in the resource (``Patient.name[0].given[1]``), empty for a computed value."""
        if self.parent is None:
            return self.name or ("" if self.type.startswith("System.") else self.type)
        before = self.parent.path
        step = self.name if self.index is None else f"{self.name}[{self.index}]"
        return f"{before}.{step}" if before else step

    @property
    def container(self) -> dict[str, Any] | list[Any] | None:
        """The JSON object or array that holds the value, None for a root and for a computed value."""
        if self.parent is None:
            return None
        owner = self.parent.value if isinstance(self.parent.value, dict) else self.parent.extra
        if not isinstance(owner, dict) or self.index is None:
            return owner
        held: list[Any] | None = owner.get(self.member)
        return held

    @property
    def key(self) -> str | int | None:
        """The member or index under which :attr:`container` holds the value."""
        return None if self.parent is None else self.member if self.index is None else self.index


Collection: TypeAlias = list[Node]
"""The outcome of any expression; never changed once it has been handed on."""

EMPTY: Final[Collection] = []
TRUE: Final[Collection] = [Node(True, "System.Boolean")]
FALSE: Final[Collection] = [Node(False, "System.Boolean")]


def truth(value: bool | None) -> Collection:
    """A boolean as a collection; None is the empty one."""
    return EMPTY if value is None else TRUE if value else FALSE


def computed(value: Any) -> Node:  # noqa: ANN401  # any System value
    """A node for a System value."""
    if isinstance(value, bool):
        return (TRUE if value else FALSE)[0]
    if isinstance(value, str):
        return Node(value, "System.String")
    if isinstance(value, int):
        return Node(value, "System.Integer")
    if isinstance(value, Decimal):
        return Node(value, "System.Decimal")
    if isinstance(value, Temporal):
        return Node(value, f"System.{value.kind}")
    return Node(value, "System.Quantity")


def root(resource: dict[str, Any]) -> Node:
    """The node of a resource."""
    return Node(resource, _resource_type(resource))


def system_value(node: Node) -> Any:  # noqa: ANN401  # any System value
    """The System value that the node converts to by itself, None if there is none."""
    value, kind = node.value, node.type
    if value is None or kind.startswith("System."):
        return value
    target = model.system_type(kind)
    if target is None:
        return None
    if target == "System.Quantity":
        return _quantity(value)
    try:
        return _PRIMITIVE[target](value)
    except (TemporalError, ValueError, ArithmeticError, TypeError):
        return None


def _quantity(value: Any) -> Quantity | None:  # noqa: ANN401  # any JSON value
    amount = value.get("value") if isinstance(value, dict) else None
    if not isinstance(amount, int | Decimal) or isinstance(amount, bool) or value.get("comparator"):
        return None
    if abs(Decimal(amount).adjusted()) > MAX_MAGNITUDE:
        return None
    unit = value.get("code") if value.get("system") == UCUM else None
    return Quantity(Decimal(amount), str(unit or value.get("unit") or value.get("code") or "1"))


def _decimal(value: Any) -> Decimal | None:  # noqa: ANN401  # any JSON value
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = Decimal(value)
    return number if abs(number.adjusted()) <= MAX_MAGNITUDE else None


def _integer(value: Any) -> int | None:  # noqa: ANN401  # any JSON value
    if isinstance(value, bool):
        return None
    return int(value) if isinstance(value, int) or (isinstance(value, str) and len(value) < 40) else None  # integer64


def _text(value: Any) -> str | None:  # noqa: ANN401  # any JSON value
    return value if isinstance(value, str) else None


def _boolean(value: Any) -> bool | None:  # noqa: ANN401  # any JSON value
    return value if isinstance(value, bool) else None


_PRIMITIVE: Final[dict[str, Callable[[Any], Any]]] = {
    "System.Boolean": _boolean,
    "System.String": _text,
    "System.Integer": _integer,
    "System.Decimal": _decimal,
    "System.Date": lambda value: parse(value, "Date"),
    "System.DateTime": lambda value: parse(value, "DateTime"),
    "System.Time": lambda value: parse(value, "Time"),
}


def follow(node: Node, step: Step, found: Collection) -> None:
    """Add the nodes that one step leads to."""
    value = node.value
    if isinstance(value, dict):
        for entry in step.entries:
            _held(node, value, step.name, entry, found)
    elif step.name == "value" and value is not None and model.is_primitive(node.type):
        found.append(Node(system_value(node), step.entries[0].type))
    elif isinstance(node.extra, dict):
        for entry in step.entries:
            _held(node, node.extra, step.name, entry, found)


def children(node: Node) -> Collection:
    """All nodes directly below one, in the order of the JSON text."""
    holder = node.value if isinstance(node.value, dict) else node.extra
    found: Collection = []
    if not isinstance(holder, dict):
        return found
    known = model.members(node.type)
    for member in holder:
        plain = member.removeprefix("_")
        if plain in known and (plain == member or plain not in holder):
            _held(node, holder, *known[plain], found)
    return found


def _held(node: Node, holder: dict[str, Any], name: str, entry: Entry, found: Collection) -> None:
    member = entry.member
    value = holder.get(member)
    if entry.primitive:
        shadow = holder.get(entry.shadow)
        if shadow is not None:
            _shadowed(node, value, shadow, name, entry, found)
            return
        if value is not None and not isinstance(value, list):
            found.append(Node(value, entry.type, None, node, name, member))
            return
    if value is None:
        return
    if isinstance(value, list):
        for index, item in enumerate(value):
            if item is not None:
                found.append(Node(item, _actual(entry.type, item), None, node, name, member, index))
    else:
        found.append(Node(value, _actual(entry.type, value), None, node, name, member))


def _shadowed(node: Node, value: Any, shadow: Any, name: str, entry: Entry, found: Collection) -> None:  # noqa: ANN401
    if not isinstance(value, list) and not isinstance(shadow, list):
        found.append(Node(value, entry.type, shadow, node, name, entry.member))
        return
    values = value if isinstance(value, list) else []
    shadows = shadow if isinstance(shadow, list) else []
    for index in range(max(len(values), len(shadows))):
        item = values[index] if index < len(values) else None
        extra = shadows[index] if index < len(shadows) else None
        if item is not None or extra is not None:
            found.append(Node(item, entry.type, extra, node, name, entry.member, index))


def _actual(declared: str, value: Any) -> str:  # noqa: ANN401  # any JSON value
    """The type of a value: a resource says its own."""
    if isinstance(value, dict) and "resourceType" in value and model.is_resource(declared):
        return _resource_type(value)
    return declared


def _resource_type(resource: dict[str, Any]) -> str:
    name = resource.get("resourceType")
    return name if isinstance(name, str) and model.is_resource(name) else "Resource"
