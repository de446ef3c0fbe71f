"""The resources on which validators are compared, and from which the mutations are made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Final

import jsonpatch
import yaml

from service.fhir.json import dumps, loads
from service.fhir.library import Library
from tools.mutations import Json, Mutation, mutations
from tools.profile_mutations import profile_mutations

ROOT: Final = Path(__file__).resolve().parents[1]
GOOD: Final = ROOT / "fhir_profiles" / "example"
BAD: Final = ROOT / "tests" / "cases" / "profiles"
SEEDS: Final = ROOT / "seed_bundles"

SMALL: Final = 40_000
"""Bytes: larger examples are mostly generated definitions, which show little that is new."""
EVERY: Final = 25
"""Of the official examples, so many are left out for one of which mutations are made."""
MOST: Final = 40
"""Mutations of one official example."""


@dataclass(frozen=True, slots=True)
class Case:
    """A resource, the group that it counts in, and a name that says where it is from."""

    group: str
    name: str
    resource: Json


def read(folder: Path) -> Iterator[tuple[str, Json]]:
    """Name of the file and resource, by name."""
    for path in sorted(folder.glob("*.json")):
        if path.name != "package.json" and not path.name.startswith("."):
            yield path.name, loads(path.read_bytes())


def bad_examples() -> Iterator[Case]:
    """The bad examples of our profiles, each a good one with a JSON Patch."""
    for path in sorted(BAD.glob("*.yaml")):
        for case in yaml.safe_load(path.read_bytes()):
            good = loads((GOOD / f"{case['of']}.json").read_bytes())
            change = loads(dumps(case["change"]))
            yield Case("bad examples", f"{path.stem}: {case['name']}", jsonpatch.apply_patch(good, change))


def mutations_of_ours(library: Library) -> Iterator[tuple[str, Mutation]]:
    """All mutations of our good examples, with the name of the example."""
    for name, resource in read(GOOD):
        for each in mutations(resource):
            yield name, each
        for profile in resource["meta"]["profile"]:
            for each in profile_mutations(resource, profile, library):
                yield name, each


def sample(examples: Path) -> Iterator[tuple[str, Json]]:
    """Every so many of the small official examples."""
    small = [path for path in sorted(examples.glob("[!.]*.json")) if path.stat().st_size <= SMALL]
    for path in small[::EVERY]:
        if path.name != "package.json":
            yield path.name, loads(path.read_bytes())


def mutations_of_sample(resources: Iterable[tuple[str, Json]]) -> Iterator[tuple[str, Mutation]]:
    """Mutations of resources, of each as many kinds as there are, and of each kind every element only once."""
    seen: set[tuple[str, str]] = set()
    for name, resource in resources:
        of_kind: dict[str, list[Mutation]] = {}
        for each in mutations(resource):
            if (each.kind, each.element) not in seen:
                of_kind.setdefault(each.kind, []).append(each)
        in_turn = chain.from_iterable(zip_longest(*of_kind.values()))
        for each in islice((each for each in in_turn if each is not None), MOST):
            seen.add((each.kind, each.element))
            yield name, each


def official(examples: Path, largest: int) -> Iterator[Case]:
    """The official examples of at most so many bytes."""
    for path in sorted(examples.glob("[!.]*.json")):
        if path.name != "package.json" and path.stat().st_size <= largest:
            yield Case("official examples", path.name, loads(path.read_bytes()))


def cases(library: Library, examples: Path | None) -> Iterator[Case]:
    """Everything else, group by group."""
    for name, resource in read(GOOD):
        yield Case("good examples", name, resource)
    for name, resource in read(SEEDS):
        yield Case("seeds", name, resource)
    yield from bad_examples()
    for name, each in mutations_of_ours(library):
        yield Case("mutations of good examples", _title(name, each), each.resource)
    for name, each in mutations_of_sample(sample(examples)) if examples else ():
        yield Case("mutations of official examples", _title(name, each), each.resource)


def _title(name: str, mutation: Mutation) -> str:
    return f"{name}, {mutation.kind} ({mutation.element})"
