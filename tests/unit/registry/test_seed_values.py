"""What the studies that come with the registry say: as printed, absent numbers with their reason, both of two."""

from __future__ import annotations

from typing import Any

import pytest

from service.registry import codes
from service.registry.figures import Absent
from tests.support.seeds import TRIALS, resources, statistic, table_of, walk, with_results


@with_results
def test_no_number_stands_in_for_an_absent_one(name: str) -> None:
    """A quantity has a value, or both extensions that say why it has none."""
    for _, value in walk(resources(name, "Evidence")):
        if isinstance(value, dict) and [e["url"] for e in value.get("extension", [])] == [
            codes.DATA_ABSENT_REASON,
            codes.ESTIMATE_STATUS,
        ]:
            assert set(value) == {"extension"}


def test_absent_numbers_are_in_the_tables() -> None:
    """What the test above looks at is there: every reason for a number that is absent."""
    reasons = {row.value.code for name in TRIALS for row in table_of(name) if isinstance(row.value, Absent)}
    assert reasons == set(codes.ABSENT)


@pytest.mark.parametrize(
    ("name", "state", "phase", "arms"),
    [
        ("rialto", "completed", "n-a", ["All treated patients"]),
        ("study-20120215", "active-but-not-recruiting", "phase-3", ["Blinatumomab", "Chemotherapy"]),
        ("tower", "terminated", "phase-3", ["Blinatumomab", "Chemotherapy"]),
        ("mt-103-211", "completed", "phase-2", ["All treated patients"]),
        ("study-265", "completed", "phase-1-phase-2", ["Phase 1b", "Phase 2"]),
        ("zhou-china", "completed", "phase-3", ["All treated patients"]),
    ],
)
def test_the_study_says_where_it_stands(name: str, state: str, phase: str, arms: list[str]) -> None:
    """Number, state, phase and arms of each trial."""
    (study,) = resources(name, "ResearchStudy")
    assert study["identifier"][0] == {"use": "official", "system": codes.NCT, "value": TRIALS[name].upper()}
    assert study["progressStatus"][0]["state"]["coding"][0]["code"] == state
    assert {c["code"] for c in study["phase"]["coding"]} == {phase}
    assert [group["name"] for group in study["comparisonGroup"]] == arms
    assert study["status"] == "active"


# Written by hand from the papers: key, value, lower and upper limit, p-value, affected, participants.
SPOTS = [
    ("study-20120215", "efs-blin-vs-chemo-lo23.hr-stratified", "0.35", "0.20", "0.61", "0.001", None, "111"),
    ("study-20120215", "efs-blin-vs-chemo-lo23.hr-unstratified", "0.38", "0.22", "0.65", None, None, "111"),
    ("study-20120215", "os-blin-vs-chemo-lo23.hr-stratified", "0.34", "0.17", "0.69", "0.002", None, "111"),
    ("study-20120215", "os-blin-vs-chemo-lo21-qu21.hr", "0.43", "0.18", "1.01", None, None, "108"),
    ("study-20120215", "os-mrd-high-blin-vs-chemo-lo23.hr-unstratified", "0.63", "0.22", "1.83", None, None, "30"),
    ("study-20120215", "mrd-remission-chemo-mrd-high-lo23.pct", "5", "0.1", "26", None, None, "19"),
    ("study-20120215", "mrd-remission-blinatumomab-lo23.pct", "91", "80", "97", None, None, "54"),
    ("study-20120215", "efs-chemotherapy-lo23.prob", "27", None, None, None, None, "57"),
    ("study-20120215", "death-blinatumomab-lo21-qu21.pct", "14.8", None, None, None, "8", None),
    ("study-20120215", "efs-m2-blin-vs-chemo-lo23.hr", "not-estimable", None, None, None, None, "8"),
    ("rialto", "cr-all-lo22.pct", "63", None, None, None, "69", "110"),
    ("rialto", "cr-all-lo20-ka23.pct", "62.7", None, None, None, "69", "110"),
    ("rialto", "cr-relapsed-refractory-lo20-ka23.pct", "59.2", None, None, None, "58", "98"),
    ("rialto", "os-all-lo22.median", "14.6", "11.0", "not-estimable", None, None, "110"),
    ("rialto", "os-all-lo20-qu21.median", "13.1", "10.2", "21.3", None, None, "110"),
    ("rialto", "os-mrd-resp-lo22.median", "not-estimable", None, None, None, None, None),
    ("rialto", "rfs-mrd-nonresp-lo22.median", "2.8", "0.3", "9.2", None, None, "10"),
    ("rialto", "os-hsct-vs-no-hsct-lo22.hr", "0.16", "0.08", "0.32", None, None, None),
    ("rialto", "trm-hsct-lo22.cuminc", "10.0", "3.58", "20.35", None, None, None),
    ("rialto", "hsct-cr-lo22.pct-2", "73.5", "61.4", "83.5", None, "50", "68"),
    ("tower", "os-blinatumomab-ka17-ka23.median-2", "7.7", "5.6", "9.6", "0.01", None, "271"),
    ("tower", "os-blinatumomab-ka17-ka23.median-hsct-censored", "6.9", "5.3", "8.8", None, None, "271"),
    ("tower", "os-chemotherapy-ka17-ka23.median", "4.0", "2.9", "5.3", "0.01", None, "134"),
    ("tower", "cr-crh-cri-chemotherapy-ka17-ka23.pct", "24.6", "17.6", "32.8", "0.001", None, "134"),
    ("tower", "rfs-blin-vs-chemo-ka17-ka23.hr", "0.55", "0.43", "0.71", "0.001", None, "405"),
    ("tower", "rfs-blin-resp-ka17-ka23.median", "not-reported", None, None, None, None, "119"),
    ("tower", "os-salvage1-do19-mu24.median", "11.1", "8.2", "not-reached", None, None, "104"),
    ("tower", "os-salvage1-do19-ka23.median", "11.1", "8.2", "not-estimable", None, None, "104"),
    ("tower", "rfs-resp-no-hsct-ja19-ka23.median", "6.7", "5.28", "8.09", None, None, None),
    ("tower", "os-blin-hsct-ja19-ka23.median", "not-estimable", "not-estimable", "not-estimable", None, None, "65"),
    ("tower", "os-maint-ra20-ka23.median", "not-reached", None, None, None, None, "36"),
    ("tower", "participants-chemotherapy-ka17-ka23.n", "124", None, None, None, None, None),
    ("mt-103-211", "cr-crh-all-to15-ka23.pct", "43.0", None, None, None, "81", "189"),
    ("mt-103-211", "rfs-mrd-nonresp-go19-ka23.median-2", "2.3", "1.2", "7.5", "0.013", None, "15"),
    ("mt-103-211", "os-salvage1-vs-2-to21m-ka23.hr", "1.58", None, None, "0.001", None, None),
    ("mt-103-211", "os-blast-hsct-mrd-cr-to18-ka23.median", "not-reached", "25.7", "not-reached", None, None, None),
    ("mt-103-211", "cr-crh-mrd-evaluable-go19-ka23.pct", "not-applicable", None, None, None, None, "90"),
    ("mt-103-206", "rfs-resp-to14-ka23.median-hsct-censored", "7.9", "2.8", "not-estimable", None, None, "25"),
    ("mt-103-206", "ae-crs-ltfu-zu15-ka23.n-ge3", "1", None, None, None, "1", "10"),
    ("study-265", "os-phase-2-ki20-ka23.median", "not-estimable", "7.4", "not-estimable", None, None, "21"),
    ("study-265", "rfs-asian-resp-ko22-ka23.median", "8.9", "3.8", "10.7", None, None, "20"),
    ("zhou-china", "cr-crh-all-zh22-ka23.pct-2", "45.6", "35.0", "56.4", None, None, "90"),
    ("aldoss", "os-resp-al17-ka23.median", "10.7", "not-reported", "not-reported", None, None, "33"),
    ("yoon", "ae-crs-all-yo19-ka23.n-ge3", "0", None, None, None, "0", "32"),
    ("jung-korea", "os-hsct-ju19-ka23.median", "7.5", None, None, "0.058", None, None),
    ("aall1331", "dfs-blin-vs-chemo-br21-ka23.hr", "0.07", "0.47", "1.03", "0.03", None, "208"),
    ("aall1331", "dfs-blin-vs-chemo-br21-qu21.hr", "0.70", "0.47", "1.03", "0.03", None, "208"),
    ("aall1331", "mrd-negative-blin-vs-chemo-br21-ka23.diff", "43.0", "31", "55", "0.001", None, None),
    ("aall1331", "os-lr-blin-bmem-ho23-mu24.prob", "100", None, None, "0.14", None, "17"),
    ("aall1331", "dfs-lr-chemo-iem-ho23-mu24.prob", "38.8", None, None, "0.62", None, "41"),
    ("mt-103-205", "cr-rp2d-vs16-qu21.pct", "39", "27", "51", None, "27", "70"),
    ("mt-103-205", "rfs-rp2d-go18-ka23.median", "not-reported", None, None, None, None, "70"),
    ("mt-103-205", "cmrd-cr-vs16-ka23.n", "14", None, None, None, "14", "27"),
    ("mt-103-205", "cmrd-cr-go18-ka23.n", "16", None, None, None, "16", "27"),
    ("neuf-ped", "rfs-rr-cr-lo22n-ka23.median", "5.4", "3.9", "not-estimable", None, None, "38"),
    ("neuf-ped", "os-mrd-resp-lo20-ka23.median", "not-reached", None, None, None, None, None),
    ("beneduce-italy", "os-rr-be22-ka23.median", "not-reported", None, None, None, None, "13"),
    ("beneduce-italy", "os-all-be22-ka23.median", "not-reached", None, None, None, None, "13"),
    ("queudeville-tuebingen", "cr-all-qt21-ka23.pct", "28.9", None, None, None, "11", "38"),
    ("queudeville-tuebingen", "cr-all-qt21-ka23.pct-2", "34.0", None, None, None, "13", "38"),
    ("clesham-infant", "efs-all-cl20-qu21.prob", "47", None, None, None, None, "11"),
]


def shown(quantity: dict[str, Any] | None) -> str | None:
    """The digits of a quantity, or the status that it has instead."""
    if quantity is None:
        return None
    return str(quantity["value"]) if "value" in quantity else str(quantity["extension"][1]["valueCode"])


@pytest.mark.parametrize(("name", "key", "value", "low", "high", "p", "affected", "n"), SPOTS)
def test_numbers_are_as_printed(
    name: str,
    key: str,
    value: str,
    low: str | None,
    high: str | None,
    p: str | None,
    affected: str | None,
    n: str | None,
) -> None:
    """Numbers that were read off the papers by hand stand in the bundles, digit by digit."""
    found = statistic(name, key)
    estimates = {e["type"]["coding"][0]["code"]: e for e in found.get("attributeEstimate", [])}
    interval = estimates.get("C53324", {}).get("range", {})
    assert shown(found["quantity"]) == value
    assert (shown(interval.get("low")), shown(interval.get("high"))) == (low, high)
    assert shown(estimates.get("C44185", {}).get("quantity")) == p
    whole = found.get("sampleSize", {}).get("numberOfParticipants")
    seen = (found.get("numberAffected"), whole)
    assert tuple(None if x is None else str(x) for x in seen) == (affected, n)


def test_conflicting_sources_are_both_kept() -> None:
    """Where text and table, or two papers, print different numbers, each stands with its own source."""
    low = statistic("rialto", "ae-neurologic-all-lo22-ka23.pct-ge3")
    high = statistic("rialto", "ae-neurologic-all-lo22.pct-g3")
    assert (str(low["quantity"]["value"]), str(high["quantity"]["value"])) == ("0", "5.5")
    patients = [statistic("tower", f"participants-ltfu-file-ka23.{part}")["quantity"]["value"] for part in ("n", "n-2")]
    assert [str(count) for count in patients] == ["75", "56"]
