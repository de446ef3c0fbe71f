"""The description of a trial and the catalogue of what trials share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from service.errors import Unprocessable
from service.registry.description import Catalogue, read_catalogue, read_trial


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.update(colour="red"), "colour"),
        (lambda t: t.update(title=5), "title"),
        (lambda t: t["groups"][2].update(of="nobody"), "nobody"),
        (lambda t: t["groups"][2].pop("of"), "a part of"),
        (lambda t: t["groups"][1].update(exposures=["water"]), "water"),
        (lambda t: t["groups"][1].update(studies=["other"]), "only an analysis population"),
        (lambda t: t["groups"].append(t["groups"][0]), "twice"),
        (lambda t: t["outcomes"].append(t["outcomes"][0]), "twice"),
        (lambda t: t["groups"][0].update(slug="new"), "also an exposure"),
        (lambda t: t["outcomes"][0].update(code="mood"), "mood"),
        (lambda t: t.update(sponsor="nobody"), "nobody"),
        (lambda t: t.update(citations=["blog"]), "blog"),
    ],
)
def test_a_description_is_read_strictly(
    change: Callable[[dict[str, Any]], object], words: str, trial_data: dict[str, Any], catalogue: Catalogue
) -> None:
    """Unknown fields, wrong types and names that nothing is known by are errors."""
    change(trial_data)
    with pytest.raises(Unprocessable, match=words):
        read_trial(json.dumps(trial_data).encode(), catalogue)


def test_all_problems_of_a_description_are_reported(trial_data: dict[str, Any], catalogue: Catalogue) -> None:
    """One reading finds all of them."""
    trial_data.update(sponsor="nobody", citations=["blog"])
    with pytest.raises(Unprocessable) as caught:
        read_trial(json.dumps(trial_data).encode(), catalogue)
    assert len(caught.value.issues) == 2


def test_a_catalogue_may_be_in_parts(catalogue: Catalogue, catalogue_data: dict[str, Any]) -> None:
    """What one part defines another may not define again, as the same kind or as another."""
    organizations = json.dumps({"organizations": catalogue_data["organizations"]}).encode()
    publications = json.dumps({"publications": catalogue_data["publications"]}).encode()
    assert read_catalogue(organizations, publications) == catalogue
    again = json.dumps({"organizations": [{"slug": "paper", "name": "Paper"}]}).encode()
    with pytest.raises(Unprocessable, match="'paper' is there twice"):
        read_catalogue(publications, again)


def test_a_catalogue_that_is_no_json_is_refused() -> None:
    """A broken file is a problem that is reported, not an exception of a library."""
    with pytest.raises(Unprocessable):
        read_catalogue(b"{")
