"""The case table of search: what ``tests/cases/search/*.yaml`` says, asked over HTTP of every store.

A file has the resources ``given``, what happens to them ``then`` (a resource is put, ``delete: Type/id`` deletes), and
``cases``. A case has a ``rule`` (the sentence of the specification that it pins), a ``search``, and what comes of it:

* ``finds``: the matches, ``Type/id``, or only the id where it is of the type that is searched; a text is split at
  spaces. What is expected may also be a table of searches and what comes of each, which makes each row a case;
* ``ordered``: they come in this order; ``pages``: the pages that the next links lead through;
* ``includes``: what is brought along; ``total``: the total of the Bundle, null where it has none;
* ``members``: the names of the members of every match; ``tagged``: whether every match is marked as a part;
* ``scored``: every match has a score;
* ``self``: the search that the self link repeats;
* ``refused``: the status of an OperationOutcome, in which each word of ``names`` stands.

A search is written decoded: the runner encodes it, unless the case is ``raw``. ``{t0}`` is an instant after ``given``,
``{t1}`` one after the first step of ``then``, and so on; ``{before}`` is one before all. ``post`` asks by POST,
``lenient`` with that preference.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, quote

import httpx
import pytest
import yaml

from service.compose import create_app_over
from service.fhir.json import JsonNumber, dumps
from service.settings import Settings
from tests.support import mongo
from tests.support.asking import BASE, Fhir, Json, link, outcome
from tests.support.stores import Kind, open_at

pytestmark = pytest.mark.anyio

TABLES: Final = sorted((Path(__file__).parents[1] / "cases" / "search").glob("*.yaml"))
EXPECTATIONS: Final = frozenset(
    {"finds", "includes", "total", "members", "tagged", "scored", "self", "refused", "pages", "ordered", "names"}
)
WAYS: Final = frozenset({"rule", "search", "raw", "post", "lenient"})
PAUSE: Final = 0.02
"""Seconds between the steps of a table, so that each instant lies between two of them."""


class Loader(yaml.SafeLoader):
    """YAML in which a number keeps its digits, a date is text, and no key comes twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse what would otherwise lose a case without a word."""
        keys = [key.value for key, _ in node.value]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} comes twice{node.start_mark}")
        return super().construct_mapping(node, deep)


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _number(loader: Loader, node: yaml.ScalarNode) -> JsonNumber:
    return JsonNumber(str(loader.construct_scalar(node)))


Loader.add_constructor("tag:yaml.org,2002:float", _number)


@dataclass(frozen=True, slots=True)
class Case:
    """A search, the rule that it pins, and what is expected of it."""

    table: str
    rule: str
    search: str
    expected: dict[str, Any]
    raw: bool = False
    post: bool = False
    lenient: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A file of cases with the resources that they are asked of."""

    name: str
    given: list[Json]
    then: list[Json]
    cases: list[Case] = field(default_factory=list)


def read(path: Path) -> Table:
    """Return the table of a file."""
    content = yaml.load(path.read_text(), Loader)
    table = Table(path.stem, content.get("given") or [], content.get("then") or [])
    for entry in content["cases"]:
        table.cases.extend(_cases(path.stem, entry))
    return table


def _cases(table: str, entry: Json) -> Iterator[Case]:
    unknown = entry.keys() - EXPECTATIONS - WAYS
    assert not unknown, f"{table}: {sorted(unknown)} in {entry}"
    ways = {name: entry[name] for name in ("raw", "post", "lenient") if name in entry}
    expected = {name: entry[name] for name in EXPECTATIONS if name in entry}
    if "search" in entry:
        yield Case(table, entry["rule"], entry["search"], expected, **ways)
        return
    (what, rows), others = _rows(expected), {k: v for k, v in expected.items() if not isinstance(v, dict)}
    for search, value in rows.items():
        yield Case(table, entry["rule"], search, {**others, what: value}, **ways)


def _rows(expected: Json) -> tuple[str, Json]:
    found = [(name, value) for name, value in expected.items() if isinstance(value, dict)]
    assert len(found) == 1, f"one table of searches is expected in {expected}"
    return found[0]


ALL: Final = [read(path) for path in TABLES]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A server that has what a table gives, and the instants of its steps."""

    fhir: Fhir
    instants: dict[str, str]


@dataclass(slots=True)
class Servers:
    """One server at a time: that of the table whose cases are being asked.

    A parametrised fixture of the module would be made anew for each case, since each is a parameter of its own.
    """

    paths: pytest.TempPathFactory
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    current: tuple[str, str] | None = None
    loaded: Loaded | None = None

    async def of(self, kind: str, table: Table, request: pytest.FixtureRequest) -> Loaded:
        """Return the server with a table on a kind of store."""
        if self.loaded is None or self.current != (kind, table.name):
            await self.close()
            fhir = await self._serve(kind, request)
            self.current, self.loaded = (kind, table.name), Loaded(fhir, await _load(fhir, table))
        return self.loaded

    async def close(self) -> None:
        """Close the server that there is."""
        self.current = self.loaded = None
        await self.stack.aclose()

    async def _serve(self, kind: str, request: pytest.FixtureRequest) -> Fhir:
        store = await open_at(*self._place(kind, request))
        self.stack.push_async_callback(store.close)
        transport = httpx.ASGITransport(create_app_over(store, Settings(base_url=BASE)), raise_app_exceptions=True)
        client = await self.stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=BASE))
        return Fhir(client)

    def _place(self, kind: str, request: pytest.FixtureRequest) -> tuple[Kind, str]:
        if kind == "sqlite":
            return "sqlite", str(self.paths.mktemp("cases") / "registry.db")
        server: mongo.Server | None = request.getfixturevalue("mongo_session")
        if server is None:
            mongo.missing()
            raise AssertionError
        name = mongo.new_database()
        self.stack.callback(server.drop, name)
        return "mongo" if server.mode == "on" else "mongo-single-writer", server.database(name)


@pytest.fixture(scope="module")
async def servers(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[Servers]:
    """The servers of the tables, one after the other."""
    del anyio_backend
    found = Servers(tmp_path_factory)
    yield found
    await found.close()


async def _load(fhir: Fhir, table: Table) -> dict[str, str]:
    instants = {"before": _now()}
    await asyncio.sleep(PAUSE)
    for resource in table.given:
        await _put(fhir, resource)
    for number, step in enumerate([None, *table.then]):
        if step is not None and "delete" in step:
            response = await fhir.delete(step["delete"])
            assert response.status_code == 204, response.text
        elif step is not None:
            await _put(fhir, step)
        await asyncio.sleep(PAUSE)
        instants[f"t{number}"] = _now()
        await asyncio.sleep(PAUSE)
    return instants


async def _put(fhir: Fhir, resource: Json) -> None:
    response = await fhir.put(f"{resource['resourceType']}/{resource['id']}", dumps(resource))
    assert response.status_code in (200, 201), f"{resource['id']}: {response.text}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _parameters() -> Iterator[Any]:
    for kind in ("sqlite", "mongo"):
        for table in ALL:
            for case in table.cases:
                yield pytest.param(kind, table, case, id=f"{kind}-{table.name}-{case.search}")


@pytest.mark.parametrize(("kind", "table", "case"), list(_parameters()))
async def test_case(servers: Servers, kind: str, table: Table, case: Case, request: pytest.FixtureRequest) -> None:
    """search.html: each case of the table comes out as the sentence that it pins says."""
    loaded = await servers.of(kind, table, request)
    search = case.search
    for name, instant in loaded.instants.items():
        search = search.replace(f"{{{name}}}", instant)
    response = await _ask(loaded.fhir, case, search)
    try:
        await _check(loaded.fhir, case, search, response)
    except AssertionError as problem:
        pytest.fail(f"{case.rule}\n{case.search}\n{problem}", pytrace=False)


async def _ask(fhir: Fhir, case: Case, search: str) -> httpx.Response:
    path, _, query = search.partition("?")
    encoded = query if case.raw else "&".join(map(_encode, query.split("&"))) if query else ""
    prefer = {"Prefer": "handling=lenient"} if case.lenient else {}
    if case.post:
        form = "application/x-www-form-urlencoded"
        where = f"{path}/_search" if path else "_search"
        return await fhir.post(where, encoded.encode(), Content_Type=form, **prefer)
    return await fhir.get(f"{path}?{encoded}" if encoded else path, **prefer)


def _encode(pair: str) -> str:
    name, equals, value = pair.partition("=")
    return f"{quote(name, safe=':*')}{equals}{quote(value, safe='')}"


async def _check(fhir: Fhir, case: Case, search: str, response: httpx.Response) -> None:
    expected = case.expected
    if "refused" in expected:
        _check_refusal(response, expected["refused"], _words(expected.get("names")))
        return
    assert response.status_code == 200, response.text
    bundle = response.json()
    type_ = search.partition("?")[0]
    assert bundle["type"] == "searchset"
    matches, included = _entries(bundle, "match"), _entries(bundle, "include")
    everything = [*matches, *included]
    assert len(everything) == len(set(everything)), f"an entry comes twice: {everything}"
    if "finds" in expected:
        _compare("finds", _full(type_, expected["finds"]), matches, ordered=expected.get("ordered", False))
        if "_count" not in search and "_summary" not in search and "_maxresults" not in search:
            assert bundle.get("total", len(matches)) == len(matches)
    _compare("includes", _full(type_, expected.get("includes")), included, ordered=False)
    if "total" in expected:
        assert bundle.get("total") == expected["total"], f"total {bundle.get('total')}"
    if "self" in expected:
        _check_self(bundle, expected["self"])
    if "pages" in expected:
        pages = [_entries(page, "match") async for page in fhir.pages(str(response.request.url))]
        assert pages == [_full(type_, page) for page in expected["pages"]], f"pages {pages}"
    _check_parts(bundle, expected)


def _check_refusal(response: httpx.Response, status: int, names: list[str]) -> None:
    assert response.status_code == status, f"{response.status_code}: {response.text[:500]}"
    issues = outcome(response)
    said = " ".join([*(each["diagnostics"] for each in issues), *(e for i in issues for e in i.get("expression", ()))])
    assert [name for name in names if name not in said] == [], f"not named in: {said}"


def _check_self(bundle: Json, expected: str) -> None:
    own = link(bundle, "self")
    assert own is not None
    path, _, query = own.removeprefix(BASE).removeprefix("/").partition("?")
    wanted_path, _, wanted = expected.partition("?")
    assert path == wanted_path, own
    found = parse_qsl(query, keep_blank_values=True)
    assert found == [tuple(pair.split("=", 1)) for pair in wanted.split("&") if pair], f"self {found}"


def _check_parts(bundle: Json, expected: Json) -> None:
    entries = [entry for entry in bundle.get("entry", ()) if entry["search"]["mode"] == "match"]
    for entry in entries:
        resource = entry["resource"]
        if "members" in expected:
            assert sorted(resource) == sorted(_words(expected["members"])), f"members {sorted(resource)}"
        if "tagged" in expected:
            tags = [tag["code"] for tag in resource.get("meta", {}).get("tag", ())]
            assert ("SUBSETTED" in tags) == expected["tagged"], f"tags {tags}"
        if "scored" in expected:
            assert ("score" in entry["search"]) == expected["scored"], entry["search"]


def _entries(bundle: Json, mode: str) -> list[str]:
    entries = [entry for entry in bundle.get("entry", ()) if entry["search"]["mode"] == mode]
    return [f"{entry['resource']['resourceType']}/{entry['resource']['id']}" for entry in entries]


def _compare(what: str, expected: list[str], found: list[str], *, ordered: bool) -> None:
    missing, surplus = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    assert (missing, surplus) == ([], []), f"{what}: missing {missing}, surplus {surplus}"
    if ordered:
        assert expected == found, f"{what}: in the order {found}"


def _words(value: object) -> list[str]:
    if value is None:
        return []
    return value.split() if isinstance(value, str) else [str(each) for each in value]  # type: ignore[attr-defined]


def _full(type_: str, value: object) -> list[str]:
    return [name if "/" in name else f"{type_}/{name}" for name in _words(value)]


def test_there_are_enough_cases() -> None:
    """Issue 4, part 8: at least 600 cases."""
    assert sum(len(table.cases) for table in ALL) >= 600


def test_every_case_says_what_it_pins() -> None:
    """A case has a rule that names a page of the specification, or says that the rule is our own."""
    for table in ALL:
        for case in table.cases:
            assert ".html" in case.rule or case.rule.startswith("ours:"), case
            assert len(case.rule) > 20, case
            assert case.expected, case


def test_no_case_comes_twice() -> None:
    """Each search of a table, in each way of asking, stands there once."""
    for table in ALL:
        asked = [(case.search, case.post, case.lenient, case.raw) for case in table.cases]
        assert sorted({each for each in asked if asked.count(each) > 1}) == []


def test_given_resources_have_readable_ids_of_their_own() -> None:
    """No resource is given twice: what changes comes ``then``."""
    for table in ALL:
        names = [f"{resource['resourceType']}/{resource['id']}" for resource in table.given]
        assert len(names) == len(set(names)), table.name


def test_a_case_that_is_wrong_fails() -> None:
    """The runner itself: what is missing, surplus, out of order or not named is told."""
    with pytest.raises(AssertionError, match="missing"):
        _compare("finds", ["a", "b"], ["a"], ordered=False)
    with pytest.raises(AssertionError, match="surplus"):
        _compare("finds", [], ["a"], ordered=False)
    with pytest.raises(AssertionError, match="in the order"):
        _compare("finds", ["a", "b"], ["b", "a"], ordered=True)
    with pytest.raises(AssertionError, match="self"):
        _check_self({"link": [{"relation": "self", "url": f"{BASE}/Patient?a=1"}]}, "Patient?a=2")
    with pytest.raises(AssertionError, match="members"):
        _check_parts({"entry": [{"search": {"mode": "match"}, "resource": {"id": "a"}}]}, {"members": "id name"})
    with pytest.raises(AssertionError, match="tags"):
        _check_parts({"entry": [{"search": {"mode": "match"}, "resource": {"id": "a"}}]}, {"tagged": True})
    with pytest.raises(AssertionError, match="unexpected"):
        list(_cases("x", {"rule": "r", "search": "s", "unexpected": 1}))
    with pytest.raises(ValueError, match="comes twice"):
        yaml.load("{a: 1, b: 2, a: 3}", Loader)
