"""$translate: https://hl7.org/fhir/R5/conceptmap-operation-translate.html."""

from __future__ import annotations

from typing import Any

import pytest

from service.errors import Unprocessable
from service.terminology.translation import Coded, Match, Translator, Wanted

A, B, C = "http://a.test", "http://b.test", "http://c.test"
Json = dict[str, Any]
OTHER: Json = {
    "resourceType": "ConceptMap",
    "url": "http://m.test/other",
    "group": [
        {
            "source": A,
            "target": B,
            "element": [{"code": "rare", "target": [{"code": "R", "relationship": "equivalent"}]}],
            "unmapped": {"mode": "other-map", "otherMap": "http://m.test/main"},
        }
    ],
}
MAIN: Json = {
    "resourceType": "ConceptMap",
    "url": "http://m.test/main",
    "group": [
        {
            "source": f"{A}|1",
            "target": f"{B}|2",
            "element": [
                {
                    "code": "one",
                    "target": [
                        {"code": "1", "display": "One", "relationship": "equivalent"},
                        {"code": "10", "relationship": "source-is-narrower-than-target",
                         "property": [{"code": "why", "valueString": "because"}]},
                    ],
                },
                {"code": "none", "noMap": True},
                {"code": "never", "target": [{"code": "1", "relationship": "not-related-to"}]},
                {
                    "code": "sized",
                    "target": [
                        {"code": "big", "relationship": "equivalent",
                         "dependsOn": [{"attribute": "size", "valueCode": "large"}],
                         "product": [{"attribute": "site", "valueCode": "left"}]},
                        {"code": "small", "relationship": "equivalent",
                         "dependsOn": [{"attribute": "size", "valueCode": "little"}]},
                    ],
                },
                {"valueSet": "http://v.test/set", "target": [{"code": "S", "relationship": "related-to"}]},
            ],
            "unmapped": {"mode": "other-map", "otherMap": "http://m.test/other"},
        },
        {
            "source": A,
            "target": C,
            "element": [{"code": "one", "target": [{"code": "eins", "relationship": "equivalent"}]}],
            "unmapped": {"mode": "fixed", "code": "unbekannt", "relationship": "related-to"},
        },
    ],
}  # fmt: skip
TRANSLATOR = Translator(
    lambda url: {"http://m.test/other": OTHER, "http://m.test/main": MAIN}.get(url),
    lambda value_set, system, code: value_set == "http://v.test/set" and system == A and code == "member",
)


def translated(code: str, system: str = A, concept_map: Json = MAIN, **wanted: Any) -> list[Match]:
    """What a map says of a code."""
    return TRANSLATOR.matches(concept_map, Wanted([Coded(code, system)], **wanted))


def pairs(matches: list[Match]) -> list[tuple[str, str]]:
    """Relationship and code of each."""
    return [(match.relationship, match.concept.get("code", "")) for match in matches]


def test_forwards() -> None:
    """Every group from the code's system answers, with the relationship, the target's system and its version."""
    found = translated("one")
    assert pairs(found) == [("equivalent", "1"), ("source-is-narrower-than-target", "10"), ("equivalent", "eins")]
    assert found[0].concept == {"system": B, "version": "2", "code": "1", "display": "One"}
    assert {"name": "originMap", "valueUri": "http://m.test/main"} in found[0].part["part"]
    assert translated("one", "http://other.test") == []


def test_properties_and_products() -> None:
    """conceptmap-element.target: what else a map says of a translation comes with it."""
    assert translated("one")[1].properties == [
        {"name": "property", "part": [{"name": "uri", "valueUri": "why"}, {"name": "value", "valueString": "because"}]}
    ]
    [big, *_] = translated("sized")
    assert [part["name"] for part in big.part["part"]] == [
        "relationship",
        "concept",
        "product",
        "dependsOn",
        "originMap",
    ]


def test_target_system() -> None:
    """targetSystem: only groups that lead there."""
    assert pairs(translated("one", target_system=C)) == [("equivalent", "eins")]
    assert pairs(translated("one", target_system=f"{B}|3")) == []


def test_backwards() -> None:
    """targetCode: the same map read the other way, where narrower becomes broader."""
    assert pairs(translated("10", B, reverse=True)) == [("source-is-broader-than-target", "one")]
    assert pairs(translated("eins", C, reverse=True)) == [("equivalent", "one")]
    assert pairs(translated("one", A, reverse=True)) == []
    assert pairs(translated("1", B, reverse=True)) == [("equivalent", "one"), ("not-related-to", "never")]


def test_what_has_no_translation() -> None:
    """noMap and not-related-to are statements that there is none."""
    for code in ("none", "never"):
        assert not any(match.found for match in translated(code, target_system=B))
        assert translated(code, target_system=B)


def test_dependencies() -> None:
    """dependsOn: what is said excludes the translations for other circumstances; without it all are offered."""
    assert pairs(translated("sized", target_system=B)) == [("equivalent", "big"), ("equivalent", "small")]
    given = {"size": "little"}
    assert pairs(translated("sized", target_system=B, dependencies=given)) == [("equivalent", "small")]


def test_value_sets() -> None:
    """conceptmap-element.valueSet: an element may stand for all codes of a value set."""
    assert ("related-to", "S") in pairs(translated("member"))
    assert ("related-to", "S") not in pairs(translated("stranger"))


@pytest.mark.parametrize(
    ("unmapped", "expected"),
    [
        ({"mode": "use-source-code", "relationship": "equivalent"}, [("equivalent", "x")]),
        ({"mode": "fixed", "code": "other"}, [("related-to", "other")]),
        ({"mode": "other-map", "otherMap": "http://m.test/other"}, [("equivalent", "R")]),
        ({"mode": "other-map", "otherMap": "http://m.test/nowhere"}, []),
        (None, []),
    ],
)
def test_unmapped(unmapped: Json | None, expected: list[tuple[str, str]]) -> None:
    """conceptmap-unmapped-map-mode: the code itself, a fixed one, or what another map says."""
    group: Json = {"source": A, "target": B, "element": [{"code": "known"}]}
    concept_map = {"resourceType": "ConceptMap", "url": "http://m.test/u", "group": [group]}
    if unmapped is not None:
        group["unmapped"] = unmapped
    code = "rare" if ("equivalent", "R") in expected else "x"
    assert pairs(translated(code, concept_map=concept_map)) == expected
    assert translated("known", concept_map=concept_map) == []


def test_maps_that_lead_to_each_other_end() -> None:
    """unmapped: a circle of maps is followed once."""
    chain = {
        f"http://m.test/{n}": {
            "url": f"http://m.test/{n}",
            "group": [{"source": A, "unmapped": {"mode": "other-map", "otherMap": f"http://m.test/{n + 1}"}}],
        }
        for n in range(1000)
    }
    with pytest.raises(Unprocessable, match="lead to each other over more than 50"):
        Translator(chain.get, lambda *_: None).matches(chain["http://m.test/0"], Wanted([Coded("x", A)]))
    assert pairs(translated("unheard-of", target_system=B)) == []
    assert pairs(translated("rare", target_system=B)) == [("equivalent", "R")]
