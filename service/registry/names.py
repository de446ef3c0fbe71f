"""The ids of what a trial consists of: readable, stable, and made from the slugs of its description and table."""

from __future__ import annotations

from typing import Final

from service.registry.description import Trial

MAX_ID: Final = 64


def evidence_id(trial: Trial, result: str) -> str:
    """The id, and stable result key, of an Evidence."""
    return f"{trial.slug}-{result}"


def group_id(trial: Trial, slug: str) -> str:
    """The id of a Group."""
    return f"{trial.slug}-{slug}"


def eligibility_id(study: str) -> str:
    """The id of the Group that says who could take part in a study."""
    return f"{study}-eligibility"


def variable_id(trial: Trial, slug: str) -> str:
    """The id of an EvidenceVariable: an outcome or an exposure."""
    return f"{trial.slug}-{slug}"


def report_id(trial: Trial) -> str:
    """The id of the EvidenceReport."""
    return f"{trial.slug}-results"


def label(trial: Trial, slug: str) -> str:
    """What a group or an exposure is called inside a sentence."""
    for exposure in trial.exposures:
        if exposure.slug == slug:
            return in_sentence(exposure.title)
    return in_sentence(trial.group(slug).name)


def in_sentence(name: str) -> str:
    """A name without its capital, unless it begins with an abbreviation."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]
