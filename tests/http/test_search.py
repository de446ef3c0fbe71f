"""search with the parameters of this release: https://hl7.org/fhir/R5/search.html."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import quote

import pytest

from tests.http.conftest import Configured
from tests.support.asking import BASE, Fhir, Json, link, refused, study

pytestmark = pytest.mark.anyio

CT, EU = "https://clinicaltrials.gov", "https://euclinicaltrials.eu"


def identified(id_: str, *identifiers: tuple[str | None, str | None], status: str = "active") -> Json:
    """Return a study with identifiers of (system, value), either of which may be missing."""
    parts = [{name: text for name, text in zip(("system", "value"), pair, strict=True) if text} for pair in identifiers]
    return study(id_, status=status) | ({"identifier": parts} if parts else {})


REGISTERED = [
    identified("both", (CT, "NCT1")),
    identified("other", (EU, "NCT1")),
    identified("none", (None, "NCT1")),
    identified("two", (CT, "NCT2"), (EU, "EU2"), status="draft"),
    identified("system", (CT, None)),
    identified("lacking"),
    identified("odd", (CT, "a,b|c$d\\e"), status="retired"),
    identified("case", (CT, "nct1")),
]
TOKENS: dict[str, str] = {
    # search.html#token: the four forms
    "identifier=NCT1": "both other none",
    f"identifier={CT}|NCT1": "both",
    "identifier=|NCT1": "none",
    f"identifier={CT}|": "both two system odd case",
    f"identifier={EU}|": "other two",
    f"identifier={EU}|NCT2": "",
    "identifier=nct1": "case",
    "identifier=NCT": "",
    "identifier=unknown": "",
    "identifier=|NCT2": "",
    # search.html#combining: a comma is or, a repetition is and
    "identifier=NCT1,NCT2": "both other none two",
    f"identifier={CT}|NCT2,|NCT1": "none two",
    "identifier=NCT2&identifier=EU2": "two",
    "identifier=NCT1&identifier=EU2": "",
    "identifier=NCT1,NCT2&status=draft": "two",
    # search.html#escaping
    "identifier=a%5C,b%5C%7Cc%5C$d%5C%5Ce": "odd",
    f"identifier={CT}|a%5C%2Cb%5C%7Cc%5C%24d%5C%5Ce": "odd",
    # search.html#modifiers: :not is for everything that the plain form does not find, also what has no identifier
    "identifier:not=NCT1": "two system lacking odd case",
    f"identifier:not={CT}|": "other none lacking",
    "identifier:not=NCT1,NCT2": "system lacking odd case",
    "status:not=active": "two odd",
    # codes with a required binding
    "status=draft": "two",
    "status=draft,retired": "two odd",
    "status=http://hl7.org/fhir/publication-status|draft": "two",
    "status=http://other|draft": "",
    "status=nonsense": "",
    "status=Draft": "",
    # ids
    "_id=both": "both",
    "_id=two,both": "both two",
    "_id=Both": "",
    "_id=nothing": "",
    "_id=both&_id=two": "",
    "_id=a%5C,b": "",
    "": "both other none two system lacking odd case",
}


async def test_tokens(fhir: Fhir) -> None:
    """search.html#token: ``code`` any system, ``s|code`` both, ``|code`` only where no system, ``s|`` any code."""
    await fhir.store(*REGISTERED)
    for query, expected in TOKENS.items():
        for url in (f"ResearchStudy?{query}", f"ResearchStudy?{query}&_count=100"):
            bundle = (await fhir.get(url)).json()
            found = [entry["resource"]["id"] for entry in bundle.get("entry", ())]
            assert (query, found, bundle["total"]) == (query, expected.split(), len(expected.split()))


REFUSED: dict[str, tuple[str, str]] = {
    "nonsense=1": ("invalid", "nonsense"),
    "Status=active": ("invalid", "Status"),
    "titel=x": ("invalid", "titel"),
    "=x": ("invalid", ""),
    "identifier=": ("invalid", "identifier"),
    "identifier": ("invalid", "identifier"),
    "identifier=|": ("invalid", "identifier"),
    "identifier=a,": ("invalid", "identifier"),
    "identifier=,": ("invalid", "identifier"),
    "identifier=a|b|c": ("invalid", "identifier"),
    "identifier=a%5Cb": ("invalid", "identifier"),
    "identifier=a%5C": ("invalid", "identifier"),
    "identifier:nonsense=a": ("not-supported", "identifier:nonsense"),
    "identifier:Not=a": ("not-supported", "identifier:Not"),
    "identifier:=a": ("not-supported", "identifier:"),
    "identifier:not:not=a": ("not-supported", "identifier:not:not"),
    "status:in=http://x": ("not-found", "status:in"),
    "_id:not=a": ("not-supported", "_id:not"),
    "_id=": ("invalid", "_id"),
    "_id=a,": ("invalid", "_id"),
    "_lastUpdated=soon": ("invalid", "_lastUpdated"),
    "_lastUpdated=xx2020": ("invalid", "_lastUpdated"),
    "_lastUpdated=2020-02-30": ("invalid", "_lastUpdated"),
    "_lastUpdated=2020-1-1": ("invalid", "_lastUpdated"),
    "_lastUpdated=2020-01-01T25:00:00Z": ("invalid", "_lastUpdated"),
    "_lastUpdated=2020,": ("invalid", "_lastUpdated"),
    "_lastUpdated=%D9%A2%D9%A0%D9%A2%D9%A0": ("invalid", "_lastUpdated"),
    "_lastUpdated:not=2020": ("not-supported", "_lastUpdated:not"),
    "_count=x": ("invalid", "_count"),
    "_count=-1": ("invalid", "_count"),
    "_count=%D9%A1": ("invalid", "_count"),
    "_count=1&_count=1": ("invalid", "_count"),
    "_count:exact=1": ("invalid", "_count:exact"),
    "_total=some": ("invalid", "_total"),
    "_sort=statsu": ("invalid", "_sort"),
    "_sort=": ("invalid", "_sort"),
    "_sort=_content": ("not-supported", "_sort"),
    "_include=Group": ("invalid", "_include"),
    "_include=ResearchStudy:title": ("invalid", "_include"),
    "_revinclude:all=*": ("invalid", "_revinclude:all"),
}


async def test_what_is_not_understood_is_refused_by_name(fhir: Fhir) -> None:
    """search.html#errors, #modifiers: 400 naming the parameter, for search by GET and by POST alike."""
    for query, (code, name) in REFUSED.items():
        for response in (
            await fhir.get(f"ResearchStudy?{query}"),
            await fhir.post("ResearchStudy/_search", query.encode(), Content_Type="application/x-www-form-urlencoded"),
        ):
            refused(response, 400, code, name or None)


async def test_every_problem_is_reported_at_once(fhir: Fhir) -> None:
    """operationoutcome.html: an issue for each parameter that is wrong."""
    response = await fhir.get("ResearchStudy?a=1&status=active&b=2&_lastUpdated=x&identifier:c=1")
    places = [issue["expression"][0] for issue in response.json()["issue"]]
    assert places == ["a", "b", "_lastUpdated", "identifier:c"]


async def test_lenient_leaves_unknown_parameters_out_and_says_so(fhir: Fhir, configured: Configured) -> None:
    """search.html#errors: with handling=lenient the self link has what was used; by the setting, too."""
    await fhir.store(study("a"), study("b", status="draft"))
    path = "ResearchStudy?nonsense=1&status=active&other:mod=2&_count=5"
    refused(await fhir.get(path), 400, "invalid", "nonsense")
    for response in (
        await fhir.get(path, Prefer="handling=lenient"),
        await fhir.get(path, Prefer="return=minimal; handling=lenient"),
        await configured(handling="lenient").get(path),
    ):
        bundle = response.json()
        assert link(bundle, "self") == f"{BASE}/ResearchStudy?status=active&_count=5"
        assert bundle["total"] == 1
    refused(await configured(handling="lenient").get(path, Prefer="handling=strict"), 400, "invalid", "nonsense")


async def test_lenient_never_forgives_a_known_parameter(fhir: Fhir) -> None:
    """search.html#modifiers: an unknown modifier SHALL be refused, however lenient the handling; so are bad values."""
    for query in ("identifier:nonsense=1", "_lastUpdated=x", "_count=x", "status=", "_id:not=a"):
        response = await fhir.get(f"ResearchStudy?{query}", Prefer="handling=lenient")
        assert (query, response.status_code) == (query, 400)


def hours(instant: str, offset: int) -> str:
    """Return the same instant as a clock elsewhere shows it."""
    moment = datetime.fromisoformat(instant.replace("Z", "+00:00"))
    local = (moment + timedelta(hours=offset)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    return f"{local}{offset:+03d}:00"


async def test_last_updated_is_compared_as_a_range(fhir: Fhir) -> None:
    """search.html#date, #prefix: the precision of the value is its range; the millisecond counts."""
    await fhir.store(study("a"))
    updated: str = (await fhir.get("ResearchStudy/a")).json()["meta"]["lastUpdated"]
    year = int(updated[:4])
    finds = {"eq", "ge", "le", "ap"}
    for same in (updated, updated[:10], updated[:7], updated[:4], updated[:19] + "Z", updated[:16] + "Z"):
        for value in (same, hours(updated, 5)):
            for prefix in ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", ""):
                found = await fhir.ids(f"ResearchStudy?_lastUpdated={prefix}{quote(value)}")
                assert (prefix, value, bool(found)) == (prefix, value, (prefix or "eq") in finds)
    for prefix, earlier, later in (
        ("eq", False, False),
        ("ne", True, True),
        ("gt", True, False),
        ("ge", True, False),
        ("sa", True, False),
        ("lt", False, True),
        ("le", False, True),
        ("eb", False, True),
    ):
        for value, expected in ((str(year - 1), earlier), (str(year + 1), later), ("0001", earlier), ("9999", later)):
            found = await fhir.ids(f"ResearchStudy?_lastUpdated={prefix}{value}")
            assert (prefix, value, bool(found)) == (prefix, value, expected)


async def test_last_updated_combines(fhir: Fhir) -> None:
    """search.html#combining: a comma is or, a repetition is and: an interval of two bounds."""
    await fhir.store(study("a"))
    assert await fhir.ids("ResearchStudy?_lastUpdated=gt2000&_lastUpdated=lt2100") == ["a"]
    assert await fhir.ids("ResearchStudy?_lastUpdated=gt2100,lt2100") == ["a"]
    assert await fhir.ids("ResearchStudy?_lastUpdated=gt2000&_lastUpdated=lt2001") == []


async def test_last_updated_of_the_update(fhir: Fhir) -> None:
    """resource.html#Meta: the instant of the current version, so that an update moves it and a no-op does not."""
    await fhir.store(study("a"), study("b"))
    before = (await fhir.get("ResearchStudy/b")).json()["meta"]["lastUpdated"]
    await fhir.put("ResearchStudy/b", study("b"))
    assert (await fhir.get("ResearchStudy/b")).json()["meta"]["lastUpdated"] == before
    await fhir.store(study("a", title="2"))
    updated = (await fhir.get("ResearchStudy/a")).json()["meta"]["lastUpdated"]
    assert await fhir.ids(f"ResearchStudy?_lastUpdated=ge{updated}&_id=a") == ["a"]


async def test_search_by_post(fhir: Fhir) -> None:
    """search.html#Introduction: POST _search takes the parameters from the form, the URL, or both together."""
    await fhir.store(study("a"), study("b", status="draft"))
    form = "application/x-www-form-urlencoded; charset=utf-8"
    for path, body, found in (
        ("ResearchStudy/_search", "status=draft", ["b"]),
        ("ResearchStudy/_search?status=draft", "", ["b"]),
        ("ResearchStudy/_search?_id=a", "status=draft", []),
        ("ResearchStudy/_search", "_id=a%2Cb", ["a", "b"]),
        ("_search", "_id=a", ["a"]),
    ):
        response = await fhir.post(path, body.encode(), Content_Type=form)
        assert [entry["resource"]["id"] for entry in response.json().get("entry", ())] == found
    for content_type in ("application/fhir+json", f"{form}; charset=latin-1", ""):
        response = await fhir.post("ResearchStudy/_search", b"status=draft", Content_Type=content_type)
        refused(response, 415, "not-supported", "Content-Type")
    response = await fhir.post("ResearchStudy/_search", b"\xff\xfe=1", Content_Type=form)
    refused(response, 400, "invalid")


async def test_a_form_says_how_to_answer_too(fhir: Fhir) -> None:
    """http.html#parameters: _format and _pretty may stand among the parameters of the form."""
    await fhir.store(study("a"))
    form = "application/x-www-form-urlencoded"
    response = await fhir.post("ResearchStudy/_search", b"_format=application/json&_pretty=true", Content_Type=form)
    assert response.headers["content-type"] == "application/json"
    assert response.content.count(b"\n") > 3
    response = await fhir.post("ResearchStudy/_search", b"_format=ttl", Content_Type=form)
    refused(response, 406, "not-supported", "_format")


async def test_a_searchset(fhir: Fhir) -> None:
    """bundle.html#searchset: entries with fullUrl and mode, the total, a self link; no empty array of entries."""
    await fhir.store(study("a"))
    bundle = (await fhir.get("ResearchStudy?status=active")).json()
    assert bundle["type"] == "searchset"
    assert bundle["total"] == 1
    entry = bundle["entry"][0]
    assert entry["fullUrl"] == f"{BASE}/ResearchStudy/a"
    assert entry["search"] == {"mode": "match"}
    assert link(bundle, "self") == f"{BASE}/ResearchStudy?status=active"
    empty = (await fhir.get("ResearchStudy?status=draft")).json()
    assert (empty["total"], "entry" in empty) == (0, False)


async def test_the_self_link_repeats_the_search(fhir: Fhir) -> None:
    """search.html#conformance: the self link, followed, is the same search, whatever characters are in it."""
    value = "a\\,b\\|c é&=+ ?#/"
    resource = {**study("a"), "identifier": [{"value": "a,b|c é&=+ ?#/"}]}
    await fhir.store(resource)
    bundle = (await fhir.get(f"ResearchStudy?identifier={quote(value)}")).json()
    own = link(bundle, "self")
    assert own is not None
    assert (await fhir.get(own)).json() == bundle
    assert bundle["total"] == 1


async def test_total(fhir: Fhir) -> None:
    """search.html#total: none leaves the number out; it counts the matches of the whole search, not of the page."""
    await fhir.store(*(study(id_) for id_ in "abc"))
    for query, total in {"": 3, "&_total=accurate": 3, "&_total=estimate": 3, "&_total=none": None}.items():
        assert (await fhir.get(f"ResearchStudy?_count=1{query}")).json().get("total") == total
    assert (await fhir.get("ResearchStudy?_count=0")).json()["total"] == 3


async def test_all_types(fhir: Fhir) -> None:
    """http.html#search: a search of the system has the parameters that all types have, and finds of all types."""
    group = {"resourceType": "Group", "id": "a", "type": "person", "membership": "definitional"}
    await fhir.store(study("a"), group, study("b"))
    for path in ("", "?_id=a,b"):
        bundle = (await fhir.get(path)).json()
        urls = [entry["fullUrl"].removeprefix(f"{BASE}/") for entry in bundle["entry"]]
        assert urls == ["ResearchStudy/a", "Group/a", "ResearchStudy/b"]
    refused(await fhir.get("?identifier=1"), 400, "invalid", "identifier")


async def test_a_deleted_or_superseded_value_is_not_found(fhir: Fhir) -> None:
    """search.html: a search is about what is current."""
    await fhir.store(study("a", nct="NCT1"), study("a", nct="NCT2"), study("b", nct="NCT3"))
    await fhir.delete("ResearchStudy/b")
    assert [await fhir.ids(f"ResearchStudy?identifier=NCT{n}") for n in (1, 2, 3)] == [[], ["a"], []]


async def test_the_address_of_a_proxy(configured: Configured) -> None:
    """http.html#general: URLs are those that the client sees: the Host header's, or of the setting base_url."""
    proxied = configured(base_url="https://trials.example.org/r5/")
    created = await proxied.post("ResearchStudy", study())
    assert created.headers["location"].startswith("https://trials.example.org/r5/ResearchStudy/")
    assert link((await proxied.get("ResearchStudy")).json(), "self") == "https://trials.example.org/r5/ResearchStudy"
    direct = configured(base_path="/registry/r5")
    response = await direct.client.get("http://other.test:81/registry/r5/ResearchStudy")
    assert link(response.json(), "self") == "http://other.test:81/registry/r5/ResearchStudy"
