"""The parameters of an operation: https://hl7.org/fhir/R5/operations.html#executing-synchronous.

They come in a URL, each as text, or in a Parameters resource. The operation's definition says which there are; what is
not among them, comes too often, is of another type or has no value is refused by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from service.errors import Invalid
from service.fhir import definitions
from service.fhir.json import parse

Json: TypeAlias = dict[str, Any]

_TEXT: Final = frozenset({"code", "string", "uri", "url", "canonical", "id", "markdown", "oid", "uuid"})
_DATE: Final = frozenset({"date", "dateTime", "instant"})
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,9})")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter that goes in: its type is empty where it has parts, ``Element`` where any type will do."""

    name: str
    type: str
    max: str
    scope: frozenset[str] = frozenset()
    parts: Mapping[str, Parameter] = field(default_factory=dict)

    @property
    def is_resource(self) -> bool:
        """Whether the value is a resource."""
        return self.type == "Resource" or self.type in definitions.resource_types()


def parameters_of(listed: Iterable[Mapping[str, Any]], types: Mapping[str, str]) -> dict[str, Parameter]:
    """Return the parameters that go in; ``types`` are those for which the definition itself is wrong."""
    return {
        each["name"]: Parameter(
            each["name"],
            types.get(each["name"], each.get("type", "")),
            each["max"],
            frozenset(each.get("scope", ())),
            parameters_of(each.get("part", ()), types),
        )
        for each in listed
        if each["use"] == "in"
    }


class Inputs:
    """The values of one request, by name; ``given`` is the same as the entries of a Parameters resource.

    With ``criteria`` a parameter that the definition does not name is one of a search.
    """

    def __init__(self, code: str, known: Mapping[str, Parameter], level: str, *, criteria: bool = False) -> None:
        self.code = code
        self.given: list[Json] = []
        self._criteria = criteria
        self._known = known
        self._level = level
        self._title = f"${code}"
        self._values: dict[str, list[Any]] = {}

    def take_pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Take what came in the URL; raises :class:`Invalid`."""
        for name, text in pairs:
            parameter = self._parameter(name)
            if parameter.is_resource or parameter.type[:1].isupper() or not parameter.type:
                kind = parameter.type or "several parts"
                raise Invalid(f"{name} is a {kind}, which can only come in the body of a POST.", expression=name)
            value = _from_text(parameter, text)
            self._add(parameter, value, {"name": name, f"value{_capital(parameter.type)}": value})

    def take_file(self, name: str, data: bytes) -> None:
        """Take the body of a POST that is no resource, as the value of a parameter."""
        self._add(self._parameter(name), data, {"name": name})

    def take_body(self, body: bytes) -> None:
        """Take the body of a POST: a Parameters resource, or the resource that is the one parameter of this kind."""
        if not body.strip():
            return
        resource = parse(body).data
        if resource.get("resourceType") != "Parameters":
            self._take_resource(resource)
            return
        entries = resource.get("parameter", [])
        if not isinstance(entries, list):
            raise Invalid("parameter is a list.", expression="Parameters.parameter")
        for number, entry in enumerate(entries):
            where = f"Parameters.parameter[{number}]"
            if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
                raise Invalid("A parameter is an object with a name.", expression=where)
            parameter = self._parameter(entry["name"])
            self._add(parameter, _value(parameter, entry, where), entry)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The parameters with a value that is text, in their order, as those of a search."""
        found: list[tuple[str, str]] = []
        for entry in self.given:
            text = next((value for member, value in entry.items() if member.startswith("value")), None)
            found += [(entry["name"], text)] if isinstance(text, str) else []
        return found

    def one(self, name: str) -> Any:  # noqa: ANN401  # the type that the definition says
        """Return the value of a parameter, None where it is not given."""
        found = self._values.get(name)
        return found[0] if found else None

    def every(self, name: str) -> list[Any]:
        """Return the values of a parameter that repeats."""
        return self._values.get(name, [])

    def text(self, name: str) -> str | None:
        """Return the value of a parameter that is text of some kind."""
        value: str | None = self.one(name)
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return the value of a boolean parameter."""
        value: bool | None = self.one(name)
        return default if value is None else value

    def exactly_one(self, *names: str) -> str:
        """Return which of these is given; raises :class:`Invalid` where none or several are."""
        given = [name for name in names if name in self._values]
        if len(given) == 1:
            return given[0]
        if given:
            raise Invalid(f"{' and '.join(given)} exclude each other.", expression=given[1])
        raise Invalid(f"{self._title} needs {' or '.join(names)}.", code="required", expression=names[0])

    def only_with(self, name: str, *others: str) -> None:
        """Raise :class:`Invalid` where a parameter is given that goes with others of which none is."""
        if name in self._values and not any(other in self._values for other in others):
            raise Invalid(f"{name} belongs to {' or '.join(others)}.", expression=name)

    def refuse(self, *names: str) -> None:
        """Raise :class:`Invalid` where one of these is given, which is known and not done here."""
        for name in names:
            if name in self._values:
                raise Invalid(f"{self._title}: {name} is not supported here.", code="not-supported", expression=name)

    def _parameter(self, name: str) -> Parameter:
        parameter = self._known.get(name)
        if parameter is None and self._criteria:
            return Parameter(name, "string", "*")
        if parameter is None:
            known = ", ".join(self._known)
            raise Invalid(f"{name} is not a parameter of {self._title}; it has {known}.", expression=name)
        if parameter.scope and self._level not in parameter.scope:
            levels = " or ".join(sorted(parameter.scope))
            raise Invalid(f"{name} is for {self._title} at the level {levels}, not {self._level}.", expression=name)
        return parameter

    def _add(self, parameter: Parameter, value: object, entry: Json) -> None:
        values = self._values.setdefault(parameter.name, [])
        if parameter.max != "*" and len(values) >= int(parameter.max):
            raise Invalid(f"{parameter.name} is given more than once.", expression=parameter.name)
        values.append(value)
        self.given.append(entry)

    def _take_resource(self, resource: Json) -> None:
        type_ = resource.get("resourceType")
        # JSON that is no resource is what a Binary would hold.
        wanted = ("Resource", resource.get("resourceType", "Binary"))
        takers = [each for each in self._known.values() if each.is_resource and each.type in wanted]
        if len(takers) != 1:
            raise Invalid(f"{self._title} takes a Parameters resource, not a {type_}.", expression="resourceType")
        parameter = self._parameter(takers[0].name)
        self._add(parameter, resource, {"name": parameter.name, "resource": resource})


def _from_text(parameter: Parameter, text: str) -> object:
    name = parameter.name
    if not text:
        raise Invalid(f"{name} has no value.", expression=name)
    match parameter.type:
        case "boolean":
            if text not in ("true", "false"):
                raise Invalid(f"{name} is true or false, not {text!r}.", code="value", expression=name)
            return text == "true"
        case "integer" | "positiveInt" | "unsignedInt":
            if _INTEGER.fullmatch(text) is None:
                raise Invalid(f"{name} is a whole number, not {text!r}.", code="value", expression=name)
            return int(text)
    return text


def _value(parameter: Parameter, entry: Json, where: str) -> object:
    name = parameter.name
    if parameter.parts:
        return _parts(parameter, entry, where)
    members = [member for member in entry if member.startswith("value")]
    if parameter.is_resource:
        resource = entry.get("resource")
        found = resource.get("resourceType") if isinstance(resource, dict) else None
        if found is None or parameter.type not in ("Resource", found):
            raise Invalid(f"{name} is a {parameter.type} in resource.", expression=name)
        return resource
    if len(members) != 1:
        raise Invalid(f"{name} has {'no' if not members else 'more than one'} value.", expression=name)
    kind, value = members[0].removeprefix("value"), entry[members[0]]
    if parameter.type == "Element":
        return value
    accepted = {_capital(each) for each in (_TEXT if parameter.type in _TEXT else {parameter.type})}
    if kind not in accepted or not isinstance(value, _python_type(parameter.type)) or value in ("", {}):
        raise Invalid(f"{name} is a {parameter.type} in value{_capital(parameter.type)}.", expression=name)
    return value


def _parts(parameter: Parameter, entry: Json, where: str) -> Json:
    found: Json = {}
    listed = entry.get("part", [])
    for number, part in enumerate(listed if isinstance(listed, list) else [listed]):
        name = part.get("name") if isinstance(part, dict) else None
        known = parameter.parts.get(name) if isinstance(name, str) else None
        if known is None:
            raise Invalid(
                f"{parameter.name} has the parts {', '.join(parameter.parts)}, not {name!r}.",
                expression=f"{where}.part[{number}]",
            )
        found[known.name] = _value(known, part, f"{where}.part[{number}]")
    return found


def _python_type(type_: str) -> type:
    if type_ in _TEXT or type_ in _DATE:
        return str
    return {"boolean": bool, "integer": int, "positiveInt": int, "unsignedInt": int}.get(type_, dict)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
