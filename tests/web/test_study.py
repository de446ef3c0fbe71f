"""The page of a study: what it is, its arms and its results with their sources."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from service.web import study as shown_by
from tests.support.asking import Fhir, study
from tests.support.tables import load, read, resources_of
from tests.web.test_studies import ATTACK, HOME, page

pytestmark = pytest.mark.anyio

TRIAL, STUDY = "study-20120215", "nct02393859"


def result(id_: str, of: str, **members: Any) -> dict[str, Any]:
    """An Evidence of a study, written by hand."""
    origin = {"type": "derived-from", "resourceReference": {"reference": f"ResearchStudy/{of}"}}
    variable = {"variableRole": {"text": "x"}}
    found = {"resourceType": "Evidence", "id": id_, "status": "active", "variableDefinition": [variable]}
    return {**found, "relatedArtifact": [origin], "statistic": [{"quantity": {"value": 7}}], **members}


async def test_a_seed_trial(fhir: Fhir) -> None:
    """Title, number, phase, status, arms, and each statistic with value, interval, source and place; links work."""
    await load(fhir, TRIAL)
    _, shown = await page(fhir, f"{HOME}study/{STUDY}")
    for text in (
        "Study 20120215",
        "NCT02393859",
        "Phase 3",
        "Active, not recruiting",
        "Amgen Inc.",
        "Experimental",
        "Efficacy",
        "Harms",
        "95% confidence interval 0.20 to 0.61",
        "Locatelli",
        "not reported",
        "Blinatumomab versus Chemotherapy",
    ):
        assert text in shown.text, text
    assert shown.tags.count("tbody") == 3
    assert shown.tags.count("tr") - 3 == sum(
        len(each["statistic"]) for each in resources_of(TRIAL, "Evidence").values()
    )
    for link in dict.fromkeys(shown.links):
        if not link.startswith("https://doi.org/10."):
            assert (await fhir.client.get(httpx.URL(HOME).join(link))).status_code == 200, link
    (csv,) = [link for link in shown.links if "$table" in link]
    rows = read((await fhir.client.get(httpx.URL(HOME).join(csv))).text)
    assert len(rows) == shown.tags.count("tr") - 3


async def test_results_in_pages_and_in_no_report(fhir: Fhir, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results that no report lists come last; links lead through all of them; what is after the end says so."""
    monkeypatch.setattr(shown_by, "RESULTS", 3)
    report = {"resourceType": "EvidenceReport", "id": "r", "status": "active", "subject": {"note": [{"text": "x"}]}}
    inner = {"title": "Inner", "entryReference": [{"reference": "Evidence/e4"}, {"reference": "Evidence/gone"}]}
    section = {"title": "Outer", "entryReference": [{"reference": "Evidence/e6"}], "section": [inner]}
    await fhir.store(study("a", result=[{"reference": "EvidenceReport/r"}]))
    await fhir.store(*(result(f"e{number}", "a", title=f"Result {number}") for number in range(7)))
    await fhir.store({**report, "section": [section]})
    seen: list[str] = []
    url: str | None = f"{HOME}study/a"
    while url is not None:
        _, shown = await page(fhir, url)
        seen += [word for word in shown.words if word.startswith(("Result ", "Outer", "Inner", "Other"))]
        following = [link for link in shown.links if "?from=" in link and link > url.removeprefix(HOME[:-1])]
        url = HOME.rstrip("/") + following[-1] if following else None
    assert seen[:5] == ["Outer", "Result 6", "Inner", "Result 4", "Other results"]
    assert sorted(word for word in seen if word.startswith("Result ")) == [f"Result {number}" for number in range(7)]
    assert "the first ones" in (await page(fhir, f"{HOME}study/a?from=500"))[1].text
    for broken in ("x", "-1", "", "99999999999999999999"):
        assert "Result 6" in (await page(fhir, f"{HOME}study/a?from={broken}"))[1].text


async def test_a_result_with_very_many_statistics(fhir: Fhir, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ones are shown, and how many more there are, with a link to all of them."""
    monkeypatch.setattr(shown_by, "STATISTICS", 3)
    many = [{"quantity": {"value": 1000 + number}} for number in range(5)]
    await fhir.store(study("a"), result("e", "a", statistic=many), result("f", "a", statistic=many[:3]))
    _, shown = await page(fhir, f"{HOME}study/a")
    assert [word for word in shown.words if word.startswith("100")] == ["1000", "1001", "1002"] * 2
    assert shown.text.count("more of this result") == 1
    (link,) = [link for link in shown.links if link.endswith("/Evidence/e/$table")]
    assert len(read((await fhir.client.get(httpx.URL(HOME).join(link))).text)) == 5


async def test_whatever_a_resource_says_is_text(fhir: Fhir) -> None:
    """Markup and template code in a study, a result and a publication are shown, not obeyed, and make no link."""
    paper = {"title": [{"text": ATTACK}], "identifier": [{"system": "https://doi.org", "value": "javascript:alert(1)"}]}
    citation = {"resourceType": "Citation", "id": "c", "status": "active", "title": ATTACK, "citedArtifact": paper}
    await fhir.store(
        citation,
        study(
            "x",
            title=ATTACK,
            description=ATTACK,
            condition=[{"text": ATTACK}],
            whyStopped={"text": ATTACK},
            comparisonGroup=[{"name": ATTACK, "description": ATTACK, "type": {"text": ATTACK}}],
            result=[{"reference": "Citation/c"}],
        ),
        result(
            "e",
            "x",
            title=ATTACK,
            citeAsReference={"reference": "Citation/c"},
            statistic=[
                {
                    "description": ATTACK,
                    "note": [{"text": ATTACK}],
                    "statisticType": {"text": ATTACK},
                    "category": {"text": ATTACK},
                    "quantity": {"value": 1, "unit": ATTACK},
                    "attributeEstimate": [{"description": ATTACK, "type": {"text": ATTACK}}],
                }
            ],
        ),
    )
    response, shown = await page(fhir, f"{HOME}study/x")
    assert shown.text.count("<script>alert(1)</script>") >= 15
    assert not {"script", "img", "iframe", "object"} & set(shown.tags)
    assert shown.handlers == []
    assert not any("javascript" in link for link in shown.links)
    assert "default-src 'none'" in response.headers["content-security-policy"]


async def test_what_is_not_there(fhir: Fhir) -> None:
    """A study that is unknown is 404 and one that was deleted 410, in words on a page; any text in the path is safe."""
    await fhir.store(study("a"))
    await fhir.delete("ResearchStudy/a")
    for path, status in {"a": 410, "b": 404, "%3Cscript%3E": 404, "a'b": 404}.items():
        response = await fhir.client.get(f"{HOME}study/{path}")
        assert response.status_code == status
        assert "<script>" not in response.text
        assert "All studies" in response.text
