"""The registry's profiles: what they accept (their examples, the seeds) and what each of their rules refuses.

The bad examples are in ``tests/cases/profiles``, a file for each profile: a good example (``of``), a JSON Patch
(``change``), and the one rule that the outcome breaks (``fails``: the key of an invariant or the kind of check) at one
place (``at``).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonpatch
import pytest
import yaml

from service.errors import Issue
from service.fhir.json import loads
from service.fhir.library import Library
from service.profiles.definition.core import CoreDefinitions
from service.profiles.validator import Validator
from service.registry import package
from service.terminology.core import core_library
from service.terminology.service import TerminologyService

Json = dict[str, Any]

ROOT: Final = Path(__file__).parents[2]
CASES: Final = sorted((ROOT / "tests" / "cases" / "profiles").glob("*.yaml"))
EXAMPLES: Final = sorted((package.folder() / "example").glob("[!.]*.json"))
SEEDS: Final = sorted((ROOT / "seed_bundles").glob("*.json"))
PROFILE: Final = "https://trial-registry.example.org/fhir/StructureDefinition/"
BAD: Final = [(path.stem, case) for path in CASES for case in yaml.safe_load(path.read_bytes())]


@cache
def validator() -> Validator:
    """A validator that knows R5 and the package."""
    library = Library(CoreDefinitions(core_library()))
    for type_ in ("StructureDefinition", "ValueSet", "CodeSystem"):
        for resource in package.resources(type_):
            library.add(resource)
    return Validator(library, TerminologyService(library), unknown_profile="error")


def problems(resource: Json) -> list[Issue]:
    """What is wrong with a resource, or may be."""
    return [issue for issue in validator().check(resource) if issue.severity != "information"]


def unindexed(issue: Issue) -> str:
    """Where an issue is, whichever item of a list it is about."""
    return re.sub(r"\[\d+\]", "", issue.expression[0])


@cache
def example(name: str) -> Json:
    """A good example, by the name of its file."""
    resource: Json = loads((package.folder() / "example" / f"{name}.json").read_bytes())
    return resource


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_good_example_conforms(path: Path) -> None:
    """Issue 5, part 5: no example breaks a rule of its profile, not even one that only warns."""
    found = problems(loads(path.read_bytes()))
    assert [issue for issue in found if issue.severity != "warning"] == []
    assert [issue for issue in found if (issue.rule or "").startswith("tr-")] == []


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_every_seed_conforms(path: Path) -> None:
    """Issue 5, part 5: each resource of the seeds claims its profile and has no error."""
    for entry in loads(path.read_bytes())["entry"]:
        resource = entry["resource"]
        assert (resource["id"], [i for i in problems(resource) if i.severity != "warning"]) == (resource["id"], [])


@pytest.mark.parametrize(("profile", "case"), BAD, ids=lambda part: part["name"] if isinstance(part, dict) else part)
def test_a_bad_example_breaks_its_own_rule_only(profile: str, case: Json) -> None:
    """Issue 5, part 5: what was changed is reported under the key of its rule, at its place, and nothing else is."""
    good = example(case["of"])
    assert good["meta"]["profile"] == [PROFILE + profile]
    bad = jsonpatch.apply_patch(good, loads(json.dumps(case["change"]).encode()))
    known = {(issue.rule, unindexed(issue)) for issue in problems(good)}  # what a change repeats, it does not break
    broken = {(issue.rule, issue.expression) for issue in problems(bad) if (issue.rule, unindexed(issue)) not in known}
    assert broken == {(case["fails"], (case["at"],))}


def test_every_profile_has_its_examples() -> None:
    """Issue 5, part 5: at least three good and ten bad ones, of every profile that a resource can claim."""
    concrete = {each["url"] for each in package.resources("StructureDefinition") if not each["abstract"]}
    profiles = {url for url in concrete if url.removeprefix(PROFILE) in {path.stem for path in CASES}}
    extensions = {each["url"] for each in package.resources("StructureDefinition") if each["type"] == "Extension"}
    assert profiles == concrete - extensions
    good = Counter(loads(path.read_bytes())["meta"]["profile"][0] for path in EXAMPLES)
    bad = Counter(PROFILE + profile for profile, _ in BAD)
    assert {url for url in profiles if good[url] < 3} == set()
    assert {url for url in profiles if bad[url] < 10} == set()


def test_every_rule_of_ours_has_a_bad_example() -> None:
    """Issue 5, part 5: each invariant of the package is broken by some bad example."""
    keys = {
        rule["key"]
        for profile in package.resources("StructureDefinition")
        for element in profile["differential"]["element"]
        for rule in element.get("constraint", ())
    }
    assert keys == {case["fails"] for _, case in BAD if case["fails"].startswith("tr-")}
