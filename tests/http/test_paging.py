"""Paging of searches: https://hl7.org/fhir/R5/http.html#paging."""

from __future__ import annotations

import pytest

from tests.http.conftest import Configured
from tests.support.asking import Fhir, link, refused, study

pytestmark = pytest.mark.anyio


async def test_pages_to_the_end(fhir: Fhir) -> None:
    """http.html#paging: following next leads through all matches, each once, with the same total; the last has none."""
    await fhir.store(*(study(f"s{number}", status=("active", "draft")[number % 2]) for number in range(12)))
    expected = [f"s{number}" for number in range(0, 12, 2)]
    for count in (1, 2, 4, 5, 6, 7):
        pages = [page async for page in fhir.pages(f"ResearchStudy?status=active&_count={count}")]
        assert [entry["resource"]["id"] for page in pages for entry in page["entry"]] == expected
        assert [len(page["entry"]) for page in pages[:-1]] == [count] * (len(pages) - 1)
        assert {page["total"] for page in pages} == {6}
        assert len({link(page, "self") for page in pages}) == 1


async def test_pages_while_others_write(fhir: Fhir) -> None:
    """http.html#paging: a snapshot: creations, updates and deletions in between neither move nor repeat a match."""
    await fhir.store(*(study(f"s{number}") for number in range(10)))
    seen: list[str] = []
    titles: list[object] = []
    async for page in fhir.pages("ResearchStudy?status=active&_count=3"):
        seen += [entry["resource"]["id"] for entry in page["entry"]]
        titles += [entry["resource"].get("title") for entry in page["entry"]]
        assert page["total"] == 10
        await fhir.store(study(f"new{len(seen)}"), study("s9", title=f"changed {len(seen)}"))
        await fhir.store(study("s8", status="draft", title=f"{len(seen)}"))
        await fhir.delete("ResearchStudy/s7")
    assert seen == [f"s{number}" for number in range(10)]
    assert set(titles) == {None}


async def test_a_page_can_be_read_again(fhir: Fhir) -> None:
    """http.html#paging: a link is a place, not a cursor: it leads to the same page each time."""
    await fhir.store(*(study(id_) for id_ in "abcd"))
    following = link((await fhir.get("ResearchStudy?_count=2")).json(), "next")
    assert following is not None
    first = (await fhir.get(following)).content
    await fhir.store(study("e"))
    assert (await fhir.get(following)).content == first


async def test_a_page_that_was_tampered_with_is_refused(fhir: Fhir) -> None:
    """http.html#paging: links are opaque: a seal that was altered, cut or made up is refused with 400."""
    await fhir.store(*(study(id_) for id_ in "abcd"))
    following = link((await fhir.get("ResearchStudy?_count=2")).json(), "next")
    assert following is not None
    head, _, seal = following.partition("_page=")
    for forged in (
        "",
        "x",
        ".",
        "%00",
        "%C3%A9",
        seal[:-1],
        seal + "A",
        seal[1:],
        ("A" if seal[0] != "A" else "B") + seal[1:],
        seal.rpartition(".")[0],
        seal.rpartition(".")[2],
        seal.swapcase(),
        "." + seal,
        "x" * 10_000,
    ):
        refused(await fhir.get(f"{head}_page={forged}"), 400, "invalid", "_page")


async def test_a_page_belongs_to_its_search(fhir: Fhir) -> None:
    """http.html#paging: the page of one search is no page of another: parameters cannot be exchanged under it."""
    await fhir.store(*(study(id_) for id_ in "abcd"))
    following = link((await fhir.get("ResearchStudy?_count=2&status=active")).json(), "next")
    assert following is not None
    seal = following.partition("_page=")[2]
    for other in (
        "ResearchStudy?_count=2",
        "ResearchStudy?_count=3&status=active",
        "ResearchStudy?_count=2&status=draft",
        "ResearchStudy?status=active&_count=2",
        "ResearchStudy?_count=2&status=active&_id=a",
        "ResearchStudy?_count=2&status=active&_total=none",
        "Evidence?_count=2&status=active",
        "?_count=2",
    ):
        refused(await fhir.get(f"{other}&_page={seal}"), 400, "invalid", "_page")
    refused(await fhir.get(f"{following}&_page={seal}"), 400, "invalid", "_page")


async def test_page_sizes(configured: Configured) -> None:
    """http.html#paging: without _count a page has the setting's size, and never more than the setting's most."""
    fhir = configured(page_size=2, max_page_size=3)
    await fhir.store(*(study(id_) for id_ in "abcde"))
    for path in ("ResearchStudy", "_history", "ResearchStudy/_history", ""):
        assert len((await fhir.get(path)).json()["entry"]) == 2
        assert len((await fhir.get(f"{path}?_count=100")).json()["entry"]) == 3
        assert len((await fhir.get(f"{path}?_count=1")).json()["entry"]) == 1
        pages = [page async for page in fhir.pages(f"{path}?_count=100")]
        assert sum(len(page["entry"]) for page in pages) == 5


async def test_another_process_can_go_on(configured: Configured) -> None:
    """A page link is good for every process of the same registry: a load balancer may send it anywhere."""
    one, two = configured(), configured()
    await one.store(*(study(id_) for id_ in "abc"))
    following = link((await one.get("ResearchStudy?_count=2")).json(), "next")
    assert following is not None
    assert [entry["resource"]["id"] for entry in (await two.get(following)).json()["entry"]] == ["c"]


async def test_total_is_not_counted_where_it_is_not_wanted(fhir: Fhir) -> None:
    """search.html#total: none holds for every page."""
    await fhir.store(*(study(id_) for id_ in "abc"))
    pages = [page async for page in fhir.pages("ResearchStudy?_count=1&_total=none")]
    assert [page.get("total") for page in pages] == [None, None, None]


async def test_links_carry_the_form_of_the_answer(fhir: Fhir) -> None:
    """http.html#paging: who asked for an indented page in a format gets the next one the same way."""
    await fhir.store(study("a"), study("b"))
    for path in ("ResearchStudy", "ResearchStudy/_history"):
        bundle = (await fhir.get(f"{path}?_count=1&_format=json&_pretty=true")).json()
        for each in bundle["link"]:
            assert "_format=json" in each["url"]
            assert "_pretty=true" in each["url"]
