"""Conditions over plain JSON: what most invariants and ``where()`` criteria are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from service.fhir.fhirpath import fast_codes, fast_numbers, model
from service.fhir.fhirpath.environment import constant_value
from service.fhir.fhirpath.fast import Codes, Condition, Path, paths_of
from service.fhir.fhirpath.regex import compile_regex
from service.fhir.fhirpath.syntax import Binary, Call, Invoke, Literal, Member, Special, Syntax, Variable, union_parts

_TEXT_TESTS: Final[dict[str, Callable[[str, str], bool]]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": str.__contains__,
    "matches": lambda text, pattern: compile_regex(pattern, len(text)).search(text) is not None,
}


def condition_of(tree: Syntax, kind: str) -> Condition | None:
    """A fast form of a condition on a value of this type, None if it has none."""
    if isinstance(tree, Binary):
        return _binary(tree, kind)
    if isinstance(tree, Literal) and isinstance(tree.value, bool):
        constant = tree.value
        return lambda _value: constant
    if isinstance(tree, Invoke) and isinstance(tree.step, Call):
        return _call(tree.target, tree.step, kind)
    if isinstance(tree, Call) and tree.name == "hasValue" and not model.is_primitive(kind):
        return lambda _value: False
    return _boolean_path(tree, kind)


def _binary(tree: Binary, kind: str) -> Condition | None:
    if tree.operator == "or" and (among := _one_of(tree, kind)) is not None:
        return among
    if tree.operator in _LOGIC:
        left, right = condition_of(tree.left, kind), condition_of(tree.right, kind)
        return None if left is None or right is None else _LOGIC[tree.operator](left, right)
    if _more_than_id(tree) and not model.is_primitive(kind):
        return _any_child(kind)
    if tree.operator in fast_numbers.COMPARE_COUNTS and _count_path(tree.left) is not None:
        return _count(tree, kind)
    if tree.operator in ("=", "!="):
        return _equals(tree, kind)
    if tree.operator in fast_numbers.COMPARE:
        return _compared(tree, kind)
    return _among(tree, kind) if tree.operator == "in" else None


def _compared(tree: Binary, kind: str) -> Condition | None:
    left, right = _number(tree.left, kind), _number(tree.right, kind)
    if left is None or right is None or not (callable(left) or callable(right)):
        return None
    return fast_numbers.compared(left, right, tree.operator)


def _number(tree: Syntax, kind: str) -> fast_numbers.Read | fast_numbers.Number | None:
    """A constant, or the reader of a path to at most one number."""
    found = _single(tree, kind, "System.Decimal", "System.Integer")
    if found is None:
        return fast_numbers.constant(tree)
    return fast_numbers.reading(_reader(*found), found[0].type) if fast_numbers.is_number(found[0].type) else None


def _and(left: Condition, right: Condition) -> Condition:
    def decide(value: dict[str, Any]) -> bool | None:
        one = left(value)
        if one is False:
            return False
        other = right(value)
        return False if other is False else None if one is None or other is None else True

    return decide


def _or(left: Condition, right: Condition) -> Condition:
    def decide(value: dict[str, Any]) -> bool | None:
        one = left(value)
        if one:
            return True
        other = right(value)
        return True if other else None if one is None or other is None else False

    return decide


def _xor(left: Condition, right: Condition) -> Condition:
    def decide(value: dict[str, Any]) -> bool | None:
        one, other = left(value), right(value)
        return None if one is None or other is None else one is not other

    return decide


def _implies(left: Condition, right: Condition) -> Condition:
    def decide(value: dict[str, Any]) -> bool | None:
        one = left(value)
        if one is False:
            return True
        other = right(value)
        return True if other else None if one is None or other is None else False

    return decide


_LOGIC: Final = {"and": _and, "or": _or, "xor": _xor, "implies": _implies}


def _call(target: Syntax, call: Call, kind: str) -> Condition | None:
    if call.name == "not" and not call.arguments:
        inner = condition_of(target, kind)
        if inner is None:
            return None
        return lambda value: None if (found := inner(value)) is None else not found
    if isinstance(target, Special):
        return None
    if call.name in ("exists", "empty") and not call.arguments:
        present = _presence(target, kind)
        if present is None or call.name == "exists":
            return present
        return lambda value: not present(value)
    if call.name in _TEXT_TESTS and len(call.arguments) == 1:
        return _text_test(target, call, kind)
    if call.name in ("exists", "all") and len(call.arguments) == 1:
        return _quantified(target, call, kind)
    return _has_value(target, kind) if call.name == "hasValue" and not call.arguments else None


def _presence(tree: Syntax, kind: str) -> Condition | None:
    """Whether a path finds anything."""
    checks: list[Condition] = []
    for part in union_parts(tree):
        paths = paths_of(part, kind)
        if paths is None:
            return None
        checks.extend(_present(path) for path in paths)
    if len(checks) == 1:
        return checks[0]
    return lambda value: any(check(value) for check in checks)


def _present(path: Path) -> Condition:
    get, entry, before = path.get, path.last, path.before
    if before is not None and path.condition is not None:
        return fast_codes.some(before, path.condition, path.codes)
    if entry is None or before is None:
        return lambda value: bool(get(value))
    if not entry.primitive:
        if before.before is None and before.last is None:
            member = entry.member
            return lambda value: bool(value.get(member))
        return lambda value: bool(get(value))
    has, owners = has_primitive(entry, repeats=path.repeats), before.get
    if before.before is None and before.last is None:
        return has
    return lambda value: any(map(has, owners(value)))


def has_primitive(entry: model.Entry, *, repeats: bool) -> Condition:
    """Whether an object has a primitive element: a value, or what stands beside one; a null in an array is neither."""
    member, shadow = entry.member, entry.shadow
    if not repeats:
        return lambda owner: owner.get(member) is not None or owner.get(shadow) is not None
    return lambda owner: any(item is not None for name in (member, shadow) for item in owner.get(name) or ())


def _quantified(target: Syntax, call: Call, kind: str) -> Condition | None:
    """Whether some item meets a criterion, or all do: then what a union finds twice does not matter."""
    found = [paths_of(part, kind) for part in _spread(target)]
    paths = [path for part in found for path in part or ()]
    if None in found or not paths:
        return None
    tests: list[Condition] = []
    for path in paths:
        test = _all_or_any(path, call)
        if test is None:
            return None
        tests.append(test)
    if len(tests) == 1:
        return tests[0]
    if call.name == "exists":
        return lambda value: any(test(value) for test in tests)
    return lambda value: all(test(value) for test in tests)


def _all_or_any(path: Path, call: Call) -> Condition | None:
    criterion, get = call.arguments[0], path.get
    if model.is_primitive(path.type):
        return fast_numbers.all_numbers(path, criterion) if call.name == "all" else None
    inner = condition_of(criterion, path.type)
    if inner is None:
        return None
    if call.name == "exists":
        return fast_codes.some(path, inner, codes_of(criterion, path.type))
    return lambda value: all(inner(item) is True for item in get(value))


def _spread(tree: Syntax) -> list[Syntax]:
    """The parts of a union; a step from a union is one from each part."""
    if isinstance(tree, Invoke) and isinstance(tree.step, Member):
        return [Invoke(tree.position, part, tree.step) for part in _spread(tree.target)]
    return union_parts(tree)


def _single(tree: Syntax, kind: str, *systems: str) -> tuple[Path, model.Entry] | None:
    """The path, if it leads to at most one primitive value that converts to one of these System types."""
    paths = paths_of(tree, kind)
    if paths is None or len(paths) != 1:
        return None
    path = paths[0]
    if path.many or path.last is None or not path.last.primitive or path.before is None or path.before.many:
        return None
    return (path, path.last) if model.system_type(path.type) in systems else None


def _reader(path: Path, entry: model.Entry) -> Callable[[dict[str, Any]], Any]:
    """The value of a path; ``...`` where there is only an extension, None where there is nothing."""
    member, shadow = entry.member, entry.shadow
    before = path.before

    def read_here(value: dict[str, Any]) -> Any:  # noqa: ANN401  # any JSON value
        found = value.get(member)
        return ... if found is None and value.get(shadow) is not None else found

    if before is None or (before.before is None and before.last is None):
        return read_here
    owners = before.get

    def read_below(value: dict[str, Any]) -> Any:  # noqa: ANN401  # any JSON value
        for owner in owners(value):
            return read_here(owner)
        return None

    return read_below


def _equals(tree: Binary, kind: str) -> Condition | None:
    if answers(tree.left) and answers(tree.right):
        return _same_answer(tree, kind)
    wanted = _constant(tree.right)
    if isinstance(wanted, bool):
        found = _single(tree.left, kind, "System.Boolean")
    elif isinstance(wanted, str):
        found = _single(tree.left, kind, "System.String")
    else:
        return None
    if found is None:
        return None
    read, same = _reader(*found), tree.operator == "="

    def decide(value: dict[str, Any]) -> bool | None:
        actual = read(value)
        return None if actual is None else (actual == wanted) is same

    return decide


def _constant(tree: Syntax) -> Any:  # noqa: ANN401  # a System value
    if isinstance(tree, Literal):
        return tree.value
    return constant_value(tree.name) if isinstance(tree, Variable) else None


def answers(tree: Syntax) -> bool:
    """Whether an expression is a question that always has a boolean outcome."""
    return (
        isinstance(tree, Invoke) and isinstance(tree.step, Call) and tree.step.name in ("exists", "empty", "hasValue")
    )


def _same_answer(tree: Binary, kind: str) -> Condition | None:
    left, right, same = condition_of(tree.left, kind), condition_of(tree.right, kind), tree.operator == "="
    if left is None or right is None:
        return None
    return lambda value: (bool(left(value)) is bool(right(value))) is same


def _text_test(target: Syntax, call: Call, kind: str) -> Condition | None:
    found = _single(target, kind, "System.String")
    argument = _constant(call.arguments[0])
    if found is None or not isinstance(argument, str):
        return None
    read, test = _reader(*found), _TEXT_TESTS[call.name]

    def decide(value: dict[str, Any]) -> bool | None:
        actual = read(value)
        return None if actual is None or actual is ... else test(actual, argument)

    return decide


def _more_than_id(tree: Binary) -> bool:
    """Whether this is ``children().count() > id.count()``: ele-1, which holds for every element there is."""
    left, right = _count_path(tree.left), _count_path(tree.right)
    children = isinstance(left, Call) and left.name == "children"
    return tree.operator == ">" and children and isinstance(right, Member) and right.name == "id"


def _any_child(kind: str) -> Condition:
    known = frozenset(name for member in model.members(kind) if member != "id" for name in (member, "_" + member))
    return lambda value: not known.isdisjoint(value)


def codes_of(tree: Syntax, kind: str) -> Codes | None:
    """The member and the texts of a condition that is no more than ``code = 'a' or code = 'b'``."""
    asked = fast_codes.asked_texts(tree)
    found = _single(asked[0], kind, "System.String") if asked is not None else None
    if asked is None or found is None or found[0].before is None or found[0].before.before is not None:
        return None
    return found[1].member, frozenset(asked[1])


def _among(tree: Binary, kind: str) -> Condition | None:
    found = _single(tree.left, kind, "System.String")
    texts = [part.value for part in union_parts(tree.right) if isinstance(part, Literal)]
    if found is None or len(texts) != len(union_parts(tree.right)) or not all(isinstance(text, str) for text in texts):
        return None
    return _member_of(found, texts)


def _one_of(tree: Binary, kind: str) -> Condition | None:
    """``code = 'a' or code = 'b' or ...`` as one look-up."""
    asked = fast_codes.asked_texts(tree)
    found = _single(asked[0], kind, "System.String") if asked is not None else None
    return None if asked is None or found is None else _member_of(found, asked[1])


def _member_of(found: tuple[Path, model.Entry], texts: Iterable[str]) -> Condition:
    read, known = _reader(*found), frozenset(texts)

    def decide(value: dict[str, Any]) -> bool | None:
        actual = read(value)
        return None if actual is None else actual in known

    return decide


def _has_value(target: Syntax, kind: str) -> Condition | None:
    found = _single(target, kind, *model.SYSTEM_TYPES)
    if found is None:
        return None
    read = _reader(*found)
    return lambda value: (actual := read(value)) is not None and actual is not ...


def _count_path(tree: Syntax) -> Syntax | None:
    if isinstance(tree, Invoke) and isinstance(tree.step, Call) and tree.step.name == "count":
        return tree.target
    return None


def _count(tree: Binary, kind: str) -> Condition | None:
    target = _count_path(tree.left)
    paths = paths_of(target, kind) if target is not None else None
    if paths is None or len(paths) != 1 or paths[0].last is None or paths[0].last.primitive:
        return None
    if not isinstance(tree.right, Literal) or type(tree.right.value) is not int:
        return None
    get, compare, number = paths[0].get, fast_numbers.COMPARE_COUNTS[tree.operator], tree.right.value
    return lambda value: compare(len(get(value)), number)


def _boolean_path(tree: Syntax, kind: str) -> Condition | None:
    found = _single(tree, kind, "System.Boolean")
    if found is None:
        return None
    read = _reader(*found)

    def decide(value: dict[str, Any]) -> bool | None:
        actual = read(value)
        return None if actual is None or actual is ... else bool(actual)

    return decide
