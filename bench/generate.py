"""Realistic registries of any size: studies with arms, outcomes, results and a report, in the style of the seeds.

    python -m bench.generate 1000 [--seed 1] > registry.ndjson

Each study depends on the seed and its own number alone: a larger registry begins with the smaller one. What is made
claims no profile; :func:`copies` of the seeds do.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

Json = dict[str, Any]

REGISTRY: Final = "https://trial-registry.example.org/fhir"
PHASES: Final = ("early-phase-1", "phase-1", "phase-2", "phase-2", "phase-3", "phase-3", "phase-3", "phase-4")
STATES: Final = ("completed", "completed", "recruiting", "active-but-not-recruiting", "withdrawn")
CONDITIONS: Final = (
    ("277571004", "B-cell acute lymphoblastic leukemia"),
    ("277575008", "T-cell acute lymphoblastic leukemia"),
    ("91861009", "Acute myeloid leukemia"),
    ("109989006", "Multiple myeloma"),
    ("254637007", "Non-small cell lung cancer"),
    ("254837009", "Malignant tumor of breast"),
    ("363406005", "Malignant tumor of colon"),
    ("73211009", "Diabetes mellitus"),
    ("38341003", "Hypertensive disorder"),
    ("69896004", "Rheumatoid arthritis"),
)
DRUGS: Final = ("blinatumomab", "rituximab", "imatinib", "dasatinib", "venetoclax", "metformin", "placebo", "docetaxel")
OUTCOMES: Final = (
    ("os", "Overall survival", "time"),
    ("efs", "Event-free survival", "time"),
    ("rfs", "Relapse-free survival", "time"),
    ("complete-remission", "Complete remission", "share"),
    ("mrd-remission", "Remission of measurable residual disease", "share"),
    ("ae-grade-3", "Adverse events of grade 3 or worse", "share"),
)
STATISTIC: Final = "http://terminology.hl7.org/CodeSystem/statistic-type"
HAZARD_RATIO: Final = ("C93150", "Hazard Ratio")
PROPORTION: Final = ("C44256", "Proportion")
ATTRIBUTE: Final = "http://terminology.hl7.org/CodeSystem/attribute-estimate-type"
INTERVAL: Final = ("C53324", "Confidence interval")
P_VALUE: Final = ("C44185", "P-value")
SEEDS: Final = Path(__file__).resolve().parents[1] / "seed_bundles"


def resources(studies: int, seed: int = 1, outcomes: int = 4, analyses: int = 3) -> Iterator[Json]:
    """Yield the resources of a registry, those that are referred to before those that refer to them."""
    for number in range(studies):
        yield from study(number, seed, outcomes, analyses)


def copies(number: int) -> Iterator[Json]:
    """Yield the resources of the seeds so many times, each time under ids of their own."""
    bundles = [json.loads(path.read_bytes()) for path in sorted(SEEDS.glob("*.json"))]
    entries = [entry["resource"] for bundle in bundles for entry in bundle["entry"]]
    seeds = {(each["resourceType"], each["id"]): each for each in entries}
    for copy in range(number):
        for each in seeds.values():
            yield {**_renamed(each, f"-{copy}"), "id": f"{each['id']}-{copy}"}


def _renamed(value: Any, end: str) -> Any:  # noqa: ANN401  # any JSON value
    """Put an end to all relative references."""
    if isinstance(value, list):
        return [_renamed(each, end) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: held + end if name == "reference" and isinstance(held, str) else _renamed(held, end)
        for name, held in value.items()
    }


def study(number: int, seed: int = 1, measured: int = 4, analyses: int = 3) -> Iterator[Json]:
    """Yield the resources of one study: so many outcomes, each with up to so many results per arm; some twenty-five."""
    chance = random.Random(f"{seed}/{number}")
    name = f"study-{number:07}"
    condition = chance.choice(CONDITIONS)
    drugs = chance.sample(DRUGS, 2)
    arms = []
    for place, drug in enumerate(drugs):
        arms.append(
            _resource("Group", f"{name}-arm-{place}")
            | {
                "type": "person",
                "membership": "enumerated",
                "code": _concept(f"{REGISTRY}/CodeSystem/analysis-population", "arm", "Study arm"),
                "name": drug.capitalize(),
                "description": f"Randomized to {drug}.",
                "quantity": chance.randint(20, 600),
            }
        )
    outcomes = chance.sample(OUTCOMES, measured)
    variables = [
        _resource("EvidenceVariable", f"{name}-{code}")
        | {
            "title": title,
            "status": "active",
            "characteristic": [{"definitionCodeableConcept": _concept(f"{REGISTRY}/CodeSystem/outcome", code, title)}],
            "handling": "continuous" if kind == "time" else "dichotomous",
        }
        for code, title, kind in outcomes
    ]
    yield from arms
    yield from variables
    yield _study(chance, number, name, condition, drugs, [code for code, _, _ in outcomes])
    evidence = [
        _evidence(chance, name, outcome, arm, place)
        for outcome in outcomes
        for arm in range(len(arms))
        for place in range(chance.randint(1, analyses))
    ]
    yield from evidence
    yield (
        _resource("EvidenceReport", f"{name}-results")
        | {
            "status": "active",
            "subject": {
                "characteristic": [
                    {"code": {"text": "Research study"}, "valueReference": {"reference": f"ResearchStudy/{name}"}}
                ]
            },
            "section": [
                {
                    "title": "Results",
                    "entryReference": [{"reference": f"Evidence/{each['id']}"} for each in evidence],
                }
            ],
        }
    )


def _study(
    chance: random.Random, number: int, name: str, condition: tuple[str, str], drugs: list[str], outcomes: list[str]
) -> Json:
    phase = chance.choice(PHASES)
    start = date(2000, 1, 1) + timedelta(days=chance.randrange(9000))
    title = f"{drugs[0].capitalize()} against {drugs[1]} in {condition[1].lower()}"
    return _resource("ResearchStudy", name) | {
        "identifier": [{"use": "official", "system": "http://clinicaltrials.gov", "value": f"NCT9{number:07}"}],
        "title": f"{title}, a {phase.replace('-', ' ')} study",
        "status": "active",
        "phase": _concept("http://hl7.org/fhir/research-study-phase", phase, phase.replace("-", " ").capitalize()),
        "condition": [_concept("http://snomed.info/sct", *condition)],
        "date": (start + timedelta(days=chance.randrange(1500))).isoformat(),
        "period": {
            "start": start.isoformat(),
            "end": (start + timedelta(days=chance.randrange(300, 3000))).isoformat(),
        },
        "progressStatus": [
            {
                "state": _concept("http://hl7.org/fhir/research-study-status", state, state.capitalize()),
                "actual": True,
            }
            for state in [chance.choice(STATES)]
        ],
        "recruitment": {"actualNumber": chance.randint(40, 1200)},
        "comparisonGroup": [
            {
                "linkId": f"arm-{place}",
                "name": drug.capitalize(),
                "observedGroup": {"reference": f"Group/{name}-arm-{place}"},
            }
            for place, drug in enumerate(drugs)
        ],
        "outcomeMeasure": [
            {"name": code, "reference": {"reference": f"EvidenceVariable/{name}-{code}"}} for code in outcomes
        ],
        "result": [{"reference": f"EvidenceReport/{name}-results"}],
    }


def _evidence(chance: random.Random, name: str, outcome: tuple[str, str, str], arm: int, place: int) -> Json:
    code, title, kind = outcome
    id_ = f"{name}-{code}-{arm}-{place}"
    statistic = HAZARD_RATIO if kind == "time" else PROPORTION
    # A ratio is mostly near 1, a share anywhere.
    value = chance.lognormvariate(-0.2, 0.35) if kind == "time" else chance.random()
    spread = chance.uniform(0.02, 0.3)
    roles = (
        ("population", "population", f"Group/{name}-arm-{arm}"),
        ("measuredVariable", "measured variable", f"EvidenceVariable/{name}-{code}"),
    )
    return _resource("Evidence", id_) | {
        "identifier": [{"system": f"{REGISTRY}/NamingSystem/result-key", "value": id_}],
        "title": f"{title}, arm {arm + 1}, analysis {place + 1}",
        "status": "active" if chance.random() < 0.9 else "retired",
        "date": (date(2005, 1, 1) + timedelta(days=chance.randrange(7500))).isoformat(),
        "relatedArtifact": [{"type": "derived-from", "resourceReference": {"reference": f"ResearchStudy/{name}"}}],
        "variableDefinition": [
            {
                "variableRole": _concept("http://terminology.hl7.org/CodeSystem/variable-role", role, display),
                "observed": {"reference": reference},
            }
            for role, display, reference in roles
        ],
        "statistic": [
            {
                "statisticType": _concept(STATISTIC, *statistic),
                "quantity": {"value": round(value, 3)},
                "sampleSize": {"numberOfParticipants": chance.randint(20, 600)},
                "attributeEstimate": [
                    {
                        "type": _concept(ATTRIBUTE, *INTERVAL),
                        "level": 0.95,
                        "range": {
                            "low": {"value": round(max(value - spread, 0), 3)},
                            "high": {"value": round(value + spread, 3)},
                        },
                    },
                    {
                        "type": _concept(ATTRIBUTE, *P_VALUE),
                        "quantity": {"value": round(chance.random() ** 3, 4)},
                    },
                ],
            }
        ],
    }


def _resource(type_: str, id_: str) -> Json:
    return {"resourceType": type_, "id": id_}


def _concept(system: str, code: str, display: str) -> Json:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def add_size(parser: argparse.ArgumentParser) -> None:
    """Add what says how large a registry is to be: ``studies``, ``seed``, ``outcomes``, ``analyses``."""
    parser.add_argument("studies", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--outcomes", type=int, default=4, help="of a study, six at the most")
    parser.add_argument("--analyses", type=int, default=3, help="of an outcome in an arm, at the most")


def main() -> None:
    """Write a registry, a resource to a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_size(parser)
    options = parser.parse_args()
    for resource in resources(options.studies, options.seed, options.outcomes, options.analyses):
        sys.stdout.write(json.dumps(resource, separators=(",", ":"), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
