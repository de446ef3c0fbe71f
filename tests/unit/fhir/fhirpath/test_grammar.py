"""The grammar: https://hl7.org/fhirpath/grammar.html."""

from __future__ import annotations

import pytest

from service.errors import Invalid
from service.fhir import fhirpath
from service.fhir.fhirpath import PathSyntaxError
from service.fhir.fhirpath.parser import MAX_DEPTH, parse
from service.fhir.fhirpath.syntax import Binary, Invoke, Literal, Polarity, TypeTest, union_parts
from tests.unit.fhir.fhirpath.evaluating import outcome


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", [7]),
        ("(1 + 2) * 3", [9]),
        ("10 - 2 - 3", [5]),
        ("7 div 2 mod 2", [1]),
        ("1 + 1 = 2 and 2 > 1", [True]),
        ("true or false and false", [True]),
        ("false implies false implies false", [False]),
        ("'a' & 'b' = 'ab'", [True]),
        ("(1 | 2 is Integer).count()", [2]),
        ("1 < 2 = true", [True]),
        ("2 in 1 | 2", [True]),
        ("-2.abs() = -2", [True]),
        ("- 1 + 3", [2]),
        ("`name`.`family`", ["Lind"]),
        ("name [ 0 ] . family // the last word\n", ["Lind"]),
        ("/* before */ 1 /* between\nlines */ + 1", [2]),
        ("'\\u0041\\n\\t\\'\\\\\\/'", ["A\n\t'\\/"]),
        ("{}", []),
        ("5L + 1", [6]),
        ("contains.exists() or is.exists() or as.exists()", [False]),
        ("'a:b'.contains(\":\")", [True]),
    ],
)
def test_precedence_literals_and_names(expression: str, expected: list[object]) -> None:
    """Operators bind as the table of precedence says; comments, escapes and quoted names are read."""
    assert outcome(expression) == expected


@pytest.mark.parametrize(
    ("expression", "position"),
    [
        ("", 0),
        ("1 +", 3),
        ("name.", 5),
        ("name..given", 5),
        ("(1", 2),
        ("name[0", 6),
        ("'open", 0),
        ("1 /* open", 2),
        ("name given", 5),
        ("f(1,)", 4),
        ("%", 1),
        ("$that", 0),
        ("{1}", 1),
        ("#", 0),
        ("'\\q'", 0),
        ("@2020-13", 0),
        ("@2021-02-29", 0),
        ("@T25:00", 0),
        ("@2020T10:00", 8),
        ("1 is", 4),
        ("name.1", 5),
        ("1.a(", 4),
    ],
)
def test_what_is_not_in_the_grammar_is_refused_with_its_place(expression: str, position: int) -> None:
    """A syntax error is a client's error and says at which character."""
    with pytest.raises(PathSyntaxError, match="line 1, column") as caught:
        fhirpath.compile(expression)
    assert caught.value.position == position
    assert isinstance(caught.value, Invalid)


def test_an_error_counts_lines() -> None:
    """The place of an error in a long expression is told by line and column."""
    with pytest.raises(PathSyntaxError, match="line 3, column 5"):
        fhirpath.compile("name\n  .given\n    ]")


@pytest.mark.parametrize("expression", ["(" * 500 + "1", "1" + "+1" * 500, "-" * 500 + "1", "a" + ".a" * 500])
def test_nesting_is_bounded(expression: str) -> None:
    """What is nested too deep is refused when it is compiled, and never overflows the stack."""
    with pytest.raises(PathSyntaxError, match=f"more than {MAX_DEPTH} levels"):
        fhirpath.compile(expression)


def test_a_long_union_is_not_deep() -> None:
    """Search parameters that many types share are unions of a hundred paths and more."""
    assert outcome(" | ".join(str(number) for number in range(300)) + " | 5") == list(range(300))


def test_an_expression_has_a_length() -> None:
    """An expression that is longer than any real one is not even read."""
    with pytest.raises(PathSyntaxError, match="longer than"):
        fhirpath.compile("a " * 20_000)


def test_the_tree_knows_where_it_came_from() -> None:
    """Every node of the tree carries its offset in the text."""
    tree = parse("name.given = 'x' | -1 is Integer")
    assert isinstance(tree, Binary)
    assert (tree.operator, tree.position) == ("=", 11)
    assert isinstance(tree.left, Invoke)
    first, second = union_parts(tree.right)
    assert isinstance(first, Literal)
    assert isinstance(second, TypeTest)
    assert isinstance(second.operand, Polarity)
    assert (first.position, second.position, second.operand.position) == (13, 22, 19)
