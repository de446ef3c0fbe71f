"""Places in a text: https://hl7.org/fhir/R5/operationoutcome-definitions.html#OperationOutcome.issue.expression."""

from __future__ import annotations

import pytest

from service.fhir.positions import EXCERPT, Place, Positions

TEXT = """
{
  "resourceType": "Observation",
  "status" : "final", "_status": {"id": "x"},
  "valueQuantity": {
    "value": 1.00
  },
  "_issued": {"extension": []},
  "contained": [ {"resourceType": "Group", "name": "a ] } \\" b"},
    {"resourceType": "Group", "name": "second"}
  ],
  "note": [{}, {"text": "t"}]
}
"""


@pytest.mark.parametrize(
    ("location", "line", "column"),
    [
        ("Observation", 2, 1),
        ("Observation.status", 4, 3),
        ("Observation.value.ofType(Quantity)", 5, 3),
        ("Observation.value.ofType(Quantity).value", 6, 5),
        ("Observation.valueQuantity.value", 6, 5),
        ("Observation.issued", 8, 3),
        ("Observation.contained[0].name", 9, 44),
        ("Observation.contained[1]", 10, 5),
        ("Observation.contained[1].name", 10, 31),
        ("Observation.contained[1].ofType(Group).name", 10, 31),
        ("Observation.note[0]", 12, 12),
        ("Observation.note[1].text", 12, 17),
    ],
)
def test_where_an_element_stands(location: str, line: int, column: int) -> None:
    """An element begins with its key; one of several with its value."""
    place = Positions(TEXT).place(location)
    assert (place.line, place.column) == (line, column)


@pytest.mark.parametrize(
    ("location", "line", "column"),
    [
        ("Observation.code", 2, 1),
        ("Observation.value.ofType(Quantity).unit", 5, 3),
        ("Observation.contained[7].name", 9, 3),
        ("Observation.status.extension", 4, 3),
        ("Observation.note.text", 12, 3),
        ("profile", 2, 1),
        ("", 2, 1),
    ],
)
def test_what_is_not_there_is_shown_where_it_would_be(location: str, line: int, column: int) -> None:
    """The nearest element above what is missing."""
    place = Positions(TEXT).place(location)
    assert (place.line, place.column) == (line, column)


def test_lines_are_counted_from_where_the_text_begins() -> None:
    """A text that is one line of a file; the line ends of every system count as one."""
    assert Positions('{"a":1}', line=7).place("X.a") == Place(7, 2, '{"a":1}')
    for end in ("\n", "\r\n", "\r"):
        assert Positions(f'{{{end}"a":1{end}}}').place("X.a") == Place(2, 1, '"a":1')


def test_a_long_line_is_shown_in_part() -> None:
    """What is shown of a line has the place in it."""
    place = Positions('{"a":"' + "x" * 1000 + '","b":1,"c":"' + "y" * 1000 + '"}').place("X.b")
    assert place.column == 1009
    assert '"b":1' in place.excerpt
    assert len(place.excerpt) <= EXCERPT
