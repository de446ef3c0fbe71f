"""Bindings of profiles, decided by the terminology: https://hl7.org/fhir/R5/terminologies.html#strength.

A required binding is broken by an error, an extensible one by a warning (whether another code was needed is for people
to judge), a preferred one by an information. A code that is not known here is a question to an external server.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

from service.errors import Severity
from service.profiles.item import Item
from service.profiles.profile_run import Asked, ProfileRun, Question, Surroundings
from service.profiles.rules import usage
from service.profiles.rules.binding import absent
from service.profiles.rules.item_rule import ItemRule, ItemsRule
from service.profiles.run import SINGLE, Object, Where, location, quoted
from service.terminology.base import Verdict

_MAXIMUM: Final = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
_SEVERITIES: Final[dict[str, Severity]] = {"required": "error", "extensible": "warning", "preferred": "information"}
_ADDITIONAL: Final = {"required": "required", "maximum": "required", "extensible": "extensible"}
"""What a purpose of an additional binding amounts to; the others (candidate, ui, starter, ...) bind nobody."""


class Binding(NamedTuple):
    """A value set, how strongly it is bound, and whether one of several repetitions is enough.

    ``usage`` are the uses (UsageContext) for which it is meant, none for all.
    """

    strength: str
    value_set: str
    any: bool = False
    usage: Sequence[Object] = ()


class Code(NamedTuple):
    """One code of an element, its system as far as it has one, and where it is.

    ``bare`` codes are values of type ``code`` and the like, whose system the value set implies.
    """

    system: str | None
    version: str | None
    code: str
    display: str | None
    where: Where
    bare: bool = False


_NO_SYSTEM: Final = Verdict(False, "A code without a system is in no value set.")


def bindings(definition: dict[str, Any]) -> list[Binding]:
    """All that ``ElementDefinition.binding`` demands, for some uses or for all."""
    found = []
    if isinstance(definition.get("valueSet"), str):
        found.append(Binding(str(definition.get("strength")), definition["valueSet"]))
    found += [
        Binding("required", str(extension.get("valueCanonical") or extension.get("valueUri")))
        for extension in definition.get("extension", ())
        if extension.get("url") == _MAXIMUM
    ]
    found += [
        Binding(
            _ADDITIONAL[entry["purpose"]], str(entry.get("valueSet")), bool(entry.get("any")), entry.get("usage", ())
        )
        for entry in definition.get("additional", ())
        if entry.get("purpose") in _ADDITIONAL
    ]
    return [binding for binding in found if binding.strength in _SEVERITIES]


def bound(binding: Binding) -> ItemRule:
    """Demand a code of the value set, as far as the strength of the binding goes."""

    def check(item: Item, run: ProfileRun) -> None:
        if not usage.applies(binding.usage, run.contexts):
            return
        run.bound_by_profile.add(item.where)
        if _certain(item.value, binding.value_set, run):
            return
        found = codes(item)
        if found is None or (isinstance(item.value, dict) and absent(item.value)):
            return
        if not found:
            if binding.strength != "preferred":
                text = f"has no code from the {binding.strength} value set {binding.value_set}"
                run.report("code-invalid", "binding", item.where, text, _SEVERITIES[binding.strength])
            return
        _judge(binding, found, item, run)

    return check


def chosen(item: Item, run: ProfileRun) -> None:
    """Note that a profile has fixed the code, so that whether another would do is not for the author to decide."""
    run.bound_by_profile.add(item.where)


def extensible_of_base(run: ProfileRun) -> None:
    """Judge the extensible bindings of the base definitions, but for elements that a profile binds or fixes."""
    for value, where, type_name, value_set in run.bound:
        if where not in run.bound_by_profile and not _certain(value, value_set, run):
            _extensible(value_set)(Item(value, None, where, type_name, None), run)


def _certain(value: Any, value_set: str, run: ProfileRun) -> bool:  # noqa: ANN401  # any JSON value
    """Whether a concept has a coding that is known to be right: most codes are asked about again and again."""
    codings = value.get("coding") if type(value) is dict else None
    if type(codings) is not list:
        return False
    known = run.surroundings.verdicts
    try:
        for coding in codings:
            get = coding.get
            system = get("system")  # without one, the same answer may be about a value of type code
            found = known.get((value_set, system, get("code"), get("version"), get("display")))
            if system is not None and found is not None and found.result and not found.wrong_display:
                return True
    except (AttributeError, TypeError):  # not what a coding looks like
        pass
    return False


@cache
def _extensible(value_set: str) -> ItemRule:
    return bound(Binding("extensible", value_set))


def any_bound(binding: Binding) -> ItemsRule:
    """Demand that one of the repetitions has a code of the value set."""

    def check(items: Sequence[Item], where: Where, run: ProfileRun) -> None:
        if not items or not usage.applies(binding.usage, run.contexts):
            return
        for item in items:
            verdicts = (verdict(binding.value_set, code, run.surroundings) for code in codes(item) or ())
            if any(each.result is not False for each in verdicts):
                return
        text = f"none has a code from the {binding.strength} value set {binding.value_set}"
        run.report("code-invalid", "binding", where, text, _SEVERITIES[binding.strength])

    return check


def in_value_set(item: Item, value_set: str, run: ProfileRun) -> bool:
    """Whether an item has a code that is certainly in a value set."""
    return any(verdict(value_set, code, run.surroundings).result for code in codes(item) or ())


def codes(item: Item) -> list[Code] | None:
    """The codes of an item of any type that can be bound; None if there is nothing to judge."""
    value, where = item.value, item.where
    if item.type == "CodeableReference":
        value, where = value.get("concept"), (where, "concept", SINGLE)
        if value is None:
            return None
    if isinstance(value, str):
        return [Code(None, None, value, None, where, bare=True)]
    if not isinstance(value, dict):
        return None
    if item.type in ("CodeableConcept", "CodeableReference"):
        listed = value.get("coding")
        codings = listed if isinstance(listed, list) else []
        found = (_code(coding, (where, "coding", index)) for index, coding in enumerate(codings))
        return [code for code in found if code]
    only = _code(value, where)
    return [only] if only else []


def _code(coding: object, where: Where) -> Code | None:
    if not isinstance(coding, dict) or not isinstance(coding.get("code"), str):
        return None
    parts = (coding.get(name) for name in ("system", "version", "display"))
    system, version, display = (part if isinstance(part, str) else None for part in parts)
    return Code(system, version, coding["code"], display, where)


def verdict(value_set: str, code: Code, surroundings: Surroundings) -> Verdict:
    """Whether a code of an element is in a value set."""
    if code.system is None and not code.bare:
        return _NO_SYSTEM
    return surroundings.verdict(Asked(value_set, code.system, code.code, code.version, code.display))


def _judge(binding: Binding, found: list[Code], item: Item, run: ProfileRun) -> None:
    verdicts = [(code, verdict(binding.value_set, code, run.surroundings)) for code in found]
    right = [(code, each) for code, each in verdicts if each.result]
    if right:
        if all(each.wrong_display for _, each in right):
            code, first = right[0]
            text = first.message or f"{quoted(code.display)} is no display of {quoted(code.code)}"
            run.report("invalid", "display", code.where, text, "warning")
        return
    unknown = [(code, each) for code, each in verdicts if each.result is None]
    if unknown:
        if binding.strength != "preferred":
            _ask(binding, unknown, run)
        return
    shown = ", ".join(quoted(f"{code.system or ''}|{code.code}") for code in found)
    why = f": {verdicts[0][1].message}" if verdicts[0][1].message else ""
    text = f"{shown} is not in the {binding.strength} value set {binding.value_set}{why}"
    where = item.where if len(found) != 1 or item.type != "Coding" else (item.where, "code", SINGLE)
    run.report("code-invalid", "binding", where, text, _SEVERITIES[binding.strength])


def _ask(binding: Binding, unknown: list[tuple[Code, Verdict]], run: ProfileRun) -> None:
    for code, answer in unknown:
        where = location(code.where)
        asked = Question(binding.value_set, code.system, code.version, code.code, code.display, binding.strength, where)
        run.questions.append(asked)
        why = f": {answer.message}" if answer.message else ""
        text = (
            f"whether {quoted(code.code)} is in the {binding.strength} value set {binding.value_set} is not known here"
        )
        run.report("not-supported", "binding", code.where, text + why, "warning")
