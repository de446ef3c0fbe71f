"""Questions to a registry: does each value of its resources find them, and nothing else?

Every way of asking for a value (:mod:`tools.value_searches`) is a question once, with all the resources that must be
found; so is, for every parameter and type, ``:missing``. What one resource answers is asked together, with "and", among
nothing but this resource. Where equality is asked for, nothing else may be found; of other questions the counterparts
are asked, with "or", which must find nothing. Where that goes wrong, each question is asked by itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import httpx

from service.compose import create_app_over
from service.fhir.json import dumps
from service.search.parameters import Catalogue, Parameter
from service.settings import MEBIBYTE, Settings
from service.store.base import Store
from tools.oracle import Json, Pair
from tools.value_searches import Elements, Search, searches, tuple_searches

BASE: Final = "http://registry.test/fhir"
BATCH: Final = 100
"""Searches in one request, more or less."""
TOGETHER: Final = 20
"""Questions in one search."""


@dataclass(frozen=True, slots=True)
class Extract:
    """What a parameter finds in a resource: values, or for a composite the elements."""

    file: str
    type: str
    id: str
    parameter: Parameter
    values: Sequence[Pair] = ()
    elements: Elements | tuple[()] = ()

    def each(self) -> Iterator[list[Search]]:
        """The searches that each value answers; those of all elements of a composite together."""
        if self.parameter.type == "composite":
            yield list(dict.fromkeys(tuple_searches(self.parameter, list(self.elements))))
        for fhir_type, value in self.values:
            yield list(dict.fromkeys(searches(self.parameter, fhir_type, value)))


@dataclass(frozen=True, slots=True)
class Question:
    """A search of a type, and the ids of the resources that must be found."""

    type: str
    parameter: Parameter
    search: Search
    ids: frozenset[str]

    @property
    def equality(self) -> bool:
        """Whether nothing else may be found. To be missing or not is asked of all resources of the type anyway."""
        return not self.search.nothing and self.search.modifier != "missing"


@dataclass(frozen=True, slots=True)
class Request:
    """A search of one type: for questions that one resource answers, for all that answers one, or for nothing."""

    questions: tuple[Question, ...]
    id: str | None = None
    nothing: bool = False

    @property
    def expected(self) -> frozenset[str]:
        """The ids that must be found."""
        if self.id is not None:
            return frozenset((self.id,))
        return frozenset() if self.nothing else self.questions[0].ids

    @property
    def url(self) -> str:
        """The search, relative to the base."""
        first = self.questions[0]
        if self.nothing:
            criteria = [(first.search.name, ",".join(each.search.nothing for each in self.questions))]
        elif self.id is None:
            criteria = [(first.search.name, first.search.text)]
        else:
            criteria = [("_id", self.id), *((each.search.name, each.search.text) for each in self.questions)]
        return f"{first.type}?{urlencode(criteria)}"

    def singly(self) -> Iterator[Request]:
        """The same for each question."""
        for question in self.questions:
            yield Request((question,), self.id, self.nothing)


@dataclass(frozen=True, slots=True)
class Difference:
    """A question that was not answered as it must be: what was found too little or too much, or an error."""

    question: Question
    url: str
    lacking: frozenset[str]
    besides: frozenset[str]
    error: str = ""


def indexed(catalogue: Catalogue, type_: str) -> list[Parameter]:
    """The parameters of a type that have values of a resource's own: all that are extracted but ``_in`` and words."""
    known = catalogue.for_type(type_).values()
    return [each for each in known if (each.indexed or each.code == "_id") and not each.words]


def questions(extracts: Iterable[Extract], ids: dict[str, frozenset[str]], catalogue: Catalogue) -> list[Question]:
    """Return each search once, with all that it must find; ``ids`` has the resources by type."""
    found: dict[tuple[str, Search], set[str]] = {}
    parameters: dict[tuple[str, str], Parameter] = {}
    having: dict[tuple[str, str], set[str]] = {}
    for extract in extracts:
        parameters[extract.type, extract.parameter.code] = extract.parameter
        if extract.values or any(all(element) for element in extract.elements):
            having.setdefault((extract.type, extract.parameter.code), set()).add(extract.id)
        for answered in extract.each():
            for search in answered:
                found.setdefault((extract.type, search), set()).add(extract.id)
    asked = [Question(t, parameters[t, search.code], search, frozenset(held)) for (t, search), held in found.items()]
    for type_, of_type in ids.items():
        for parameter in indexed(catalogue, type_):
            if parameter.indexed:
                held = frozenset(having.get((type_, parameter.code), ()))
                asked.append(Question(type_, parameter, Search(parameter.code, "missing", "false"), held))
                asked.append(Question(type_, parameter, Search(parameter.code, "missing", "true"), of_type - held))
    return asked


async def write(client: httpx.AsyncClient, content: Iterable[tuple[str, Json]]) -> dict[str, int]:
    """PUT resources under their ids, and return file name -> status of those that are refused."""
    refused = {}
    for file, resource in content:
        answer = await client.put(
            f"/{resource['resourceType']}/{resource['id']}",
            content=dumps(resource),
            headers={"Content-Type": "application/fhir+json"},
        )
        if answer.status_code != 201:
            refused[file] = answer.status_code
    return refused


def requests(asked: Iterable[Question]) -> Iterator[Request]:
    """Yield the searches that ask all questions, as few as can be."""
    of_resource: dict[tuple[str, str], list[Question]] = {}
    of_name: dict[tuple[str, str], dict[str, Question]] = {}
    for question in asked:
        for id_ in question.ids:
            of_resource.setdefault((question.type, id_), []).append(question)
        if question.equality:
            yield Request((question,))
        elif nothing := question.search.nothing:
            of_name.setdefault((question.type, question.search.name), {}).setdefault(nothing, question)
    for (_, id_), answered in of_resource.items():
        for some in _parts(answered):
            yield Request(some, id_)
    for different in of_name.values():
        for some in _parts(list(different.values())):
            yield Request(some, nothing=True)


def _parts(asked: Sequence[Question]) -> Iterator[tuple[Question, ...]]:
    for start in range(0, len(asked), TOGETHER):
        yield tuple(asked[start : start + TOGETHER])


async def ask(client: httpx.AsyncClient, asked: Iterable[Request]) -> AsyncIterator[Difference]:
    """Yield what is wrong with the answers."""
    waiting = list(asked)
    for start in range(0, len(waiting), BATCH):
        some = waiting[start : start + BATCH]
        answers = await _batch(client, [f"{each.url}&_summary=count" for each in some])
        for request, answer in zip(some, answers, strict=True):
            if answer.get("total") == len(request.expected):
                continue
            if len(request.questions) > 1:
                async for difference in ask(client, request.singly()):
                    yield difference
            else:
                yield await _difference(client, request, answer)


async def _difference(client: httpx.AsyncClient, request: Request, answer: Json) -> Difference:
    """Ask again, for the resources themselves."""
    [question], url = request.questions, request.url
    if "total" not in answer:
        return Difference(question, url, request.expected, frozenset(), dumps(answer).decode())
    [page] = await _batch(client, [f"{url}&_elements=id&_count=1000"])
    found = frozenset(entry["resource"]["id"] for entry in page.get("entry", ()))
    return Difference(question, url, request.expected - found, found - request.expected)


async def _batch(client: httpx.AsyncClient, urls: list[str]) -> list[Json]:
    """The Bundle of each search, or its OperationOutcome."""
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    answer = await client.post("", content=dumps(bundle), headers={"Content-Type": "application/fhir+json"})
    answer.raise_for_status()
    return [entry.get("resource") or entry["response"]["outcome"] for entry in answer.json().get("entry", ())]


def client_of(store: Store) -> httpx.AsyncClient:
    """A client of the application over a store, which takes also what breaks an invariant: it can be found as well."""
    app = create_app_over(store, Settings(max_body_size=64 * MEBIBYTE, validation="off"))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE, timeout=600)
