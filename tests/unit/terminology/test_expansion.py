"""$expand: https://hl7.org/fhir/R5/valueset-operation-expand.html."""

from __future__ import annotations

from typing import Any

import pytest

from service.errors import Unprocessable
from service.terminology.expansion import LIMIT, Asked, expand
from tests.unit.terminology.making import DISEASES, Json, S, part, service, value_set

KNOWN = service(DISEASES)
WHOLE = value_set(part())


def expanded(value_set_: Json = WHOLE, **asked: Any) -> Json:
    """The expansion of a value set."""
    found: Json = expand(value_set_, KNOWN.members_of(value_set_), Asked(**asked))["expansion"]
    return found


def shown(expansion: Json) -> Any:
    """The codes of an expansion, with those below each."""

    def one(entry: Json) -> Any:
        below = [one(each) for each in entry.get("contains", ())]
        return {entry["code"]: below} if below else entry["code"]

    return [one(each) for each in expansion.get("contains", ())]


def entry(code: str, **asked: Any) -> Json:
    """One code of the flat expansion."""
    listed: list[Json] = expanded(nested=False, **asked)["contains"]
    return next(each for each in listed if each["code"] == code)


def test_hierarchy() -> None:
    """A code comes below the one that is above it; excludeNested makes a list."""
    assert shown(expanded()) == [{"leukaemia": [{"aml": ["apl"]}, "all"]}, "old", "aged"]
    assert shown(expanded(nested=False)) == ["leukaemia", "aml", "apl", "all", "old", "aged"]
    without = value_set(part(), exclude=(part(concept=[{"code": "aml"}]),))
    assert shown(expanded(without)) == [{"leukaemia": ["all"]}, "apl", "old", "aged"]


def test_a_circle_loses_no_code() -> None:
    """Codes that lie above each other are all listed, one of them at the top."""
    circle: Json = {
        "resourceType": "CodeSystem",
        "url": "http://c.test",
        "content": "complete",
        "concept": [
            {"code": "a", "property": [{"code": "parent", "valueCode": "b"}]},
            {"code": "b", "property": [{"code": "parent", "valueCode": "a"}]},
        ],
    }
    asked = value_set(part("http://c.test"))
    found = expand(asked, service(circle).members_of(asked), Asked())["expansion"]
    assert shown(found) == [{"b": ["a"]}]


def test_a_deep_hierarchy() -> None:
    """Where a hierarchy is deeper than is shown, its lower part begins anew: no code is lost, nothing is too deep."""
    chain: list[Json] = [{"code": "c0"}]
    chain += [{"code": f"c{n}", "property": [{"code": "parent", "valueCode": f"c{n - 1}"}]} for n in range(1, 5000)]
    deep: Json = {"resourceType": "CodeSystem", "url": "http://c.test", "content": "complete", "concept": chain}
    asked = value_set(part("http://c.test"))
    for listed in (deep, {**deep, "concept": chain[::-1]}):
        found = expand(asked, service(listed).members_of(asked), Asked())["expansion"]["contains"]
        total, depth, ahead = 0, 0, [(each, 1) for each in found]
        while ahead:
            each, level = ahead.pop()
            total, depth = total + 1, max(depth, level)
            ahead += [(below, level + 1) for below in each.get("contains", ())]
        assert total == 5000
        assert 20 < depth <= 40


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("acute", ["aml", "apl", "all"]),
        ("LEUK acute MYEL", ["aml", "apl"]),
        ("leukämie", ["aml"]),
        ("al", ["all"]),
        ("aml", ["aml"]),
        ("nothing", []),
    ],
)
def test_filter(text: str, expected: list[str]) -> None:
    """filter: every word is in one text of the code, in any case, or the code begins with it."""
    found = expanded(filter=text, echoed=[{"name": "filter", "valueString": text}])
    assert sorted(shown(found)) == sorted(expected)
    assert found["total"] == len(expected)
    assert found["parameter"][0] == {"name": "filter", "valueString": text}


def test_paging() -> None:
    """offset and count take a part of a flat list; total counts all of it."""
    pages = [expanded(offset=offset, count=4) for offset in (0, 4, 8)]
    assert [shown(page) for page in pages] == [["leukaemia", "aml", "apl", "all"], ["old", "aged"], []]
    assert [(page["total"], page["offset"]) for page in pages] == [(6, 0), (6, 4), (6, 8)]
    assert "offset" not in expanded()
    assert shown(expanded(count=0)) == []


def test_active_only() -> None:
    """activeOnly leaves inactive codes out; otherwise they are there and marked."""
    assert "old" not in shown(expanded(active_only=True))
    assert entry("old")["inactive"] is True
    assert "inactive" not in entry("aged")


def test_abstract_codes() -> None:
    """A code that cannot be selected is marked; excludeNotForUI leaves it out."""
    assert entry("leukaemia")["abstract"] is True
    assert "leukaemia" not in shown(expanded(for_ui=True, nested=False))


def test_designations() -> None:
    """includeDesignations: all of them, or those of a use or language that is asked for."""
    assert "designation" not in entry("aml")
    assert len(entry("aml", designations=True)["designation"]) == 2
    german = entry("aml", designations=True, designation=["urn:ietf:bcp:47|de"])["designation"]
    assert [each["value"] for each in german] == ["Akute myeloische Leukämie"]
    short = entry("aml", designations=True, designation=["http://u.test|short"])["designation"]
    assert [each["value"] for each in short] == ["AML"]


@pytest.mark.parametrize(
    ("language", "display"),
    [
        ("de", "Akute myeloische Leukämie"),
        ("fr, de;q=0.5", "Akute myeloische Leukämie"),
        ("fr", "Acute myeloid leukaemia"),
        ("de;q=0, *", "Acute myeloid leukaemia"),
    ],
)
def test_display_language(language: str, display: str) -> None:
    """displayLanguage: the first of the languages that the code has a text in, else its own display."""
    assert entry("aml", language=language)["display"] == display


def test_properties() -> None:
    """property: those that are asked for come with each code, and definitions as one of them."""
    found = entry("aml", properties=["grade", "parent", "child"])["property"]
    assert {"code": "grade", "valueInteger": 3} in found
    assert {"code": "parent", "valueCode": "leukaemia"} in found
    assert {"code": "child", "valueCode": "apl"} in found
    assert entry("leukaemia", definition=True)["property"] == [
        {"code": "definition", "valueString": "A cancer of the blood"}
    ]
    assert "property" not in entry("aml")


def test_exclude_system() -> None:
    """exclude-system leaves the codes of a system out, of any version or of one."""
    two = value_set(part(), part("http://other.test", concept=[{"code": "x"}]))
    assert shown(expanded(two, exclude_systems=[S])) == ["x"]
    assert shown(expanded(two, exclude_systems=[f"{S}|1"])) == ["x"]
    assert len(shown(expanded(two, exclude_systems=[f"{S}|2"], nested=False))) == 7


def test_what_the_expansion_says_of_itself() -> None:
    """valueset-expansion: an identifier of its own, when it was made, which versions it used, and no definition."""
    value_set_ = {**WHOLE, "text": {"status": "generated"}, "meta": {"versionId": "1"}}
    one, other = (expand(value_set_, KNOWN.members_of(value_set_), Asked()) for _ in range(2))
    assert one["expansion"]["identifier"] != other["expansion"]["identifier"]
    assert {"name": "used-codesystem", "valueUri": f"{S}|1"} in one["expansion"]["parameter"]
    assert not {"compose", "text", "meta"} & one.keys()
    assert one["url"] == WHOLE["url"]


def test_a_part_of_a_system_says_so() -> None:
    """valueset-unclosed: what is listed of a fragment is marked as not all there is."""
    known = service({**DISEASES, "content": "fragment"})
    found = expand(WHOLE, known.members_of(WHOLE), Asked())["expansion"]
    assert found["extension"][0]["url"].endswith("valueset-unclosed")
    assert [each["name"] for each in found["parameter"]].count("fragment") == 1


@pytest.mark.parametrize(
    ("system", "code"), [("http://snomed.info/sct", "not-found"), ("urn:ietf:bcp:47", "too-costly")]
)
def test_what_cannot_be_listed(system: str, code: str) -> None:
    """A set of codes that are not known, or have no end, is refused; it is never listed by half."""
    asked = value_set(part(system), part())
    with pytest.raises(Unprocessable) as refusal:
        expanded(asked)
    assert refusal.value.issues[0].code == code
    assert system in refusal.value.issues[0].diagnostics


def test_too_many_codes() -> None:
    """too-costly: more codes than the limit are refused with their number, and can be paged through."""
    many = value_set(part("http://m.test", concept=[{"code": f"c{n}"} for n in range(LIMIT + 1)]))
    with pytest.raises(Unprocessable, match=f"has {LIMIT + 1} codes") as refusal:
        expanded(many)
    assert refusal.value.issues[0].code == "too-costly"
    assert len(expanded(many, count=LIMIT)["contains"]) == LIMIT
    assert shown(expanded(many, offset=LIMIT, count=LIMIT)) == [f"c{LIMIT}"]
