"""Bindings of profiles, decided by the terminology: https://hl7.org/fhir/R5/terminologies.html#strength.

A required binding is broken by an error, an extensible one by a warning (whether another code was needed is for people
to judge), a preferred one by an information. A code that is not known here is a question to an external server.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias

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


Steps: TypeAlias = tuple[tuple[str, int], ...]
"""The way from a value to a part of it: names and indexes, as in locations."""


class Code(NamedTuple):
    """One code of an element, its system as far as it has one, and the way to it from the element's value.

    ``bare`` codes are values of type ``code`` and the like, whose system the value set implies.
    """

    system: str | None
    version: str | None
    code: str
    display: str | None
    steps: Steps = ()
    bare: bool = False


class Finding(NamedTuple):
    """What is wrong with the codes of a value, wherever it stands: the issue, and the way to what it is about.

    ``unknown`` is the code that another terminology server may know.
    """

    code: str
    rule: str
    text: str
    severity: Severity
    steps: Steps = ()
    unknown: Code | None = None


_MOST_CODINGS: Final = 8
"""Codings of a concept about which it is remembered what was found."""

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
        if usage.applies(binding.usage, run.contexts):
            run.bound_by_profile.add(item.where)
            _check(binding, item.value, item.type, item.where, run)

    return check


def chosen(item: Item, run: ProfileRun) -> None:
    """Note that a profile has fixed the code, so that whether another would do is not for the author to decide."""
    run.bound_by_profile.add(item.where)


def extensible_of_base(run: ProfileRun) -> None:
    """Judge the extensible bindings of the base definitions, but for elements that a profile binds or fixes."""
    by_profile = run.bound_by_profile
    for value, where, type_name, value_set in run.bound:
        if not by_profile or where not in by_profile:
            _check(_extensible(value_set), value, type_name, where, run)


@cache
def _extensible(value_set: str) -> Binding:
    return Binding("extensible", value_set)


def _check(binding: Binding, value: Any, type_name: str, where: Where, run: ProfileRun) -> None:  # noqa: ANN401
    """Report what is found of a value; most codes are met again and again, and it is remembered what was found."""
    known = run.surroundings.findings
    key = _key(binding, value, type_name)
    try:
        findings = known.get(key)
    except TypeError:  # not what a coding looks like
        key = findings = None
    if findings is None:
        findings = _findings(binding, value, type_name, run.surroundings)
        if key is not None:
            known[key] = findings
    for finding in findings:
        there = where
        for name, index in finding.steps:
            there = (there, name, index)
        if finding.unknown is not None:
            system, version, code, display, *_ = finding.unknown
            run.questions.append(
                Question(binding.value_set, system, version, code, display, binding.strength, location(there))
            )
        run.report(finding.code, finding.rule, there, finding.text, finding.severity)


def _key(binding: Binding, value: Any, type_name: str) -> Hashable:  # noqa: ANN401  # any JSON value
    """All that the judgement on a concept depends on, None for what is rarely met again."""
    if type(value) is not dict or "extension" in value:
        return None
    concept = value.get("concept") if type_name == "CodeableReference" else value
    codings = concept.get("coding") if type(concept) is dict else None
    if type(codings) is not list or len(codings) > _MOST_CODINGS:
        return None
    parts = [(c.get("system"), c.get("code"), c.get("version"), c.get("display")) for c in codings if type(c) is dict]
    return (binding.strength, binding.value_set, type_name, *parts) if len(parts) == len(codings) else None


def any_bound(binding: Binding) -> ItemsRule:
    """Demand that one of the repetitions has a code of the value set."""

    def check(items: Sequence[Item], where: Where, run: ProfileRun) -> None:
        if not items or not usage.applies(binding.usage, run.contexts):
            return
        for item in items:
            found = codes(item.value, item.type) or ()
            verdicts = (verdict(binding.value_set, code, run.surroundings) for code in found)
            if any(each.result is not False for each in verdicts):
                return
        text = f"none has a code from the {binding.strength} value set {binding.value_set}"
        run.report("code-invalid", "binding", where, text, _SEVERITIES[binding.strength])

    return check


def in_value_set(item: Item, value_set: str, run: ProfileRun) -> bool:
    """Whether an item has a code that is certainly in a value set."""
    found = codes(item.value, item.type)
    return any(verdict(value_set, code, run.surroundings).result for code in found or ())


def codes(value: Any, type_name: str) -> list[Code] | None:  # noqa: ANN401  # any JSON value
    """The codes of a value of any type that can be bound; None if there is nothing to judge."""
    steps: Steps = ()
    if type_name == "CodeableReference":
        value, steps = value.get("concept"), (("concept", SINGLE),)
        if value is None:
            return None
    if isinstance(value, str):
        return [Code(None, None, value, None, steps, bare=True)]
    if not isinstance(value, dict):
        return None
    if type_name in ("CodeableConcept", "CodeableReference"):
        listed = value.get("coding")
        codings = listed if isinstance(listed, list) else []
        found = (_code(coding, (*steps, ("coding", index))) for index, coding in enumerate(codings))
        return [code for code in found if code]
    only = _code(value, steps)
    return [only] if only else []


def _code(coding: object, steps: Steps) -> Code | None:
    if not isinstance(coding, dict) or not isinstance(coding.get("code"), str):
        return None
    parts = (coding.get(name) for name in ("system", "version", "display"))
    system, version, display = (part if isinstance(part, str) else None for part in parts)
    return Code(system, version, coding["code"], display, steps)


def verdict(value_set: str, code: Code, surroundings: Surroundings) -> Verdict:
    """Whether a code of an element is in a value set."""
    if code.system is None and not code.bare:
        return _NO_SYSTEM
    return surroundings.verdict(Asked(value_set, code.system, code.code, code.version, code.display))


def _findings(binding: Binding, value: Any, type_name: str, surroundings: Surroundings) -> tuple[Finding, ...]:  # noqa: ANN401
    """What is wrong with the codes of a value."""
    found = codes(value, type_name)
    if found is None or (isinstance(value, dict) and absent(value)):
        return ()
    severity = _SEVERITIES[binding.strength]
    value_set = f"the {binding.strength} value set {binding.value_set}"
    if not found:
        without = Finding("code-invalid", "binding", f"has no code from {value_set}", severity)
        return (without,) if binding.strength != "preferred" else ()
    verdicts = [(code, verdict(binding.value_set, code, surroundings)) for code in found]
    right = [(code, each) for code, each in verdicts if each.result]
    if right:
        if not all(each.wrong_display for _, each in right):
            return ()
        code, first = right[0]
        text = first.message or f"{quoted(code.display)} is no display of {quoted(code.code)}"
        return (Finding("invalid", "display", text, "warning", code.steps),)
    unknown = [(code, each) for code, each in verdicts if each.result is None]
    if unknown:
        return tuple(_unknown(*each, value_set) for each in unknown) if binding.strength != "preferred" else ()
    shown = ", ".join(quoted(f"{code.system or ''}|{code.code}") for code in found)
    text = f"{shown} is not in {value_set}{_why(verdicts[0][1])}"
    steps: Steps = (("code", SINGLE),) if type_name == "Coding" else ()
    return (Finding("code-invalid", "binding", text, severity, steps),)


def _unknown(code: Code, answer: Verdict, value_set: str) -> Finding:
    text = f"whether {quoted(code.code)} is in {value_set} is not known here{_why(answer)}"
    return Finding("not-supported", "binding", text, "warning", code.steps, code)


def _why(answer: Verdict) -> str:
    return f": {answer.message}" if answer.message else ""
