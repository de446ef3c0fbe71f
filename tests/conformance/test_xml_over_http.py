"""Official examples of R5 written as XML and read back in both formats: https://hl7.org/fhir/R5/xml.html."""

from __future__ import annotations

import httpx
import pytest

from service.compose import create_app_over
from service.fhir.json import canonical, dumps, loads
from service.fhir.xml import from_xml, to_xml
from service.settings import Settings
from service.store.base import Store
from tests.conformance.packages import resource_files
from tests.conformance.test_xml import LARGE
from tests.support.asking import FHIR_JSON, FHIR_XML

EVERY = 97
"""One of so many examples: all of them go through the converter elsewhere, and over HTTP as JSON."""


@pytest.mark.anyio
@pytest.mark.timeout(300)
async def test_examples_in_xml_are_those_in_json(store: Store) -> None:
    """What comes as XML is stored as what it is in JSON, and is read back as either."""
    transport = httpx.ASGITransport(app=create_app_over(store, Settings()))
    async with httpx.AsyncClient(transport=transport, base_url="http://registry.test/fhir") as client:
        for path in resource_files("hl7.fhir.r5.examples")[::EVERY]:
            sent = loads(path.read_bytes())
            if path.stat().st_size > LARGE:
                continue
            where = f"/{sent['resourceType']}/{sent['id']}"
            answer = await client.put(where, content=to_xml(sent), headers={"Content-Type": FHIR_XML})
            again = await client.put(where, content=dumps(sent), headers={"Content-Type": FHIR_JSON})
            if answer.status_code == 422:  # some of the examples break a rule, in whichever format
                assert (path.name, again.content) == (path.name, answer.content)
                continue
            assert (path.name, answer.status_code, again.status_code) == (path.name, 201, 200)
            assert again.headers["etag"] == answer.headers["etag"]  # the same content makes no new version
            as_json = loads((await client.get(where)).content)
            as_xml = from_xml((await client.get(where, headers={"Accept": FHIR_XML})).content)
            assert canonical(as_xml) == canonical(as_json), path.name
