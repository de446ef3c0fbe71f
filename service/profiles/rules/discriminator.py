"""What tells slices apart: https://hl7.org/fhir/R5/profiling.html#discriminator.

A discriminator is a restricted FHIRPath. It is followed twice: in the definition, once, to what the slice demands
there; and in each item, to what it has there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, TypeAlias

from service.profiles import item as items
from service.profiles.definition import place as places
from service.profiles.definition.place import Place
from service.profiles.definition.tree import Trees
from service.profiles.definition.view import View
from service.profiles.item import Item
from service.profiles.profile_run import ProfileRun
from service.profiles.rules import coded, reference
from service.profiles.rules.target import held
from service.profiles.rules.value import Test, being, having

Matcher: TypeAlias = Callable[[Item, ProfileRun], bool]
"""Whether an item has what one slice demands."""

_STEP: Final = re.compile(
    r"\$this|(?P<call>resolve|ofType|as|extension)\(\s*(?P<argument>'[^']*'|[A-Za-z.]*)\s*\)|(?P<name>[A-Za-z][\w]*)(?:\[x\])?"
)


class Step(NamedTuple):
    """A step of a path: ``child``, ``resolve``, ``ofType`` or ``extension``, and the name, type or url."""

    kind: str
    text: str = ""


class Token(NamedTuple):
    """What alone tells a slice from others: a child of its items, and the text, or the system and code, that it has."""

    name: str
    key: str | tuple[str, str]


class BadPath(ValueError):
    """A path that is not among those that a discriminator may have."""


def parse(path: str, here: Iterable[Place | None]) -> list[Step]:
    """The steps of a discriminator's path from the element that is sliced, whose children may be defined ``here``.

    Raises :class:`BadPath` for a path of another form, or to an element that there is not.
    """
    steps = _steps(path)
    standing = list(here)
    for step in steps:
        if step.kind not in ("child", "extension") or None in standing:
            break  # where it leads then depends on what is there
        name = "extension" if step.kind == "extension" else step.text
        known = [(place, found) for place in standing if place and (found := places.elements(place).get(name))]
        if not known:
            raise BadPath(f"the discriminator {path!r} leads to no element: there is no {name}")
        standing = [places.below(place, found, code) for place, found in known for code in places.codes(found)]
    return steps


def _steps(path: str) -> list[Step]:
    steps: list[Step] = []
    position = 0
    while position < len(path):
        found = _STEP.match(path, position)
        if found is None or (found.end() < len(path) and path[found.end()] != "."):
            raise BadPath(f"{path!r} is not a path that a discriminator can have")
        if found["call"]:
            kind = "ofType" if found["call"] == "as" else found["call"]
            steps.append(Step(kind, found["argument"].strip("'")))
        elif found["name"]:
            steps.append(Step("child", found["name"]))
        position = found.end() + 1
    return steps


def follow(item: Item, steps: Iterable[Step], run: ProfileRun) -> list[Item]:
    """The items that a path leads to."""
    found = [item]
    for step in steps:
        found = [there for here in found for there in _step(here, step, run)]
    return found


def _step(item: Item, step: Step, run: ProfileRun) -> list[Item]:
    if step.kind == "ofType":
        return [item] if places.is_a(item.type, step.text) else []
    if step.kind == "resolve":
        target = _resolved(item, run)
        return [target] if target else []
    name = "extension" if step.kind == "extension" else step.text
    read = items.reader(item.place, name) if item.place else None
    if read is None or item.holder is None:
        return []
    children = read(item.holder, item.where)
    if step.kind == "extension":
        return [child for child in children if child.value.get("url") == step.text]
    return children


def _resolved(item: Item, run: ProfileRun) -> Item | None:
    """The target of a reference; of one that is elsewhere, no more than the type that the reference tells."""
    found = held(item)
    value: Any = found[0] if found else {"reference": item.value}
    text = value.get("reference")
    known = run.resolve(text) if isinstance(text, str) else None
    if known is not None:
        return known
    name = reference.target_type(text, run) or reference.named_type(value.get("type"))
    return items.of_resource({"resourceType": name}, item.where) if name else None


def demands(view: View, steps: Iterable[Step], trees: Trees) -> list[View]:
    """What a slice says at the end of a path; several views where the path goes through slices that must be there."""
    found = [view]
    for step in steps:
        found = [there for here in found for there in _demands(here, step, trees)]
    return found


def _demands(view: View, step: Step, trees: Trees) -> list[View]:
    if step.kind == "ofType":
        typed = [s for s in view.slices(trees).values() if any(step.text in element.codes for element in s.own)]
        return [*typed, view]
    if step.kind == "resolve":
        return _targets(view, trees)
    child = view.child("extension" if step.kind == "extension" else step.text, trees)
    if child is None:
        return []
    slices = child.slices(trees).values()
    if step.kind == "extension":
        return [s for s in slices if _url(s.child("url", trees)) == step.text]
    needed = [s for s in slices if any(element.min for element in s.own)]
    return [*needed, child]


def _targets(view: View, trees: Trees) -> list[View]:
    """The roots of the profiles that a reference may point to, if that is one."""
    canonicals = [url for entry in view.types for url in entry.get("targetProfile", ())]
    tree = trees.find(canonicals[0]) if len(canonicals) == 1 else None
    return [View((tree.root,))] if tree else []


def _url(view: View | None) -> str | None:
    found = (element.fixed("fixed") or element.fixed("pattern") for element in view.all) if view else ()
    return next((str(value[1]) for value in found if value), None)


def matcher(kind: str, steps: list[Step], view: View, trees: Trees) -> Matcher | None:
    """What a slice demands in one discriminator; None if it demands nothing there. Raises BadPath."""
    if kind in ("value", "pattern"):
        return _by_value(steps, view, trees)
    if kind == "exists":
        return _by_existence(steps, view, trees)
    if kind == "type":
        return _by_type(steps, view, trees)
    if kind == "profile":
        return _by_profile(steps, view, trees)
    raise BadPath(f"{kind!r} is no kind of discriminator")


def _by_value(steps: list[Step], view: View, trees: Trees) -> Matcher | None:
    found = demands(view, steps, trees)
    expected = [test for there in found if (test := _expected(there, trees))]
    if not expected:
        return _by_existence(steps, view, trees)
    known = _token(steps, found)
    if known is not None and isinstance(known.key, str):
        return _has_text(known.name, known.key)

    def matches(item: Item, run: ProfileRun) -> bool:
        there = follow(item, steps, run)
        return all(any(test(node, run) for node in there) for test in expected)

    return matches


def token(kind: str, steps: list[Step], view: View, trees: Trees) -> Token | None:
    """The same where a single child with a fixed text or code is all that there is to it, so that it can be looked up.

    Whatever the children of the items are defined by has to have such a child.
    """
    return _token(steps, demands(view, steps, trees)) if kind in ("value", "pattern") else None


def _token(steps: list[Step], found: list[View]) -> Token | None:
    if len(found) != 1 or len(steps) != 1 or steps[0].kind != "child":
        return None
    elements = found[0].all
    values = [(prefix, value) for e in elements for prefix in ("fixed", "pattern") if (value := e.fixed(prefix))]
    if len(values) != 1 or any(e.base and (e.base.choice or e.base.repeats) for e in elements):
        return None
    prefix, (type_name, value) = values[0]
    if isinstance(value, str) and not any(e.children for e in elements):
        return Token(steps[0].text, value)
    key = _only_code(value) if prefix == "pattern" and type_name == "CodeableConcept" else None
    return Token(steps[0].text, key) if key else None


def _only_code(concept: dict[str, Any]) -> tuple[str, str] | None:
    """The system and the code of a concept, if it has nothing else."""
    codings = concept.get("coding")
    if len(concept) != 1 or not isinstance(codings, list) or len(codings) != 1 or not isinstance(codings[0], dict):
        return None
    system, code = codings[0].get("system"), codings[0].get("code")
    return (system, code) if len(codings[0]) == 2 and isinstance(system, str) and isinstance(code, str) else None


def _has_text(name: str, text: str) -> Matcher:
    """The test of nearly all extensions and identifiers, without looking further than the JSON."""
    return lambda item, _: (item.holder or {}).get(name) == text


def _expected(view: View, trees: Trees) -> Matcher | None:
    """The test of the fixed values and patterns of a view, else those of its children, else its required binding."""
    tests: list[Matcher] = []
    for element in view.all:
        for prefix, make in (("fixed", being), ("pattern", having)):
            value = element.fixed(prefix)
            if value is not None:
                tests.append(_of_value(make(value[1])))
    below = dict.fromkeys(name for element in view.all for name in element.children)
    for name in () if tests else below:
        tests += _expected_below(view, name, trees)
    if not tests:
        tests = [_coded(value_set) for value_set in _required(view)]
    return _all(tests) if tests else None


def _expected_below(view: View, name: str, trees: Trees) -> list[Matcher]:
    step = Step("child", name)
    inner = [test for there in _demands(view, step, trees) if (test := _expected(there, trees))]

    def within_children(test: Matcher) -> Matcher:
        return lambda item, run: any(test(child, run) for child in _step(item, step, run))

    return [within_children(test) for test in inner]


def _of_value(test: Test) -> Matcher:
    return lambda item, _: test(item.value)


def _required(view: View) -> list[str]:
    binding = view.given("binding")
    if isinstance(binding, dict) and binding.get("strength") == "required" and "valueSet" in binding:
        return [str(binding["valueSet"])]
    return []


def _coded(value_set: str) -> Matcher:
    return lambda item, run: coded.in_value_set(item, value_set, run)


def _all(tests: list[Matcher]) -> Matcher:
    if len(tests) == 1:
        return tests[0]
    return lambda item, run: all(test(item, run) for test in tests)


def _by_existence(steps: list[Step], view: View, trees: Trees) -> Matcher | None:
    found = demands(view, steps, trees)
    least = any(element.min for there in found for element in there.own)
    none = any(element.max == 0 for there in found for element in there.own)
    if not steps or least == none:
        return None
    return lambda item, run: bool(follow(item, steps, run)) == least


def _by_type(steps: list[Step], view: View, trees: Trees) -> Matcher | None:
    allowed: set[str] = set()
    before = demands(view, steps[:-1], trees) if steps and steps[-1].kind == "resolve" else []
    for there in before:
        urls = [url for entry in there.types for url in entry.get("targetProfile", ())]
        allowed.update(name for url in urls if (name := trees.type_of(url)))
    if not before:
        for there in demands(view, steps, trees):
            allowed.update(_type_names(there, trees))
    if not allowed:
        return None

    def matches(item: Item, run: ProfileRun) -> bool:
        return any(any(places.is_a(node.type, name) for name in allowed) for node in follow(item, steps, run))

    return matches


def _type_names(view: View, trees: Trees) -> Iterable[str]:
    for entry in view.types:
        narrowed = [name for url in entry.get("profile", ()) if (name := trees.type_of(url))]
        yield from narrowed or [str(entry.get("code"))]


def _by_profile(steps: list[Step], view: View, trees: Trees) -> Matcher | None:
    resolved = bool(steps) and steps[-1].kind == "resolve"
    found = demands(view, steps[:-1] if resolved else steps, trees)
    name = "targetProfile" if resolved else "profile"
    canonicals = [url for there in found for entry in there.types for url in entry.get(name, ())]
    if not canonicals:
        return None

    def matches(item: Item, run: ProfileRun) -> bool:
        return any(run.conforms(url, node) for node in follow(item, steps, run) for url in canonicals)

    return matches
