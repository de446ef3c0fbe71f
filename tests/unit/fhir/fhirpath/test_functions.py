"""Existence, filtering, subsetting, combining, utility: https://hl7.org/fhirpath/#functions."""

from __future__ import annotations

import pytest

from service.fhir.fhirpath import EvaluationError, Hooks, Node
from tests.unit.fhir.fhirpath.evaluating import nodes, outcome


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("name.exists()", True),
        ("photo.exists()", False),
        ("gender.exists()", True),
        ("name.exists(use = 'usual')", True),
        ("name.exists(use = 'old')", False),
        ("photo.empty()", True),
        ("name.all(given.exists())", True),
        ("name.all(family.exists())", False),
        ("photo.all(false)", True),
        ("name.select(family.exists()).allTrue()", False),
        ("name.select(family.exists()).anyTrue()", True),
        ("name.select(family.exists()).allFalse()", False),
        ("name.select(family.exists()).anyFalse()", True),
        ("({}).allTrue()", True),
        ("({}).anyTrue()", False),
        ("active.not()", False),
        ("name.first().subsetOf(%context.name)", True),
        ("name.subsetOf(%context.name.first())", False),
        ("name.supersetOf(%context.name.first())", True),
        ("(1 | 2).subsetOf(3 | 2 | 1.0)", True),
        ("name.given.isDistinct()", True),
        ("('a').combine('a').isDistinct()", False),
    ],
)
def test_existence(expression: str, expected: bool) -> None:
    """Questions about a collection as a whole."""
    assert outcome(expression) == [expected]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("name.where(use = 'usual').given", ["Annie"]),
        ("name.where($index = 1).given", ["Annie"]),
        ("name.given.where($this.startsWith('A'))", ["Ann", "Annie"]),
        ("name.where({}).given", []),
        ("name.select(given.first())", ["Ann", "Annie"]),
        ("name.select($index)", [0, 1]),
        ("(1 | 2 | 3).aggregate($total + $this, 0)", [6]),
        ("(1 | 2 | 3).aggregate(iif($total.empty(), $this, $total * $this))", [6]),
        ("(3 | 1 | 2).sort()", [1, 2, 3]),
        ("('b' | 'a').sort(-$this)", ["b", "a"]),
        ("name.sort(-use).use", ["usual", "official"]),
        ("name.sort(family).use", ["usual", "official"]),
        ("name.sort(given.count(), use).use", ["usual", "official"]),
        ("(1 | 2).repeat(iif($this < 5, $this + 2, {}))", [3, 4, 5, 6]),
        ("(1).repeatAll(iif($this < 3, $this + 1, {}))", [2, 3]),
        ("name.ofType(HumanName).use", ["official", "usual"]),
        ("telecom.distinct().count()", [2]),
        ("('a').combine('a').distinct()", ["a"]),
        ("name.count()", [2]),
    ],
)
def test_filtering_and_projection(expression: str, expected: list[object]) -> None:
    """An expression for every item, with $this, $index and $total."""
    assert outcome(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("name.given.first()", ["Ann"]),
        ("name.given.last()", ["Annie"]),
        ("name.given.tail()", ["Bea", "Annie"]),
        ("name.given.skip(2)", ["Annie"]),
        ("name.given.skip(-1).count()", [3]),
        ("name.given.take(1)", ["Ann"]),
        ("name.given.take(0)", []),
        ("name.given[1]", ["Bea"]),
        ("name.given[9]", []),
        ("name.given[{}]", []),
        ("active.single()", [True]),
        ("photo.single()", []),
        ("name.given.intersect('Bea' | 'Cid')", ["Bea"]),
        ("name.given.exclude('Bea')", ["Ann", "Annie"]),
        ("('a').combine('a').exclude('b')", ["a", "a"]),
        ("('a').combine('a').intersect('a')", ["a"]),
        ("('a').union('a')", ["a"]),
        ("1 | 1.0 | 2", [1, 2]),
        ("('a').combine('a')", ["a", "a"]),
        ("iif(active, 'yes', 'no')", ["yes"]),
        ("iif({}, 'yes', 'no')", ["no"]),
        ("iif(false, 'yes')", []),
        ("active.iif($this, name.count(), 0)", [0]),
        ("coalesce(photo, name.given, 'none')", ["Ann", "Bea", "Annie"]),
    ],
)
def test_subsetting_and_combining(expression: str, expected: list[object]) -> None:
    """Parts of collections, and collections put together; what is equal is the same."""
    assert outcome(expression) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "name.given.single()",
        "name.given.upper()",
        "(1 | 2) + 1",
        "name.given[0 | 1]",
        "('a' | 'b') in 'a'",
        "(true | 'a').allTrue()",
        "name.where(given)",
        "name.iif(true, 1)",
        "name.as(HumanName)",
        "name.is(HumanName)",
        "(1 | 2).not()",
        "1.combine('a').sort()",
        "name.extension('a' | 'b')",
        "1.combine(2).comparable(1)",
        "active and name",
    ],
)
def test_what_takes_one_item_refuses_several(expression: str) -> None:
    """Several items where one is expected are an error of this evaluation, never an empty outcome."""
    with pytest.raises(EvaluationError):
        outcome(expression)


def test_what_is_the_same_for_every_item_is_evaluated_once() -> None:
    """A part that depends on the resource alone costs no more in a loop; one with an effect is not shortened."""
    heard: list[str] = []
    hooks = Hooks(trace=lambda name, _found: heard.append(name))
    names = {"resourceType": "Patient", "id": "3", "name": [{"family": str(n)} for n in range(2000)]}
    assert outcome("name.where(family in %resource.descendants().ofType(id)).family", names) == ["3"]
    assert outcome("name.where($index < 2).select(%resource.id.trace('t'))", names, hooks=hooks) == ["3", "3"]
    assert heard == ["t", "t"]


def test_a_collection_cannot_grow_without_end() -> None:
    """An expression that makes more and more items or text is stopped."""
    with pytest.raises(EvaluationError, match="more than"):
        outcome("(1).repeatAll($this | 2)")
    with pytest.raises(EvaluationError, match="longer than"):
        outcome(f"({'|'.join(str(n) for n in range(40))}).aggregate($total & $total, 'abcdefgh')")


def test_trace_tells_the_caller() -> None:
    """``trace`` changes nothing; what it is told goes to the hook and nowhere else."""
    heard: list[tuple[str, list[object]]] = []
    hooks = Hooks(trace=lambda name, found: heard.append((name, [node.value for node in found])))
    assert outcome("name.trace('n', given.count()).use.trace('u')", hooks=hooks) == ["official", "usual"]
    assert heard == [("n", [2, 1]), ("u", ["official", "usual"])]
    assert outcome("active.trace('silent')") == [True]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("now() = now()", True),
        ("today() <= today()", True),
        ("now().toString().length() > 22", True),
        ("today().precision()", 8),
        ("timeOfDay() is Time", True),
        ("1 'mg'.comparable(1 'kg')", True),
        ("1 'mg'.comparable(1 'm')", False),
        ("1.00.precision()", 2),
        ("@2020-01.precision()", 6),
        ("@T10:30:00.precision()", 6),
    ],
)
def test_utilities(expression: str, expected: object) -> None:
    """The clock stands still during an evaluation; precision counts what is known."""
    assert outcome(expression) == [expected]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("defineVariable('v', 5).select(%v + %v)", [10]),
        ("name.defineVariable('n', first()).select(%n.family)", ["Lind", "Lind"]),
        ("name.select(defineVariable('n').given.select(%n.use & $this))", ["officialAnn", "officialBea", "usualAnnie"]),
        ("defineVariable('a', 1).select(%a) | defineVariable('a', 2).select(%a)", [1, 2]),
        ("defineVariable('x' & 'y', 7).select(%xy)", [7]),
        ("defineVariable('a', 1).defineVariable('b', %a + 1).select(%a + %b)", [3]),
    ],
)
def test_variables_of_the_expression(expression: str, expected: list[object]) -> None:
    """A variable is known in the rest of its path and in the arguments there, and nowhere else."""
    assert outcome(expression) == expected


def test_a_name_that_is_computed_is_looked_up_when_it_runs() -> None:
    """A variable whose name nobody could know beforehand may turn out not to be there."""
    with pytest.raises(EvaluationError, match="%zz is not defined"):
        outcome("defineVariable('x' & 'y', 7).select(%zz)")


def test_the_nodes_of_a_filter_are_those_of_the_resource() -> None:
    """Filters and subsets hand on the nodes themselves, with their place."""
    (node,) = nodes("name.where(use = 'usual').given.first()")
    assert isinstance(node, Node)
    assert node.path == "Patient.name[1].given[0]"
