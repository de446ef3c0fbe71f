"""From one criterion of a request to a predicate: modifiers, chains and reverse chains.

https://hl7.org/fhir/R5/search.html#modifiers, https://hl7.org/fhir/R5/search.html#chaining and
https://hl7.org/fhir/R5/search.html#has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from service.errors import Invalid
from service.fhir import definitions
from service.search.escaping import split, unescape
from service.search.filter import parse_filter
from service.search.parameters import Catalogue, Parameter, hierarchies
from service.search.query import And, Ids, Linked, Not, Or, Predicate, Query, ReverseLinked, Types
from service.search.types import NEGATED, Context, date, missing, predicate
from service.search.types.reference import referred_to, refers_to

MAX_DEPTH: Final = 10
"""Links that one chain may follow."""
LEVELS: Final = 8
"""Levels of a hierarchy that ``:above`` and ``:below`` reach."""
_MEMBERSHIP: Final = frozenset({"_id", "_lastUpdated", "_filter", "_list", "_in"})
"""Parameters that are no index of the resource's own content."""
_MEMBERS: Final = {"CareTeam": "participant", "Group": "member", "List": "item"}
"""What ``_in`` looks into: the type and its parameter."""


@dataclass(frozen=True, slots=True)
class Criteria:
    """What criteria are read with: the parameters there are, and where and when they are asked."""

    catalogue: Catalogue
    context: Context

    def parse(self, types: Sequence[str], name: str, text: str, depth: int = 0) -> Predicate:
        """Return the predicate of ``name=text`` for resources of these types (of any, where none is named).

        Raises :class:`Invalid` for a parameter, modifier or value that is not understood, naming it.
        """
        if depth > MAX_DEPTH:
            raise Invalid(f"{name} follows more than {MAX_DEPTH} links.", code="too-costly", expression=name)
        if not text:
            raise Invalid(f"{name} has no value.", expression=name)
        if name.startswith("_has:"):
            return self._reverse(name, text, depth)
        head, dot, rest = name.partition(".")
        per_type = [
            (type_, self._one(type_, name, head, rest if dot else None, text, depth)) for type_ in types or ("",)
        ]
        if len(per_type) == 1:
            return per_type[0][1]
        if all(each == per_type[0][1] for _, each in per_type):
            return per_type[0][1]
        return Or(tuple(And((Types((type_,)), each)) for type_, each in per_type))

    def find(self, type_: str, code: str, name: str) -> Parameter:
        """Return a parameter of a type (empty: of all types); raises :class:`Invalid` where there is none."""
        known = self.catalogue.for_type(type_) if type_ else self.catalogue.common()
        if code not in known:
            if (unready := self.catalogue.unready(type_, code)) is not None:
                problem = f"{code} ({unready.definition.url}) cannot be searched by yet: {unready.progress}."
                raise Invalid(problem, code="transient", expression=name)
            where = type_ or "a search of all types"
            raise Unknown(f"{code} is not a search parameter of {where}; it has {', '.join(known)}.", expression=name)
        return known[code]

    def _one(self, type_: str, name: str, head: str, rest: str | None, text: str, depth: int) -> Predicate:
        code, colon, modifier = head.partition(":")
        parameter = self.find(type_, code, name)
        if rest is not None:
            return self._chain(parameter, name, modifier if colon else None, rest, text, depth)
        return self._simple(type_, parameter, name, modifier if colon else None, text)

    def _simple(self, type_: str, parameter: Parameter, name: str, modifier: str | None, text: str) -> Predicate:
        if modifier == "missing":
            return missing(parameter, text, name)
        if modifier is None and parameter.code in _MEMBERSHIP:
            return self._special(type_, parameter, name, text)
        values = split(text, ",")
        if len(values) > 1 and parameter.single_or:
            raise Invalid(f"{parameter.code} takes one value.", expression=name)
        if modifier in ("above", "below") and (parents := hierarchies(parameter, self.catalogue)):
            return Or(tuple(_hierarchy(parameter, parents, modifier, name, value) for value in values))
        found = tuple(predicate(parameter, modifier, value, name, self.context) for value in values)
        alternatives = found[0] if len(found) == 1 else Or(found)
        return Not(alternatives) if modifier in NEGATED else alternatives

    def _chain(self, parameter: Parameter, name: str, type_: str | None, rest: str, text: str, depth: int) -> Predicate:
        if parameter.type != "reference":
            raise Invalid(f"{parameter.code} is no reference: nothing can be chained to it.", expression=name)
        targets = parameter.targets or definitions.resource_types()
        if type_ is not None:
            if type_ not in targets:
                raise Invalid(f"{parameter.code} does not refer to {type_}.", expression=name)
            targets = (type_,)
        links: list[Predicate] = []
        problems: list[Invalid] = []
        for target in targets:
            try:
                links.append(refers_to(parameter, Query((target,), self.parse((target,), rest, text, depth + 1))))
            except Invalid as problem:  # a target for which the rest has no meaning is not what the chain means
                problems.append(problem)
        if links:
            return links[0] if len(links) == 1 else Or(tuple(links))
        # Where the parameter is there, what is wrong with its value says more than that others lack it.
        told = [each for each in problems if not isinstance(each, Unknown)] or problems
        if len(targets) == 1 or told is not problems:
            raise Invalid(told[0].issues)
        raise Invalid(f"{rest} is a search parameter of none of {', '.join(targets)}.", expression=name)

    def _reverse(self, name: str, text: str, depth: int) -> Predicate:
        parts = name.split(":", 3)
        if len(parts) < 4 or not all(parts):
            raise Invalid("A reverse chain is _has:[type]:[reference]:[parameter].", expression=name)
        _, type_, reference, rest = parts
        if type_ not in definitions.resource_types():
            raise Invalid(f"{type_} is not a resource type of FHIR R5.", expression=name)
        parameter = self.find(type_, reference, name)
        if parameter.type != "reference":
            raise Invalid(f"{reference} of {type_} is no reference.", expression=name)
        return referred_to(parameter, Query((type_,), self.parse((type_,), rest, text, depth + 1)))

    def _special(self, type_: str, parameter: Parameter, name: str, text: str) -> Predicate:
        if parameter.code == "_filter":
            return parse_filter(self, type_, text)
        values = [unescape(name, value) for value in split(text, ",")]
        match parameter.code:
            case "_id":
                if not all(values):
                    raise Invalid(f"{name}: {text!r} has an empty alternative.", expression=name)
                return Ids(tuple(values))
            case "_lastUpdated":
                return Or(tuple(date.updated(name, value, self.context) for value in split(text, ",")))
            case "_list":
                return Or(tuple(self._member("List", name, value) for value in values))
        return Or(tuple(self._member("", name, value) for value in values))

    def _member(self, type_: str, name: str, text: str) -> Predicate:
        """Being listed in a resource: ``id`` of a List, or ``type/id`` of a List, Group or CareTeam."""
        given, slash, id_ = text.rpartition("/")
        holder = given if slash else type_
        if holder not in _MEMBERS or not id_ or id_.startswith("$"):
            raise Invalid(f"{text!r} is no {type_ or 'CareTeam, Group or List'} of this server.", expression=name)
        key = self.find(holder, _MEMBERS[holder], name).key
        return ReverseLinked(key, Query((holder,), Ids((id_,))))


class Unknown(Invalid):
    """There is no such search parameter."""


def _hierarchy(
    parameter: Parameter, parents: Mapping[str, Parameter], modifier: str, name: str, text: str
) -> Predicate:
    """A reference to a resource or, below it, to what is part of it; above it, to what it is part of."""
    given = unescape(name, text)
    type_, slash, id_ = given.rpartition("/")
    targets = [type_] if slash else list(parents)
    if not id_ or any(target not in parents for target in targets):
        raise Invalid(f"{name}: {given!r} is not in a hierarchy; those of {', '.join(parents)} are.", expression=name)
    alternatives: list[Predicate] = []
    for target in targets:
        step = Linked if modifier == "below" else ReverseLinked
        found: Predicate = Ids((id_,))
        for _ in range(LEVELS):  # plain chains of every length, which a store can follow one by one
            alternatives.append(Linked(parameter.key, Query((target,), found)))
            found = step(parents[target].key, Query((target,), found))
    return Or(tuple(alternatives))
