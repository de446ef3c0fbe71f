"""The traps of the records, each of which real ones have; see docs/adr/0011-records-of-clinicaltrials-gov.md."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from hashlib import sha256
from typing import Any

import pytest

from service.compose import open_engine
from service.errors import Unprocessable
from service.fhir.json import dumps, loads, parse
from service.registry import codes
from service.registry.ctgov.build import SHA256, build
from service.registry.ctgov.eligibility import bullets
from service.registry.ctgov.numbers import figure
from service.registry.ctgov.trial import GROUP_KEY
from service.registry.figures import Absent, Number
from service.settings import Settings
from tests.support.ctgov import large, small
from tests.support.validation import check

Json = dict[str, Any]


@cache
def resources() -> tuple[Json, ...]:
    """Everything that the large record comes to."""
    return tuple(build(large()).resources)


def of(type_: str, made: tuple[Json, ...] | None = None) -> Iterator[Json]:
    """The resources of a type."""
    return (each for each in made or resources() if each["resourceType"] == type_)


def evidence(title: str) -> Json:
    """The Evidence whose title begins so."""
    [found] = [each for each in of("Evidence") if each["title"].startswith(title)]
    return found


def status(quantity: Json) -> str:
    """Why there is no number."""
    assert "value" not in quantity
    [found] = [each["valueCode"] for each in quantity["extension"] if each["url"] == codes.ESTIMATE_STATUS]
    return str(found)


def roles(result: Json) -> dict[str, str]:
    """What an Evidence refers to in each role."""
    return {
        each["variableRole"]["coding"][0]["code"]: each["observed"]["reference"]
        for each in result["variableDefinition"]
    }


@pytest.mark.anyio
@pytest.mark.parametrize("record", [small(), large()], ids=["small", "large"])
async def test_everything_is_valid(record: Json) -> None:
    """What is built obeys R5 and the profiles that it claims, shows codes as they are called, has every id once."""
    made = build(record).resources
    async with open_engine(Settings(store="sqlite://")) as engine:
        policy = engine.policy
    problems = [
        f"{each['id']}: {issue.diagnostics}"
        for each in made
        for issue in policy.check(loads(dumps(each))).issues
        if issue.severity == "error" or issue.rule == "display"
    ]
    assert problems == []
    assert len({(each["resourceType"], each["id"]) for each in made}) == len(made)


def test_links_lead_somewhere() -> None:
    """Every reference is to a resource that is built as well."""
    made = resources()
    known = {f"{each['resourceType']}/{each['id']}" for each in made}

    def targets(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("reference"), str):
                yield value["reference"]
            for each in value.values():
                yield from targets(each)
        elif isinstance(value, list):
            for each in value:
                yield from targets(each)

    assert {target for each in made for target in targets(each)} - known == set()


def test_numbers_keep_their_digits() -> None:
    """Values are texts: 44.60 stays 44.60, with its unit of UCUM."""
    [statistic] = evidence("Age, All ages, Mabinvent")["statistic"]
    assert str(statistic["quantity"]["value"]) == "44.60"
    assert (statistic["quantity"]["code"], statistic["attributeEstimate"][0]["quantity"]["value"]) == (
        "a",
        Decimal("16.4"),
    )


def test_na_has_a_reason_and_its_comment() -> None:
    """NA is no number: not reached where the comment says so, else not estimable; the comment stays."""
    [reached] = evidence("Overall Survival, Younger, Standard care")["statistic"]
    assert status(reached["quantity"]) == "not-reached"
    assert reached["note"][0]["text"] == "The median was not reached."
    [limited] = evidence("Overall Survival, Younger, Mabinvent")["statistic"]
    assert status(limited["attributeEstimate"][0]["range"]["high"]) == "not-estimable"
    assert limited["attributeEstimate"][0]["range"]["low"]["value"] == Decimal("19.2")


def test_the_level_of_an_interval_is_the_records() -> None:
    """96.85% Confidence Interval is a level of 0.9685."""
    [limited] = evidence("Overall Survival, Younger, Mabinvent")["statistic"]
    assert limited["attributeEstimate"][0]["level"] == Decimal("0.9685")


def test_denominators_of_a_class_and_other_units() -> None:
    """A class counts those with data, of the participants of the measure; lesions are no participants."""
    [limited] = evidence("Overall Survival, Younger, Mabinvent")["statistic"]
    assert limited["sampleSize"] == {"description": "43 Lesions", "numberOfParticipants": 12, "knownDataCount": 7}


def test_the_same_arm_is_one_group_whatever_its_ids() -> None:
    """FG000, BG000, OG001 and EG000 are one Group here, which is the observed group of the arm."""
    [arm] = [each for each in of("Group") if each["name"] == "Mabinvent"]
    assert {each["value"] for each in arm["identifier"] if each["system"] == GROUP_KEY} == {
        "FG000",
        "BG000",
        "OG001",
        "EG000",
    }
    assert (arm["quantity"], arm["code"]["coding"][0]["code"]) == (12, "arm")
    [study] = of("ResearchStudy")
    assert study["comparisonGroup"][0]["observedGroup"]["reference"] == f"Group/{arm['id']}"
    assert roles(evidence("Overall Survival, Younger, Mabinvent"))["population"] == f"Group/{arm['id']}"


def test_an_analysis_compares_with_the_comparator() -> None:
    """The groups of an analysis are in any order: the reference is the arm that is a comparator."""
    found = evidence("Overall Survival, Standard care versus Mabinvent, Hazard Ratio (HR)")
    names = {f"Group/{each['id']}": each["name"] for each in of("Group")}
    assert names[roles(found)["exposure"]] == "Mabinvent"
    assert names[roles(found)["referenceExposure"]] == "Standard care"
    [ratio] = found["statistic"]
    assert str(ratio["quantity"]["value"]) == "0.710"
    p = next(each for each in ratio["attributeEstimate"] if each["type"]["text"] == "p-value")
    assert (p["quantity"]["comparator"], p["quantity"]["value"]) == ("<", Decimal("0.0001"))


def test_an_analysis_without_parameter_is_a_test() -> None:
    """Without paramType and value there is only the p-value; '=0.247' is 0.247."""
    [statistic] = evidence("Overall Survival, Standard care versus Mabinvent, Log Rank")["statistic"]
    assert statistic["statisticType"]["coding"][0]["code"] == "test"
    assert statistic["attributeEstimate"][0]["quantity"] == {"value": Decimal("0.247")}
    assert "quantity" not in statistic


@pytest.mark.parametrize(
    ("groups", "profile"), [(["OG000"], "non-comparative"), (["OG000", "OG001", "OG002"], "non-comparative")]
)
def test_an_analysis_of_one_or_three_groups_compares_no_two(groups: list[str], profile: str) -> None:
    """One group is the population; of three none is the exposure: all are parts of the participants."""
    record = large()
    measure = record["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]
    measure["groups"].append({"id": "OG002", "title": "Third"})
    measure["analyses"] = [{"groupIds": groups, "statisticalMethod": "Chi-squared", "pValue": "0.05"}]
    built = build(record)
    [found] = [each for each in of("Evidence", tuple(built.resources)) if "-analysis-" in each["id"]]
    assert profile in found["meta"]["profile"][0]
    used = [each["variableRole"]["coding"][0]["code"] for each in found["variableDefinition"]]
    assert used.count("subpopulation") == (3 if len(groups) == 3 else 0)
    assert "exposure" not in used
    assert [issue for issue in check(found) if issue.severity == "error"] == []


def test_what_is_not_posted_has_a_variable_and_no_result() -> None:
    """An outcome whose results are not posted is an outcome measure; its variable says so."""
    assert [each for each in of("Evidence") if each["title"].startswith("Depth")] == []
    [variable] = [each for each in of("EvidenceVariable") if each["title"] == "Depth of Answer"]
    assert "Results: NOT_POSTED" in [note["text"] for note in variable["note"]]


def test_more_affected_than_at_risk_stays_in_words() -> None:
    """What the record has wrong does not break the rules: one of the numbers is said in words."""
    record = large()
    stats = record["resultsSection"]["adverseEventsModule"]["seriousEvents"][0]["stats"][0]
    stats.update(numAffected=13, numEvents=2)
    made = tuple(build(record).resources)
    [found] = [each for each in of("Evidence", made) if each["title"].startswith("Serious")]
    last = found["statistic"][-1]
    assert last["numberAffected"] == 13
    assert [note["text"] for note in last["note"]] == [
        "Above 39",
        "The record has 13 affected of 12 at risk.",
        "The record has 2 events in 13 participants.",
    ]
    assert [issue for issue in check(found) if issue.severity == "error"] == []


def test_limits_in_the_wrong_order_stay_in_words() -> None:
    """rng-2 forbids a lower limit above the upper one: what is printed is kept as it is printed, in words."""
    record = large()
    measure = record["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][0]
    measure["analyses"][0].update(ciLowerLimit="9", ciUpperLimit="1")
    made = tuple(build(record).resources)
    [found] = [each for each in of("Evidence", made) if each["title"].endswith("Hazard Ratio (HR)")]
    [interval] = [each for each in found["statistic"][0]["attributeEstimate"] if "range" in each]
    assert interval["description"] == "Two sided; 9 to 1 in the record"
    assert status(interval["range"]["low"]) == status(interval["range"]["high"]) == "not-reported"
    assert [issue for issue in check(found) if issue.severity == "error"] == []


def test_ids_do_not_follow_positions() -> None:
    """A measure that is put in front of another, and groups in another order, change no id that was there."""
    record = large()
    measures = record["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"]
    measures.insert(0, {"type": "OTHER_PRE_SPECIFIED", "title": "New", "reportingStatus": "NOT_POSTED"})
    record["resultsSection"]["participantFlowModule"]["groups"].reverse()
    before = {(each["resourceType"], each["id"]) for each in resources()}
    assert before <= {(each["resourceType"], each["id"]) for each in build(record).resources}


def test_the_record_is_kept_with_its_digest() -> None:
    """The Binary is the record without what is left out; the DocumentReference has the SHA-256 of just these bytes."""
    [binary], [document] = of("Binary"), of("DocumentReference")
    data = base64.b64decode(binary["data"])
    [identifier] = document["identifier"]
    assert (identifier["system"], identifier["value"]) == (SHA256, sha256(data).hexdigest())
    assert document["content"][0]["attachment"]["url"] == f"Binary/{binary['id']}"
    assert (
        parse(data).data["resultsSection"]["participantFlowModule"]
        == large()["resultsSection"]["participantFlowModule"]
    )


def test_a_day_of_publication_is_no_change() -> None:
    """versionHolder is another every day: it does not change the digest."""
    record = large()
    record["derivedSection"]["miscInfoModule"]["versionHolder"] = "2031-01-10"
    assert tuple(build(record).resources) == resources()


@pytest.mark.parametrize(
    ("text", "comment", "found"),
    [
        ("NA", None, Absent("NE")),
        ("na", "Median Not Reached", Absent("NR")),
        ("1.00", None, Number("1.00")),
        (".05", None, Number("0.05")),
        ("-.05", None, Number("-0.05")),
        ("<0.0001", None, Number("0.0001", "<")),
        ("=0.247", None, Number("0.247")),
        ("12 of 13", None, None),
        ("", None, None),
    ],
)
def test_figures(text: str, comment: str | None, found: object) -> None:
    """A text is a number with its digits, absent for a reason, or neither."""
    assert figure(text, comment) == found


def test_criteria_are_told_apart() -> None:
    """Headings say whether the bullets below them exclude; lines that go on belong to the bullet before."""
    text = large()["protocolSection"]["eligibilityModule"]["eligibilityCriteria"]
    assert list(bullets(text)) == [
        ("Invented leukemia in remission", False),
        ("Age of reason", False),
        ("Earlier inventions", True),
    ]


@pytest.mark.parametrize(
    ("record", "place"),
    [
        ({}, "protocolSection.identificationModule.nctId"),
        ({"protocolSection": []}, "protocolSection.identificationModule.nctId"),
        (small("NCT1"), "protocolSection.identificationModule.nctId"),
        (small(designModule={"phases": "PHASE1"}), "protocolSection.designModule.phases"),
        (small(outcomesModule={"primaryOutcomes": ["x"]}), "protocolSection.outcomesModule.primaryOutcomes"),
    ],
)
def test_what_is_no_record_is_refused_with_its_place(record: Json, place: str) -> None:
    """Where the structure is not that of the API the error says at which place."""
    with pytest.raises(Unprocessable) as refused:
        build(record)
    assert place in {path for issue in refused.value.issues for path in issue.expression}


def test_a_study_that_is_there_keeps_its_own_values() -> None:
    """ADR 11: nothing is made in place of the study that is there; results refer to it, and its values are reported."""
    built = build(large(), "invent")
    made = tuple(built.resources)
    assert not [*of("ResearchStudy", made), *of("Location", made), *of("Organization", made)]
    links = {
        each["resourceReference"]["reference"] for found in of("Evidence", made) for each in found["relatedArtifact"]
    }
    assert links == {"ResearchStudy/invent"}
    reasons = {each.path: each.reason for each in built.account.unmapped}
    assert reasons["protocolSection.identificationModule.briefTitle"].startswith("ResearchStudy/invent is this study")
    assert "resultsSection.participantFlowModule.groups[].title" not in reasons
