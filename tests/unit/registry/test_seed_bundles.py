"""The studies that come with the registry: complete, consistent, and built from their tables."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fhir.resources import get_fhir_model_class

from service.registry import codes, package
from service.registry.seed import check_rows
from tests.support.seeds import TRIALS, bundle_of, every_trial, resources, table_of, trial_of, walk, with_results
from tools.build_seeds import SEEDS, build_all, main

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


@every_trial
def test_facts_beside_the_results_say_where_they_are_from(name: str) -> None:
    """Locator, quotation, source, the publication that the source has it from, and the note: all that a row has."""
    expected = {
        row.key: {
            codes.RESULT_LOCATOR: row.locator,
            codes.RESULT_QUOTATION: row.quote,
            codes.RESULT_SOURCE: f"Citation/{row.source}",
            codes.RESULT_ORIGINAL: row.reports and f"Citation/{row.reports}",
            codes.RESULT_NOTE: row.note,
        }
        for row in table_of(name)
        if row.place != "statistic"
    }
    found: dict[str, dict[str, str | None]] = {}
    for resource in resources(name):
        for item in resource.get("characteristic", []) + resource.get("note", []):
            if "id" in item:
                said: dict[str, str | None] = dict.fromkeys(next(iter(expected.values())))
                for extension in item["extension"]:
                    value = extension.get("valueString") or extension["valueReference"]["reference"]
                    said[extension["url"]] = value
                if resource["resourceType"] == "EvidenceVariable":  # whose characteristics have notes of their own
                    said[codes.RESULT_NOTE] = " ".join(note["text"] for note in item.get("note", [])) or None
                found[item["id"]] = said
    assert found == {key: {url: value or None for url, value in said.items()} for key, said in expected.items()}


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
