"""From a row of a table to a statistic of an Evidence."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

import msgspec
import pytest

from service.errors import Unprocessable
from service.registry import codes
from service.registry.description import Catalogue, Trial
from service.registry.dump import plain
from service.registry.evidence import build_evidence
from service.registry.results_table import read_table
from service.registry.seed import build_bundle, build_resources

MakeTable = Callable[..., str]
Build = Callable[..., list[dict[str, Any]]]
VERSUS = {"exposure": "new", "reference": "old", "unit": ""}


@pytest.fixture
def build(make_table: MakeTable, trial: Trial, catalogue: Catalogue) -> Build:
    """Makes the Evidence of a table with these facts."""

    def made(*facts: dict[str, str]) -> list[dict[str, Any]]:
        return [plain(evidence) for evidence in build_evidence(read_table(make_table(*facts)), trial, catalogue)]

    return made


def roles(evidence: dict[str, Any]) -> dict[str, str]:
    """The variables of an Evidence by their roles."""
    return {v["variableRole"]["coding"][0]["code"]: v["observed"]["reference"] for v in evidence["variableDefinition"]}


def statistic(evidence: list[dict[str, Any]]) -> dict[str, Any]:
    """The only statistic of the only Evidence."""
    (only,) = evidence
    (found,) = only["statistic"]
    assert isinstance(found, dict)
    return found


def test_an_evidence_says_what_where_and_of_which_study(build: Build) -> None:
    """Key, study, source and first publication are links; the title and the description are in words."""
    (evidence,) = build({"key": "os-all-paper-review.median", "source": "review", "reports": "paper"})
    assert evidence["id"] == "trial-os-all-paper-review"
    assert evidence["identifier"] == [{"system": codes.RESULT_KEY, "value": "trial-os-all-paper-review"}]
    assert evidence["title"] == "Overall survival, all patients"
    assert evidence["citeAsReference"] == {"reference": "Citation/review"}
    assert evidence["relatedArtifact"] == [
        {"type": "derived-from", "resourceReference": {"reference": "ResearchStudy/trial"}},
        {"type": "citation", "resourceReference": {"reference": "Citation/paper"}},
    ]
    assert evidence["description"].endswith("Read in Review 2021, which reports it from Paper 2020.")
    assert evidence["synthesisType"]["coding"][0]["code"] == "NotApplicable"
    assert "certainty" not in evidence


def test_a_statistic_says_where_it_was_read(build: Build) -> None:
    """Each row keeps its own key, locator and quotation, also where several share one Evidence."""
    (evidence,) = build(
        {"quote": "7.7 months (5.6 to 9.6)"}, {"key": "os-all-paper.median-2", "value": "6.9", "locator": "Figure 1"}
    )
    first, second = evidence["statistic"]
    assert first["id"] == "os-all-paper.median"
    assert first["extension"] == [
        {"url": codes.RESULT_LOCATOR, "valueString": "Table 1"},
        {"url": codes.RESULT_QUOTATION, "valueString": "7.7 months (5.6 to 9.6)"},
    ]
    assert second["id"] == "os-all-paper.median-2"
    assert second["extension"] == [{"url": codes.RESULT_LOCATOR, "valueString": "Figure 1"}]


def test_a_median_has_a_unit_an_interval_and_a_sample(build: Build) -> None:
    """Limits carry the unit of the estimate, the level is a fraction, and digits are as printed."""
    found = statistic(build({"value": "7.0", "ci_low": "5.60", "ci_high": "9.6", "ci_level": "95", "n": "271"}))
    assert [c["code"] for c in found["statisticType"]["coding"]] == ["C28007", "STATO:0000574", "median"]
    assert found["quantity"] == {"value": 7, "unit": "months", "system": codes.UCUM, "code": "mo"}
    assert str(found["quantity"]["value"]) == "7.0"
    (interval,) = found["attributeEstimate"]
    assert str(interval["level"]) == "0.95"
    assert [c["code"] for c in interval["type"]["coding"]] == ["C53324", "STATO:0000196"]
    assert str(interval["range"]["low"]["value"]) == "5.60"
    assert interval["range"]["high"]["code"] == "mo"
    assert found["sampleSize"] == {"numberOfParticipants": 271}


@pytest.mark.parametrize(("printed", "status"), [(code, absent) for code, absent in codes.ABSENT.items()])
def test_an_absent_value_is_a_reason_and_never_a_number(build: Build, printed: str, status: codes.AbsentStatus) -> None:
    """A median, and a limit, without a number have both extensions and no value."""
    found = statistic(build({"value": printed, "ci_low": "5.6", "ci_high": printed, "ci_level": "95"}))
    reason = [
        {"url": codes.DATA_ABSENT_REASON, "valueCode": status.data_absent_reason},
        {"url": codes.ESTIMATE_STATUS, "valueCode": status.code},
    ]
    assert found["quantity"] == {"extension": reason}
    assert found["attributeEstimate"][0]["range"]["high"] == {"extension": reason}


@pytest.mark.parametrize(
    ("kind", "code"), [("hazard-ratio", "C93150"), ("odds-ratio", "C16932"), ("risk-ratio", "C93152")]
)
def test_a_ratio_compares_two_sides_and_has_no_unit(build: Build, kind: str, code: str) -> None:
    """Exposure and reference have their roles beside population and outcome; the p-value has its comparator."""
    facts = {"statistic": kind, "value": "0.71", "p_value": "<0.001", "p_method": "stratified-log-rank"}
    (evidence,) = build({**VERSUS, **facts, "method": "cox"})
    assert roles(evidence) == {
        "population": "Group/trial-all",
        "exposure": "EvidenceVariable/trial-new",
        "referenceExposure": "EvidenceVariable/trial-old",
        "measuredVariable": "EvidenceVariable/trial-os",
    }
    assert evidence["title"] == "Overall survival, new versus old, all patients"
    found = statistic([evidence])
    assert found["statisticType"]["coding"][0]["code"] == code
    assert set(found["quantity"]) == {"value"}
    (p,) = found["attributeEstimate"]
    assert (str(p["quantity"]["value"]), p["quantity"]["comparator"]) == ("0.001", "<")
    assert p["description"] == "stratified log-rank test"
    assert found["modelCharacteristic"][0]["code"]["coding"][0]["code"] == "coxProportionalHazards"


def test_a_difference_of_percentages_compares_two_sides_in_percent(build: Build) -> None:
    """It may be below zero, and so may the limits of its interval."""
    interval = {"ci_low": "-55", "ci_high": "-31", "ci_level": "95"}
    found = statistic(build({**VERSUS, **interval, "statistic": "risk-difference", "value": "-43.0", "unit": "%"}))
    assert found["statisticType"]["coding"][0]["code"] == "0000424"
    assert (str(found["quantity"]["value"]), found["quantity"]["code"]) == ("-43.0", "%")


def test_groups_can_be_the_sides_of_a_comparison(build: Build) -> None:
    """Responders against nonresponders is a comparison of Groups, not of treatments."""
    (evidence,) = build({**VERSUS, "exposure": "mrd", "reference": "arm-new", "statistic": "hazard-ratio"})
    assert roles(evidence)["exposure"] == "Group/trial-mrd"
    assert roles(evidence)["referenceExposure"] == "Group/trial-arm-new"
    assert "MRD responders versus new arm" in evidence["title"]


def test_a_subgroup_is_the_subpopulation_of_the_whole_that_it_is_part_of(build: Build) -> None:
    """The population stays the arm; the subgroup is named beside it."""
    (evidence,) = build({"population": "mrd"})
    assert roles(evidence)["population"] == "Group/trial-arm-new"
    assert roles(evidence)["subpopulation"] == "Group/trial-mrd"


def test_a_percentage_has_its_numerator_and_denominator(build: Build) -> None:
    """Affected and participants are counts of their own; a denominator is the known data."""
    fact = {"outcome": "cr", "statistic": "percentage", "value": "77.9", "unit": "%", "affected": "88"}
    found = statistic(build({**fact, "n": "116", "denominator": "113", "timing": "within 2 cycles"}))
    assert found["numberAffected"] == 88
    assert found["sampleSize"] == {"numberOfParticipants": 116, "knownDataCount": 113}
    assert found["quantity"]["code"] == "%"
    assert found["description"] == "within 2 cycles"
    assert statistic(build({**fact, "denominator": "113"}))["sampleSize"] == {"knownDataCount": 113}


def test_a_p_value_beside_one_group_says_what_it_was_compared_with(build: Build) -> None:
    """Such a reference is no comparison of the statistic itself: the p-value has it, in words and as a link."""
    fact = {"outcome": "cr", "statistic": "percentage", "value": "43.9", "unit": "%", "p_value": "<0.001"}
    (evidence,) = build({**fact, "reference": "old"})
    (p,) = statistic([evidence])["attributeEstimate"]
    assert p["description"] == "versus old"
    assert p["extension"] == [
        {"url": codes.RESULT_COMPARATOR, "valueReference": {"reference": "EvidenceVariable/trial-old"}}
    ]
    assert "referenceExposure" not in roles(evidence)


def test_an_estimate_at_a_time_says_which(build: Build) -> None:
    """The time is a value of the method, or of a characteristic of its own where no method is known."""
    fact = {"statistic": "survival-probability", "value": "54", "unit": "%", "time": "18", "time_unit": "mo"}
    (with_method,) = statistic(build({**fact, "method": "kaplan-meier"}))["modelCharacteristic"]
    assert with_method["code"] == {"text": "Kaplan-Meier"}
    assert (str(with_method["value"]["value"]), with_method["value"]["code"]) == ("18", "mo")
    (without,) = statistic(build({**fact, "statistic": "cumulative-incidence"}))["modelCharacteristic"]
    assert without["code"] == {"text": "time of the estimate"}


@pytest.mark.parametrize(("spread", "code"), [("range", "C38013"), ("iqr", "C53245")])
def test_a_spread_is_no_confidence_interval(build: Build, spread: str, code: str) -> None:
    """A range and an interquartile range have their own types and no level."""
    (found,) = statistic(build({"spread": spread, "spread_low": "0.0", "spread_high": "16.3"}))["attributeEstimate"]
    assert found["type"]["coding"][0]["code"] == code
    assert "level" not in found
    assert str(found["range"]["low"]["value"]) == "0.0"


def test_an_interval_of_an_unknown_kind_is_called_that(build: Build) -> None:
    """Two numbers in brackets that the source does not explain are neither a range nor a confidence interval."""
    facts = {"spread": "unlabelled", "spread_low": "14", "spread_high": "42"}
    (found,) = statistic(build(facts))["attributeEstimate"]
    assert found["type"] == {"text": "interval of a kind that is not stated"}
    assert str(found["range"]["high"]["value"]) == "42"


def test_adverse_events_are_categories_by_grade_and_attribution(build: Build) -> None:
    """Statistics of one term share an Evidence and differ in category."""
    fact = {"outcome": "ae-crs", "statistic": "count", "unit": "", "value": "2", "affected": "2"}
    (evidence,) = build(
        {**fact, "key": "crs-all-paper.ge3", "grade": "ge3", "attribution": "treatment-related"},
        {**fact, "key": "crs-all-paper.g4", "grade": "4", "value": "1", "affected": "1"},
    )
    first, second = [item["category"] for item in evidence["statistic"]]
    assert first["text"] == "Grade 3 or higher, Treatment-related"
    assert [c["code"] for c in first["coding"]] == ["ge3", "treatment-related"]
    assert [c["code"] for c in second["coding"]] == ["4", "C41337"]


def test_a_result_in_words_has_no_number(build: Build) -> None:
    """What the paper only describes is a description, with neither value nor estimate."""
    found = statistic(build({"statistic": "description", "value": "", "unit": "", "text": "About half responded."}))
    assert found["description"] == "About half responded."
    assert "quantity" not in found


def test_a_test_has_only_its_p_value(build: Build) -> None:
    """A p-value without an estimate is no estimate."""
    found = statistic(build({**VERSUS, "statistic": "test", "value": "", "p_value": "<0.001"}))
    assert "quantity" not in found
    assert found["attributeEstimate"][0]["quantity"]["comparator"] == "<"


def test_a_mean_is_coded(build: Build) -> None:
    """The remaining kind of number."""
    assert statistic(build({"statistic": "mean"}))["statisticType"]["coding"][0]["code"] == "C53319"


def test_a_comparator_of_the_estimate_is_kept(build: Build) -> None:
    """More than 90% is not 90%."""
    fact = {"outcome": "cr", "statistic": "percentage", "value": ">90", "unit": "%"}
    assert statistic(build(fact))["quantity"]["comparator"] == ">"


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"outcome": "mood"}, "outcome"),
        ({"population": "nobody"}, "population"),
        ({"source": "blog"}, "source"),
        ({"reports": "blog"}, "reports"),
        ({"key": "a" * 60 + ".median"}, "key"),
    ],
)
def test_names_that_nothing_is_known_by_are_reported(
    make_table: MakeTable, trial: Trial, catalogue: Catalogue, cells: dict[str, str], column: str
) -> None:
    """The table refers to the description; a name that is not there is an error in its cell."""
    with pytest.raises(Unprocessable) as caught:
        build_resources(read_table(make_table(cells)), trial, catalogue)
    assert [issue.expression for issue in caught.value.issues] == [(f"row 2, column {column}",)]


def test_rows_of_one_result_agree(make_table: MakeTable, trial: Trial, catalogue: Catalogue) -> None:
    """One Evidence cannot be of two populations or from two papers."""
    rows = read_table(make_table({}, {"key": "os-all-paper.median-2", "population": "mrd", "source": "review"}))
    with pytest.raises(Unprocessable) as caught:
        build_resources(rows, trial, catalogue)
    assert [i.expression[0] for i in caught.value.issues] == ["row 3, column population", "row 3, column source"]


def test_what_is_not_known_of_a_study_is_not_made_up(make_table: MakeTable, trial: Trial, catalogue: Catalogue) -> None:
    """Without number, sponsor, phase, design and state: a key of ours, and two elements absent for a reason."""
    bare = msgspec.structs.replace(trial, nct=None, sponsor=None, phase=None, design=(), progress=(), ctrp="NCI-1")
    resources = [plain(r, r.get_resource_type()) for r in build_resources(read_table(make_table({})), bare, catalogue)]
    assert [each for each in resources if each["resourceType"] == "Organization"] == []
    (study,) = (each for each in resources if each["resourceType"] == "ResearchStudy")
    unknown = [{"url": codes.DATA_ABSENT_REASON, "valueCode": "unknown"}]
    assert study["identifier"] == [
        {"use": "official", "system": codes.STUDY_KEY, "value": "trial"},
        {"use": "secondary", "system": codes.CTRP, "value": "NCI-1"},
    ]
    (party,) = cast("list[dict[str, Any]]", study["associatedParty"])
    assert party["party"] == {"extension": unknown, "display": "Not reported"}
    assert study["progressStatus"] == [{"state": {"extension": unknown, "text": "Not reported"}}]
    assert {"phase", "studyDesign"} & set(study) == set()


def test_doses_ages_and_design_facts_have_their_places(
    make_table: MakeTable, trial: Trial, catalogue: Catalogue
) -> None:
    """They become characteristics of exposures and groups, and notes of the study, each with its source."""
    empty = {"population": "", "statistic": "", "value": "", "unit": ""}
    dose = {**empty, "key": "new-dose.paper", "place": "characteristic", "target": "new", "outcome": "dose"}
    rows = read_table(
        make_table(
            {**dose, "value": "<=24", "unit": "mg/d"},
            {
                **dose,
                "key": "new-dose.paper-2",
                "spread": "range",
                "spread_low": "5",
                "spread_high": "15",
                "unit": "ug/m2/d",
            },
            {**dose, "key": "age.paper", "target": "eligibility", "outcome": "age", "text": "younger than 18 years"},
            {**dose, "key": "cycles.paper", "target": "mrd", "outcome": "cycles", "value": "5", "unit": "{cycle}"},
            {**empty, "key": "centers.paper", "place": "design", "outcome": "", "text": "Two centers."},
        )
    )
    made = {f"{r.get_resource_type()}/{r.id}": plain(r) for r in build_resources(rows, trial, catalogue)}
    text = build_bundle(rows, trial, catalogue)
    drug: Any = made["EvidenceVariable/trial-new"]["characteristic"]
    assert drug[1]["definitionByTypeAndValue"]["valueQuantity"]["comparator"] == "<="
    assert str(drug[2]["definitionByTypeAndValue"]["valueRange"]["high"]["value"]) == "15"
    eligible: Any = made["Group/trial-eligibility"]["characteristic"]
    assert eligible[-1]["valueCodeableConcept"] == {"text": "younger than 18 years"}
    assert eligible[1]["exclude"] is True
    group: Any = made["Group/trial-mrd"]["characteristic"]
    assert group[-1]["valueQuantity"]["code"] == "1"
    note: Any = made["ResearchStudy/trial"]["note"]
    assert note[0]["text"] == "Two centers."
    for made_of_row in (drug[1], drug[2], eligible[-1], group[-1], note[0]):
        assert made_of_row["extension"][-1]["valueReference"] == {"reference": "Citation/paper"}
    assert len(re.findall(r'"id": "[a-z0-9-]+\.[a-z0-9-]+"', text)) == len(rows)
