"""The first page: the studies with status, phase, arms and number of results."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from tests.support.asking import Fhir, study

pytestmark = pytest.mark.anyio

HOME = "http://registry.test/"
SEEDS = Path(__file__).parents[2] / "seed_bundles"
ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}"


class Page(HTMLParser):
    """The elements, links and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.handlers: list[str] = []
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag, where it leads, and the handlers of events that it has."""
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.words.append(data)


async def page(fhir: Fhir, url: str = HOME) -> tuple[httpx.Response, Page]:
    """Ask for a page."""
    response = await fhir.client.get(url)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return response, Page(response.text)


async def walk(fhir: Fhir) -> list[str]:
    """Follow the link at the end of each page, and return the links to studies."""
    seen: list[str] = []
    url: str | None = HOME
    while url is not None:
        response, shown = await page(fhir, url)
        seen += [link for link in shown.links if link.startswith("/study/")]
        following = [link for link in shown.links if f'class="more" href="{escape(link)}"' in response.text]
        url = HOME.rstrip("/") + following[0] if following else None
    return seen


async def test_an_empty_registry(fhir: Fhir) -> None:
    """The page says that there is nothing yet, and how to bring something."""
    _, shown = await page(fhir)
    assert "There is no study here yet" in shown.text
    assert "table" not in shown.tags


async def test_what_is_shown_of_a_study(fhir: Fhir) -> None:
    """Title, identifiers, status, phase, arms and results, each leading to the page of the study."""
    await fhir.store(
        study(
            "a",
            title="A trial",
            nct="NCT1",
            label=[{"type": {"coding": [{"code": "acronym"}], "text": "Acronym"}, "value": "TRIAL"}],
            phase={"coding": [{"code": "phase-3", "display": "Phase 3"}]},
            progressStatus=[{"state": {"text": "Completed"}, "actual": True}],
            comparisonGroup=[{"name": "Arm one"}, {"name": "Arm two"}],
        ),
        study("b"),
    )
    _, shown = await page(fhir)
    for text in ("2 studies", "A trial", "NCT1", "TRIAL", "Completed", "Phase 3", "Arm one", "Arm two", "not stated"):
        assert text in shown.text
    assert "active" in shown.text
    for link in shown.links:
        response = await fhir.client.get(httpx.URL(HOME).join(link))
        assert (link, response.status_code) == (link, 200)
    assert "/study/a" in shown.links


async def test_the_seeds(fhir: Fhir) -> None:
    """Those with results come first, then those without; links lead through all of them, each once, to their pages."""
    bundles = sorted(SEEDS.glob("*.json"))
    assert bundles
    for bundle in bundles:
        assert (await fhir.post("", bundle.read_bytes())).status_code == 200
    total = len(bundles)
    _, shown = await page(fhir)
    assert "44 with results" in shown.text
    assert f"{total - 44} without results" in shown.text
    for number in ("NCT02187354", "NCT02393859"):
        assert number in shown.text
    studies = await walk(fhir)
    assert len(studies) == len(set(studies)) == total
    with_results = await fhir.ids("ResearchStudy?has-results=true&_count=100")
    assert {*studies[:44]} == {f"/study/{id_}" for id_ in with_results}
    for link in studies:
        assert (await fhir.client.get(httpx.URL(HOME).join(link))).status_code == 200, link


async def test_whatever_a_resource_says_is_text(fhir: Fhir) -> None:
    """Markup and template code in a resource are shown, not obeyed."""
    await fhir.store(
        study(
            "x",
            title=ATTACK,
            label=[{"type": {"text": "Acronym"}, "value": ATTACK}],
            identifier=[{"value": ATTACK}],
            phase={"text": ATTACK},
            progressStatus=[{"state": {"text": ATTACK}}],
            comparisonGroup=[{"name": ATTACK}],
        )
    )
    _, shown = await page(fhir)
    assert shown.text.count(" ".join(ATTACK.split())) == 6
    assert not {"script", "img", "iframe", "object"} & set(shown.tags)
    assert shown.handlers == []


async def test_references_of_every_kind(fhir: Fhir) -> None:
    """A result that is elsewhere, has a version, or is only described is counted as none and breaks nothing."""
    report = {"resourceType": "EvidenceReport", "id": "r", "status": "active", "subject": {"note": [{"text": "x"}]}}
    references = [
        {"reference": "EvidenceReport/r"},
        {"reference": "EvidenceReport/missing"},
        {"reference": "EvidenceReport/r/_history/1"},
        {"reference": "https://elsewhere.test/EvidenceReport/r"},
        {"reference": "#x"},
        {"display": "only words"},
    ]
    contained = [
        {"resourceType": "EvidenceReport", "id": "x", "status": "active", "subject": {"note": [{"text": "x"}]}}
    ]
    await fhir.store(report, study("a", result=references, contained=contained))
    await fhir.store({**report, "id": "gone"}, study("b", result=[{"reference": "EvidenceReport/gone"}]))
    await fhir.delete("EvidenceReport/gone")
    _, shown = await page(fhir)
    assert "2 with results" in shown.text
    for link in ("study/a", "study/b"):
        assert "None yet." in (await page(fhir, HOME + link))[1].text


async def test_security_headers(fhir: Fhir) -> None:
    """No script, no frame, no referrer, no guessing of types."""
    response, _ = await page(fhir)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"


async def test_more_studies_than_fit(fhir: Fhir) -> None:
    """Links lead through all studies, each once; a broken link leads to the first page."""
    entries = [
        {"resource": study(f"s{number:03}"), "request": {"method": "PUT", "url": f"ResearchStudy/s{number:03}"}}
        for number in range(120)
    ]
    await fhir.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    seen = await walk(fhir)
    assert len(seen) == len(set(seen)) == 120
    first = (await fhir.client.get(HOME)).text
    for broken in ("x", "", "%00", "a&page=b", "%FF"):
        assert (await fhir.client.get(f"{HOME}?page={broken}")).text == first


async def test_what_is_no_page(fhir: Fhir) -> None:
    """The style is served, nothing outside of its folder is, and what is not there is 404."""
    assert (await fhir.client.get(f"{HOME}static/registry.css")).headers["content-type"].startswith("text/css")
    for path in ("nothing", "static/", "static/nothing.css", "static/%2e%2e/pages.py", "static/..%2fpages.py"):
        assert (await fhir.client.get(HOME + path)).status_code == 404
    assert (await fhir.client.post(HOME)).status_code == 405
