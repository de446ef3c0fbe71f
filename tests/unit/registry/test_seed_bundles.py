"""The studies that come with the registry: complete, consistent, and built from their tables."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fhir.resources import get_fhir_model_class

from service.registry import codes, package
from service.registry.description import Catalogue, Trial, read_catalogue, read_trial
from service.registry.figures import Absent
from service.registry.results_table import read_table
from service.registry.rows import Row
from service.registry.seed import check_rows
from tools.build_seeds import SEEDS, build_all, main

TRIALS = {
    path.stem: json.loads(path.with_suffix(".json").read_bytes())["slug"]
    for path in sorted((SEEDS / "tables").glob("*.csv"))
}
FACTS = {
    # statistics, characteristics, design facts
    "aldoss": (6, 0, 0),
    "jung-korea": (17, 0, 0),
    "mt-103-206": (16, 0, 0),
    "mt-103-211": (146, 4, 0),
    "rialto": (177, 10, 1),
    "study-20120215": (136, 4, 2),
    "study-265": (25, 1, 1),
    "tower": (112, 0, 0),
    "yoon": (9, 0, 0),
    "zhou-china": (11, 1, 0),
}


@cache
def catalogue() -> Catalogue:
    """The shared catalogue."""
    return read_catalogue(*(part.read_bytes() for part in sorted((SEEDS / "tables").glob("catalogue*.json"))))


@cache
def trial_of(name: str) -> Trial:
    """The description of a trial."""
    return read_trial((SEEDS / "tables" / f"{name}.json").read_bytes(), catalogue())


@cache
def table_of(name: str) -> tuple[Row, ...]:
    """The results table of a trial."""
    return read_table((SEEDS / "tables" / f"{name}.csv").read_bytes())


@cache
def bundle_of(name: str) -> dict[str, Any]:
    """The committed bundle of a trial, with decimals as they are written."""
    text = (SEEDS / f"{TRIALS[name]}.json").read_text(encoding="utf-8")
    bundle: dict[str, Any] = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    return bundle


def resources(name: str, kind: str | None = None) -> list[dict[str, Any]]:
    """The resources of a trial, of one type or of all."""
    found = [entry["resource"] for entry in bundle_of(name)["entry"]]
    return [resource for resource in found if kind in (None, resource["resourceType"])]


def statistic(name: str, key: str) -> dict[str, Any]:
    """The statistic of a row, by the row's key."""
    evidence = next(e for e in resources(name, "Evidence") if e["id"] == f"{TRIALS[name]}-{key.partition('.')[0]}")
    found: dict[str, Any] = next(s for s in evidence["statistic"] if s["id"] == key)
    return found


def walk(node: object) -> Iterator[tuple[str, object]]:
    """Every element of a resource, with its name."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield name, value
            yield from walk(value)
    elif isinstance(node, list):
        for item in node:
            yield from walk(item)


every_trial = pytest.mark.parametrize("name", TRIALS)
with_results = pytest.mark.parametrize("name", [t for t in TRIALS if any(r.place == "statistic" for r in table_of(t))])


def test_bundles_are_built_from_their_tables() -> None:
    """Building again gives the committed bundles, byte for byte, and there is no bundle without a table."""
    built = build_all()
    assert {path.name for path in built} == {path.name for path in SEEDS.glob("*.json")}
    for path, text in built.items():
        assert path.read_bytes() == text.encode(), f"{path.name} is out of date: python -m tools.build_seeds"


def test_the_check_of_the_tool_agrees(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """--check is quiet and succeeds while all is built; it fails, and writes nothing, where a bundle is stale."""
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == ""
    stale = {Path("/nowhere/stale.json"): "{}"}
    monkeypatch.setattr("tools.build_seeds.build_all", lambda: stale)
    assert main(["--check"]) == 1
    assert "stale.json is out of date" in capsys.readouterr().out


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_is_in_the_table(name: str) -> None:
    """The number of facts of each study, by where they go; a lost row changes it."""
    places = Counter(row.place for row in table_of(name))
    assert (places["statistic"], places["characteristic"], places["design"]) == FACTS[name]


def test_the_analyses_of_tower_are_results_of_tower() -> None:
    """Its subgroups and its long-term follow-up were published elsewhere: same trial, other publications."""
    assert Counter(row.reports for row in table_of("tower")) == {
        "kantarjian-2017": 33,
        "amgen-on-file": 8,
        "dombret-2019": 36,
        "rambaldi-2020": 18,
        "jabbour-2019": 17,
    }


@every_trial
def test_each_row_is_accounted_for_by_exactly_one_place(name: str) -> None:
    """The key of a row is the id of one element, of the kind that its place says, and of no other."""
    expected = {row.key: row.place for row in table_of(name)}
    found: list[tuple[str, str]] = []
    for resource in resources(name):
        for part, place in (("statistic", "statistic"), ("characteristic", "characteristic"), ("note", "design")):
            found += [(item["id"], place) for item in resource.get(part, []) if "id" in item]
    assert sorted(found) == sorted(expected.items())


@every_trial
def test_table_and_description_fit_and_nothing_in_the_description_is_idle(name: str) -> None:
    """Every outcome, group, exposure and publication that is described has a part in the trial."""
    trial, rows = trial_of(name), table_of(name)
    assert check_rows(rows, trial) == []
    used = {slug for row in rows for slug in (row.outcome, row.population, row.exposure, row.reference, row.target)}
    used |= {slug for row in rows for slug in (row.source, row.reports)}
    used |= {group.of for group in trial.groups} | {slug for group in trial.groups for slug in group.exposures}
    assert [o.slug for o in trial.outcomes if o.slug not in used and o.rank is None] == []
    assert [g.slug for g in trial.groups if g.slug not in used and g.kind != "arm"] == []
    assert [e.slug for e in trial.exposures if e.slug not in used] == []
    assert [c for c in trial.citations if c not in used] == []


@every_trial
def test_ids_are_valid_and_unique_and_entries_put_them(name: str) -> None:
    """Each entry puts its resource under its own id, with a matching full URL."""
    assert bundle_of(name)["type"] == "transaction"
    urls = []
    for entry in bundle_of(name)["entry"]:
        resource = entry["resource"]
        where = f"{resource['resourceType']}/{resource['id']}"
        assert re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", resource["id"])
        assert entry["request"] == {"method": "PUT", "url": where}
        assert entry["fullUrl"] == f"{codes.BASE}/{where}"
        urls.append(where)
    assert len(set(urls)) == len(urls)


@every_trial
def test_all_references_resolve_within_the_bundle(name: str) -> None:
    """A bundle can be loaded alone; only a pooled analysis leads to other studies and to who could take part there."""
    there = {entry["request"]["url"] for entry in bundle_of(name)["entry"]}
    wanted = {value for key, value in walk(bundle_of(name)) if key == "reference" and isinstance(value, str)}
    pooled = {study for group in trial_of(name).groups for study in group.studies} - {TRIALS[name]}
    assert wanted - there == {part for s in pooled for part in (f"ResearchStudy/{s}", f"Group/{s}-eligibility")}
    assert f"Group/{TRIALS[name]}-eligibility" in wanted


def test_a_pooled_analysis_is_a_result_of_every_study_that_it_pools() -> None:
    """seed_bundles/README.md: it is found from each of them, and its participants could take part in each."""
    pooled = {"nct01466179", "nct01209286", "nct02013167"}
    (evidence,) = (e for e in resources("mt-103-211", "Evidence") if e["id"] == "nct01466179-os-salvage1-to21m-ka23")
    derived = [a for a in evidence["relatedArtifact"] if a["type"] == "derived-from"]
    assert {a["resourceReference"]["reference"] for a in derived} == {f"ResearchStudy/{study}" for study in pooled}
    (whole,) = (g for g in resources("mt-103-211", "Group") if g["id"] == "nct01466179-salvage")
    who = [c["valueReference"]["reference"] for c in whole["characteristic"] if "valueReference" in c]
    assert set(who) == {f"Group/{study}-eligibility" for study in pooled}


@every_trial
def test_every_resource_is_valid_for_the_models(name: str) -> None:
    """fhir.resources, which knows cardinalities and types of R5, accepts each resource."""
    text = (SEEDS / f"{TRIALS[name]}.json").read_text(encoding="utf-8")
    for entry in json.loads(text)["entry"]:
        get_fhir_model_class(entry["resource"]["resourceType"]).model_validate(entry["resource"])


@every_trial
def test_every_resource_claims_its_profile(name: str) -> None:
    """Issue 5, part 5: all but sponsors, and what was cited without a journal, claim the profile of what they are."""
    of_type = {url: each["type"] for each in package.resources("StructureDefinition") if (url := each["url"])}
    for resource in resources(name):
        claimed = resource.get("meta", {}).get("profile", [])
        kind = resource["resourceType"]
        if kind == "Organization" or (kind == "Citation" and "publicationForm" not in resource["citedArtifact"]):
            assert claimed == []
        else:
            assert (resource["id"], [of_type[url] for url in claimed]) == (resource["id"], [kind])


def test_a_result_claims_what_it_is() -> None:
    """registry_model.md: a comparison names both sides; an adverse event of one group has a profile of its own."""
    claimed = Counter(
        (
            resource["meta"]["profile"][0].rpartition("/")[2],
            any(each["code"] == "exposure" for each in codings),
            any(each["code"] == "AE" for each in codings),
        )
        for name in TRIALS
        for resource in resources(name, "Evidence")
        for codings in [
            [
                coding
                for variable in resource["variableDefinition"]
                for concept in (
                    variable["variableRole"],
                    *(each["valueCodeableConcept"] for each in variable.get("extension", ())),
                )
                for coding in concept["coding"]
            ]
        ]
    )
    assert {(profile, compared) for profile, compared, _ in claimed} == {
        ("comparative-result", True),
        ("non-comparative-result", False),
        ("adverse-event-result", False),
    }
    assert {profile for profile, compared, adverse in claimed if adverse and not compared} == {"adverse-event-result"}


@every_trial
def test_every_statistic_says_where_it_was_read(name: str) -> None:
    """A locator always, a quotation of a few words, a publication, and the study that it is of."""
    studies = {TRIALS[name]} | {study for group in trial_of(name).groups for study in group.studies}
    for evidence in resources(name, "Evidence"):
        assert evidence["citeAsReference"]["reference"].startswith("Citation/")
        found_in = evidence["relatedArtifact"][0]["resourceReference"]["reference"]
        assert found_in in {f"ResearchStudy/{study}" for study in studies}
        assert evidence["title"]
        assert evidence["description"]
        for found in evidence["statistic"]:
            urls = {extension["url"]: extension["valueString"] for extension in found["extension"]}
            assert urls[codes.RESULT_LOCATOR]
            assert len(urls[codes.RESULT_QUOTATION].split()) <= 12


@with_results
def test_every_result_is_in_the_report_once_and_the_study_lists_the_report(name: str) -> None:
    """Results are found from the study, by section, each once."""
    (report,) = resources(name, "EvidenceReport")
    listed = [entry["reference"] for section in report["section"] for entry in section["entryReference"]]
    assert sorted(listed) == sorted(f"Evidence/{e['id']}" for e in resources(name, "Evidence"))
    (study,) = resources(name, "ResearchStudy")
    assert study["result"][0] == {"reference": f"EvidenceReport/{report['id']}"}


def test_a_shared_publication_is_the_same_resource_everywhere() -> None:
    """Loading one trial after another leaves the Citations and the sponsor that they share as they were."""
    seen: dict[str, dict[str, Any]] = {}
    for name in TRIALS:
        for resource in resources(name, "Citation") + resources(name, "Organization"):
            assert seen.setdefault(resource["id"], resource) == resource


@pytest.mark.parametrize("name", FACTS)
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
