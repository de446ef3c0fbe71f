"""References and ids: https://hl7.org/fhir/R5/references.html#literal."""

from __future__ import annotations

import pytest

from service.fhir.references import Literal, is_id, parse_literal


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Group/a", Literal(None, "Group", "a", None)),
        ("Group/a/_history/3", Literal(None, "Group", "a", "3")),
        ("Group/a#part", Literal(None, "Group", "a", None)),
        ("http://x.test/fhir/Group/a", Literal("http://x.test/fhir", "Group", "a", None)),
        ("https://x.test/Group/a/_history/1", Literal("https://x.test", "Group", "a", "1")),
        ("http://x.test/Group/Group/a", Literal("http://x.test/Group", "Group", "a", None)),
        ("Nothing/a", None),
        ("Group", None),
        ("Group/", None),
        ("group/a", None),
        ("Group/a b", None),
        ("Group/" + "a" * 65, None),
        ("Group/a/b", None),
        ("Group?identifier=1", None),
        ("#a", None),
        ("urn:uuid:00000000-0000-4000-8000-000000000001", None),
        ("/Group/a", None),
        ("x/Group/a", None),
        ("Group/a\n", None),
        ("", None),
    ],
)
def test_literal(text: str, expected: Literal | None) -> None:
    """references.html#literal: relative or absolute, with a version or without; everything else is none."""
    assert parse_literal(text) == expected


def test_ids() -> None:
    """datatypes.html#id: 1 to 64 letters, digits, hyphens and dots."""
    for text in ("a", "A.-9", "x" * 64):
        assert is_id(text)
    for text in ("", "x" * 65, "a b", "a_b", "a/b", "é", "a\n", "١"):
        assert not is_id(text)
