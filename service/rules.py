"""The rules that the settings choose: definitions of packages, required profiles, search parameters."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

from service.errors import Invalid
from service.fhir import definitions
from service.fhir.library import Library
from service.interactions.definitions import accept
from service.interactions.faults import faults
from service.interactions.policy import Policy
from service.packages.library import package_library
from service.packages.resolve import load_packages
from service.profiles.definition.core import CoreDefinitions
from service.profiles.validator import Validator
from service.registry.package import catalogue, folder
from service.search.parameters import Catalogue
from service.settings import Settings
from service.terminology.base import Terminology
from service.terminology.core import core_library

log = logging.getLogger(__name__)


@lru_cache(maxsize=8)
def open_library(wanted: tuple[str, ...], cache: str) -> Library:
    """Return the definitions of R5, of the registry, and of the packages that are wanted, the last before the first.

    Raises what :func:`load_packages` does.
    """
    core = CoreDefinitions(core_library())
    return package_library(load_packages((str(folder()), *wanted), Path(cache).expanduser()), core)


def build_policy(settings: Settings, library: Library, terminology: Terminology) -> Policy:
    """Return the rules of what is valid; raises :class:`Invalid` for a setting that makes no sense."""
    required: dict[str, tuple[str, ...]] = {}
    for each in settings.required_profiles:
        type_, _, profile = each.partition("=")
        if type_ not in definitions.resource_types():
            raise Invalid(f"{type_!r} of {each!r} is not a resource type of R5.", expression="required_profiles")
        required[type_] = (*required.get(type_, ()), profile)
    validator = Validator(library, terminology, unknown_profile=settings.unknown_profile)
    return Policy(library, validator, settings.validation, required, lambda resource: faults(resource, library))


@lru_cache(maxsize=8)
def search_parameters(wanted: tuple[str, ...], cache: str) -> Catalogue:
    """Return the search parameters of R5, the registry and the packages; the log has those that cannot be used."""
    own = catalogue()
    if not wanted:
        return own
    found = open_library(wanted, cache).of_type("SearchParameter")
    new = {
        each["url"]: (0, each) for each in found if each.get("status") != "retired" and not own.definition(each["url"])
    }
    accepted, refused = accept(own, new)
    for url, issues in refused.items():
        log.info("The search parameter %s is left out: %s", url, "; ".join(issue.diagnostics for issue in issues))
    return Catalogue((*own.extra, *accepted.values()))
