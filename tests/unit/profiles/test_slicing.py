"""Slicing: https://hl7.org/fhir/R5/profiling.html#slicing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.profiles.profile import Profile
from tests.unit.profiles.profiling import COLOURS, HERE, SETS, extension, found, issues, observation, profile

Element = dict[str, Any]


def sliced(kind: str, path: str, *elements: Element, name: str = "component", **more: Any) -> dict[str, Any]:
    """A profile that slices an element of Observation by one discriminator."""
    slicing = {"discriminator": [{"type": kind, "path": path}], "rules": "open", **more}
    return profile("p", "Observation", {"id": f"Observation.{name}", "slicing": slicing}, *elements)


def member(name: str, **more: Any) -> Element:
    """An element of the slice ``name`` of the components, or below it (``red.code``)."""
    head, _, tail = name.partition(".")
    return {"id": f"Observation.component:{head}" + (f".{tail}" if tail else ""), **more}


def colour(code: str) -> dict[str, Any]:
    """A concept with one colour."""
    return {"coding": [{"system": COLOURS, "code": code}]}


def components(*codes: str, **more: Any) -> dict[str, Any]:
    """An Observation with a component for each colour."""
    return observation(component=[{"code": colour(code), "valueInteger": 1, **more} for code in codes])


BLUE = (member("blue", min=1, max="1"), member("blue.code", patternCodeableConcept=colour("blue")))
RED = (member("red", max="1"), member("red.code", patternCodeableConcept=colour("red")))


@pytest.mark.parametrize(
    ("rules", "codes", "expected"),
    [
        ("open", ("blue",), []),
        ("open", ("blue", "red"), []),
        ("open", ("red",), [("cardinality", "Observation.component")]),
        ("open", ("blue", "blue"), [("cardinality", "Observation.component")]),
        ("open", ("grey", "blue"), []),
        ("closed", ("blue", "red"), []),
        ("closed", ("blue", "grey"), [("slicing", "Observation.component[1]")]),
        ("openAtEnd", ("blue", "red", "grey"), []),
        ("openAtEnd", ("grey", "blue"), [("slicing", "Observation.component[1]")]),
    ],
)
def test_items_are_sorted_into_slices(rules: str, codes: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    """Each slice has its own cardinality; what is in no slice is welcome, refused, or welcome at the end."""
    assert found(components(*codes), sliced("pattern", "code", *BLUE, *RED, rules=rules)) == expected


_CODINGS = st.fixed_dictionaries(
    {},
    optional={
        "system": st.sampled_from([COLOURS, COLOURS, "http://example.org/other", 1, [COLOURS]]),
        "code": st.sampled_from(["blue", "blue", "red", "green", True, {}]),
        "display": st.just("a colour"),
    },
)
_CONCEPTS = st.fixed_dictionaries(
    {}, optional={"coding": st.lists(_CODINGS | st.just("blue"), max_size=3) | _CODINGS, "text": st.just("blue")}
)
_COMPONENTS = st.fixed_dictionaries({}, optional={"code": _CONCEPTS | st.just("blue")})
_SYSTEMS = st.fixed_dictionaries({}, optional={"system": st.sampled_from([COLOURS, SETS, 1, [COLOURS]])})
AZURE = (member("azure", max="1"), member("azure.code", patternCodeableConcept=colour("blue")))


@given(
    st.lists(_COMPONENTS, max_size=4),
    st.lists(_SYSTEMS, max_size=4),
    st.sampled_from(["open", "closed", "openAtEnd"]),
    st.booleans(),
)
def test_looking_a_slice_up_is_asking_each(
    components: list[Any], identifiers: list[Any], rules: str, is_ordered: bool
) -> None:
    """Slices that a code or a text tells apart, two of them by the same, take what they take when each is asked."""
    by_code = sliced("value", "code", *BLUE, *RED, *AZURE, rules=rules, ordered=is_ordered)
    by_text = sliced(
        "value",
        "system",
        {"id": "Observation.identifier:own", "max": "1"},
        {"id": "Observation.identifier:own.system", "fixedUri": COLOURS},
        {"id": "Observation.identifier:other", "min": 1},
        {"id": "Observation.identifier:other.system", "patternUri": SETS},
        name="identifier",
        rules=rules,
    )
    resource = observation(component=components, identifier=identifiers)
    quick = [issues(resource, demand) for demand in (by_code, by_text)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Profile, "_token", lambda *_: None)
        assert quick == [issues(resource, demand) for demand in (by_code, by_text)]


@pytest.mark.parametrize(
    ("codes", "is_right"), [(("blue", "red"), True), (("red", "blue"), False), (("blue", "grey", "red"), True)]
)
def test_slices_can_be_in_order(codes: tuple[str, ...], is_right: bool) -> None:
    """With ``ordered``, items stand in the order in which the profile defines their slices."""
    there = found(components(*codes), sliced("value", "code", *BLUE, *RED, ordered=True))
    assert there == ([] if is_right else [("slicing", "Observation.component[1]")])


def test_what_a_slice_says_holds_for_its_items_only() -> None:
    """Constraints on a slice say nothing about other items."""
    demand = sliced("value", "code", *BLUE, member("blue.interpretation", min=1))
    assert found(components("blue", "red"), demand) == [("cardinality", "Observation.component[0].interpretation")]


def test_the_slice_of_a_value_by_its_parts() -> None:
    """What a slice fixes below the discriminated element tells it apart as well."""
    demand = sliced("value", "code", member("blue", min=1), member("blue.code.coding.code", fixedCode="blue"))
    assert found(components("blue"), demand) == []
    assert found(components("red"), demand) == [("cardinality", "Observation.component")]


def test_a_discriminator_through_slices_that_must_be_there() -> None:
    """``code.coding.code`` is told by the slices of coding, as in the vital signs of R5."""
    coding = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}
    demand = sliced(
        "value",
        "code.coding.code",
        member("blue", min=1),
        member("blue.code.coding", slicing=coding),
        member("blue.code.coding:own", min=1),
        member("blue.code.coding:own.system", fixedUri=COLOURS),
        member("blue.code.coding:own.code", fixedCode="blue"),
    )
    assert found(components("red", "blue"), demand) == []
    assert found(components("red"), demand) == [("cardinality", "Observation.component")]


def test_a_required_binding_tells_slices_apart() -> None:
    """Without a fixed value the codes of a required binding decide."""
    bound = member("warm.code", binding={"strength": "required", "valueSet": SETS + "warm"})
    demand = sliced("value", "code", member("warm", max="1"), bound)
    assert found(components("red", "blue"), demand) == []
    assert found(components("red", "orange"), demand) == [("cardinality", "Observation.component")]


def test_slices_by_existence() -> None:
    """An element that must be there against one that must not."""
    demand = sliced(
        "exists",
        "interpretation",
        member("read", max="1"),
        member("read.interpretation", min=1),
        member("plain", max="1"),
        member("plain.interpretation", max="0"),
    )
    read = {"code": colour("red"), "interpretation": [{"text": "x"}]}
    plain = {"code": colour("red")}
    assert found(observation(component=[read, plain]), demand) == []
    assert (
        found(observation(component=[read, read, plain, plain]), demand)
        == [("cardinality", "Observation.component")] * 2
    )


def test_slices_by_type() -> None:
    """The type of a choice within the item."""
    demand = sliced("type", "value", member("number", max="1"), member("number.value[x]", type=[{"code": "integer"}]))
    text = {"code": colour("red"), "valueString": "x"}
    number = {"code": colour("red"), "valueInteger": 1}
    assert found(observation(component=[text, text, number]), demand) == []
    assert found(observation(component=[number, number]), demand) == [("cardinality", "Observation.component")]


def test_slices_of_a_choice() -> None:
    """A choice is sliced by its types without being told so."""
    demand = profile(
        "p",
        "Observation",
        {"id": "Observation.value[x]:valueQuantity", "min": 1, "type": [{"code": "Quantity"}]},
        {"id": "Observation.value[x]:valueQuantity.unit", "min": 1},
    )
    assert found(observation(), demand) == []
    assert found(observation(valueQuantity={"value": 1}), demand) == [
        ("cardinality", "Observation.value.ofType(Quantity).unit")
    ]
    assert found(observation(valueQuantity=None, valueString="x"), demand) == [("cardinality", "Observation.value")]


def test_slices_by_position() -> None:
    """R5 can tell items apart by where they stand."""
    demand = sliced(
        "position",
        "$this",
        member("first", min=1),
        member("first.code", patternCodeableConcept=colour("blue")),
        member("second"),
        member("second.code", patternCodeableConcept=colour("red")),
    )
    assert found(components("blue", "red", "grey"), demand) == []
    assert found(components("red"), demand) == [("pattern", "Observation.component[0].code")]


def test_slices_by_the_type_of_a_target() -> None:
    """``resolve()`` tells the type as far as the reference does."""
    target = {"code": "Reference", "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Organization"]}
    demand = sliced(
        "type", "$this.resolve()", {"id": "Observation.performer:place", "max": "1", "type": [target]}, name="performer"
    )
    place = {"reference": "Organization/1"}
    assert found(observation(performer=[place, {"reference": "Practitioner/1"}]), demand) == []
    assert found(observation(performer=[place, place]), demand) == [("cardinality", "Observation.performer")]


def test_slices_by_profile() -> None:
    """An item is in a slice if what the path leads to conforms to the profile of the slice."""
    adult = profile("adult", "Patient", {"id": "Patient.active", "fixedBoolean": True, "min": 1})
    target = {"code": "Reference", "targetProfile": [HERE + "adult"]}
    demand = sliced(
        "profile", "resolve()", {"id": "Observation.performer:adult", "min": 1, "type": [target]}, name="performer"
    )

    def performed(active: bool) -> dict[str, Any]:
        patient = {"resourceType": "Patient", "id": "a", "active": active}
        return observation(contained=[patient], performer=[{"reference": "#a"}])

    assert found(performed(True), demand, adult) == []
    assert found(performed(False), demand, adult) == [("cardinality", "Observation.performer")]


def test_extensions_are_sliced_by_url() -> None:
    """Slices of extensions need no slicing entry; the url is that of the profile of the slice's type."""
    size = extension("size", "integer")
    kind = [{"code": "Extension", "profile": [HERE + "size"]}]
    demand = profile("p", "Observation", {"id": "Observation.extension:size", "min": 1, "type": kind})
    other = {"url": "http://example.org/other", "valueString": "x"}
    good = {"url": HERE + "size", "valueInteger": 1}
    assert found(observation(extension=[other, good]), demand, size) == []
    assert found(observation(extension=[other]), demand, size) == [("cardinality", "Observation.extension")]
    bad = {"url": HERE + "size", "valueString": "x"}
    assert found(observation(extension=[bad]), demand, size) == [
        ("type", "Observation.extension[0].value.ofType(string)")
    ]


def test_a_discriminator_by_extension() -> None:
    """``extension('url').value`` leads into the extensions of an item."""
    kind = {"code": "Extension", "profile": [HERE + "size"]}
    demand = sliced(
        "value",
        f"extension('{HERE}size').value",
        member("big", max="1"),
        member("big.extension:size", min=1, type=[kind]),
        member("big.extension:size.value[x]", fixedInteger=9),
    )
    big, small = (
        {"code": colour("red"), "extension": [{"url": HERE + "size", "valueInteger": size}]} for size in (9, 1)
    )
    assert found(observation(component=[big, small]), demand, extension("size", "integer")) == []
    assert found(observation(component=[big, big]), demand, extension("size", "integer")) == [
        ("cardinality", "Observation.component")
    ]


def test_slices_within_slices() -> None:
    """The codings of one slice are sliced on their own."""
    coding = {"discriminator": [{"type": "value", "path": "system"}], "rules": "open"}
    demand = sliced(
        "value",
        "code",
        *BLUE,
        member("blue.code.coding", slicing=coding),
        member("blue.code.coding:loinc", min=1),
        member("blue.code.coding:loinc.system", fixedUri="http://loinc.org"),
    )
    assert found(components("red", "blue"), demand) == [("cardinality", "Observation.component[1].code.coding")]


def test_a_slice_is_sliced_again() -> None:
    """Reslicing: the slices of a slice get its items only."""
    again = {"discriminator": [{"type": "type", "path": "value"}], "rules": "closed"}
    demand = sliced(
        "value",
        "code",
        member("blue", slicing=again),
        member("blue.code", patternCodeableConcept=colour("blue")),
        {"id": "Observation.component:blue/number", "sliceName": "blue/number", "max": "1"},
        {"id": "Observation.component:blue/number.value[x]", "type": [{"code": "integer"}]},
    )
    assert found(components("blue", "red", "red"), demand) == []
    assert found(components("blue", "blue"), demand) == [("cardinality", "Observation.component")]
    text = {"code": colour("blue"), "valueString": "x"}
    assert found(observation(component=[text]), demand) == [("slicing", "Observation.component[0]")]


def test_the_default_slice_takes_the_rest() -> None:
    """In a closed slicing, ``@default`` says what the items in no other slice must be like."""
    demand = sliced(
        "value", "code", *BLUE, member("@default"), member("@default.interpretation", min=1), rules="closed"
    )
    read = {"code": colour("red"), "interpretation": [{"text": "x"}]}
    blue = {"code": colour("blue")}
    assert found(observation(component=[blue, read]), demand) == []
    assert found(components("blue", "red"), demand) == [("cardinality", "Observation.component[1].interpretation")]


def test_a_derived_profile_tightens_the_slices_of_its_base() -> None:
    """What tells the slices apart is inherited."""
    base = sliced("value", "code", member("blue"), BLUE[1])
    base["url"] = HERE + "base"
    demand = profile("derived", "Observation", member("blue", min=1), base=HERE + "base")
    closed = profile(
        "closed", "Observation", {"id": "Observation.component", "slicing": {"rules": "closed"}}, base=HERE + "base"
    )
    assert found(components("red"), demand, base) == [("cardinality", "Observation.component")]
    assert found(components("blue", "red"), closed, base) == [("slicing", "Observation.component[1]")]


def test_slices_of_all_items_hold_in_each_slice() -> None:
    """A slice may tighten a slice that is defined for all items of the sliced element."""
    kind = [{"code": "Extension", "profile": [HERE + "size"]}]
    demand = sliced(
        "value",
        "code",
        *BLUE,
        {"id": "Observation.component.extension:size", "max": "1", "type": kind},
        member("blue.extension:size", min=1),
    )
    assert found(components("red", "blue"), demand, extension("size", "integer")) == [
        ("cardinality", "Observation.component[1].extension")
    ]


def test_an_item_in_two_slices_is_reported() -> None:
    """Slices must not overlap."""
    twice = (
        member("a"),
        member("a.code.text", fixedString="x"),
        member("b"),
        member("b.code", patternCodeableConcept={"text": "x"}),
    )
    there = found(observation(component=[{"code": {"text": "x"}}]), sliced("value", "code", *twice))
    assert there == [("slicing", "Observation.component[0]")]


@pytest.mark.parametrize("rules", ["open", "closed", "openAtEnd"])
def test_what_can_be_told_is_checked_beside_what_cannot(rules: str) -> None:
    """An item in no other slice may be in the one that nothing tells apart; the others are checked as ever."""
    demand = sliced("pattern", "code", *BLUE, member("other", min=2), member("other.value[x]", max="0"), rules=rules)
    beside = issues(components("grey", "blue"), demand, at_least="warning")
    assert [(i.severity, i.code) for i in beside] == [("warning", "not-supported")]
    assert found(components("grey"), demand) == [("cardinality", "Observation.component")]


def test_what_may_be_in_another_slice_is_not_in_the_default() -> None:
    """``@default`` is for items that are in no slice, which then is not known of any."""
    default = (member("@default"), member("@default.value[x]", max="0"))
    assert found(components("grey"), sliced("pattern", "code", *RED, *default)) == [
        ("cardinality", "Observation.component[0].value")
    ]
    assert found(components("grey"), sliced("pattern", "code", *RED, member("other"), *default)) == []


def test_slices_without_a_difference_are_not_evaluated() -> None:
    """Where nothing tells slices apart that is said, as a warning, and nothing is passed silently."""
    demand = sliced("value", "code", member("a", min=1))
    there = issues(observation(), demand, at_least="warning")
    assert [(i.severity, i.code) for i in there] == [("warning", "not-supported")]
    assert "no discriminator tells what is in the slice" in there[0].diagnostics
