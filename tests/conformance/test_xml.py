"""The official examples of R5 in the XML format and back: https://hl7.org/fhir/R5/xml.html."""

from __future__ import annotations

import pytest

from service.fhir.json import canonical, loads
from service.fhir.xml import from_xml, to_xml
from tests.conformance.packages import resource_files

LARGE = 3_000_000
"""Bytes above which an example takes seconds and shows nothing that the others do not."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(8))
def test_examples_survive_the_way_to_xml_and_back(part: int) -> None:
    """JSON and XML hold the same: every example comes back with every value, digit and narrative as it was."""
    for path in resource_files("hl7.fhir.r5.examples")[part::8]:
        if path.stat().st_size < LARGE:
            resource = loads(path.read_bytes())
            assert canonical(from_xml(to_xml(resource))) == canonical(resource), path.name
