"""What is known here of terminology: https://hl7.org/fhir/R5/terminologycapabilities.html, ``mode=terminology``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from service.fhir.json import dumps
from service.interactions.capabilities import CANONICAL
from service.interactions.conformance import Conformance
from service.terminology.grammars import GRAMMARS

Json = dict[str, Any]

_CONTENT = frozenset({"not-present", "example", "fragment", "complete", "supplement"})


def terminology_capabilities(
    conformance: Conformance, base: str, expansion: Sequence[str], version: str, started: str
) -> bytes:
    """Return the TerminologyCapabilities; ``expansion`` are the parameters that $expand takes."""
    systems: dict[str, Json] = {url: {"uri": url, "content": "not-present", "subsumption": False} for url in GRAMMARS}
    for resource in conformance.library.of_type("CodeSystem"):
        if ":" not in resource["url"]:  # one of HL7's own has a relative URL, which is no canonical to point to
            continue
        if resource.get("content") not in (None, "supplement"):
            _add(systems, resource, conformance)
    return dumps(
        {
            "resourceType": "TerminologyCapabilities",
            "id": "trial-registry",
            "url": f"{CANONICAL}/TerminologyCapabilities/trial-registry",
            "name": "TrialRegistryTerminology",
            "title": "The code systems and value sets of the trial registry",
            "status": "active",
            "date": started,
            "kind": "instance",
            "software": {"name": "trial-registry", "version": version},
            "implementation": {"description": "Terminology of FHIR R5, and of the registry's resources", "url": base},
            "codeSystem": [systems[url] for url in sorted(systems)],
            "expansion": {
                "hierarchical": True,
                "paging": True,
                "incomplete": True,
                "parameter": [{"name": name} for name in expansion],
                "textFilter": "Each word of the filter is in one text of a code, or the filter begins the code.",
            },
            "codeSearch": "in-compose-or-expansion",
            "validateCode": {"translations": False},
            "translation": {"needsMap": False},
        }
    )


def _add(systems: dict[str, Json], resource: Json, conformance: Conformance) -> None:
    url = resource["url"]
    content = resource["content"] if resource["content"] in _CONTENT else "not-present"
    entry = systems.setdefault(url, {"uri": url, "content": content})
    if url not in GRAMMARS:
        system = conformance.terminology.system(url)
        entry["subsumption"] = system is not None and system.hierarchy_known and system.subsuming
    if version := resource.get("version"):
        newest = not entry.get("version")
        entry.setdefault("version", []).append({"code": version, "isDefault": newest})
