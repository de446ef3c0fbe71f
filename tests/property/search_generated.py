"""Resources and searches that nobody has thought of, of few values, so that they meet often.

Whatever is an id ends with :data:`SUFFIX`, which the test replaces by the number of the example: so one store holds
many examples, and each is searched with its own tag.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from service.fhir.json import JsonNumber
from tests.property.search_model import PARAMETERS
from tests.property.search_values import UCUM

Json = dict[str, Any]
Pairs = list[tuple[str, str]]

SUFFIX: Final = "~"
BASE: Final = "http://registry.test/fhir"
OTHER: Final = "http://other.test/fhir"
SYSTEMS: Final = ["http://s.test/1", "http://s.test/2"]
CODES: Final = ["a", "a", "a", "A", "b", "a,b", "a|b", "é"]
TEXTS: Final = ["Alpha", "alpha beta", "Beta, Alpha", "ÁLPHA", "alphabet"]
NAMES: Final = ["Smith", "smith", "Smíth-Jones", "O'Neil", "van der Berg", "Jones", "Straße", "ONeil Smith"]
ASKED_NAMES: Final = [*NAMES, "s", "SMI", "jon", "der", "berg", "neil", "o’neil", "strasse", "van d", "é", "th-j"]
DATES: Final = ["2019", "2020", "2020-02", "2020-03", "2020-02-29", "2020-03-01", "2020-12-31", "2031-01"]
TIMES: Final = [
    "2020-02-29T23:30:00Z",
    "2020-03-01T00:30:00+02:00",
    "2020-02-29T23:30:00.000Z",
    "2020-12-31T23:59:59-05:00",
    "2020-02-29T18:30:00-05:00",
]
NUMBERS: Final = ["0", "0.005", "0.5", "1", "1.0", "4.95", "5", "5.0", "5.04", "5.4", "5.5", "50", "-5", "1e1"]
ASKED_NUMBERS: Final = [*NUMBERS, "5.00", "5e0", "0.0050", "500", "5000", "4.5", "1e0"]
UNITS: Final = ["kg", "g", "mg", "cm", "m", "%", "1"]
HOMEMADE: Final = "http://units.test"
URLS: Final = ["http://v.test/a", "http://v.test/a/b", "http://v.test/ab", "http://v.test/a/b/c", "urn:oid:1.2"]
VERSIONS: Final = ["1.0", "1.1", "B"]
PREFIXES: Final = ["", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]
LETTERS: Final = {"Patient": "p", "Organization": "o", "Observation": "b", "RiskAssessment": "r", "ValueSet": "v"}

BOOLEAN: Final = frozenset({"active"})
IDENTIFIER: Final = frozenset({"identifier"})
BOUND: Final = {
    "gender": ["male", "female", "other"],
    "status": ["final", "amended", "active", "draft"],
    "version": VERSIONS,
}
TARGETS: Final = {
    ("Patient", "general-practitioner"): ["Organization"],
    ("Patient", "link"): ["Patient"],
    ("Patient", "organization"): ["Organization"],
    ("Organization", "partof"): ["Organization"],
    ("Observation", "has-member"): ["Observation"],
    ("Observation", "subject"): ["Patient", "Organization"],
    ("RiskAssessment", "subject"): ["Patient"],
}
SORTED: Final = {
    type_: ["_id", *(code for code, each in known.items() if each.kind != "composite")]
    for type_, known in PARAMETERS.items()
}


@dataclass(frozen=True, slots=True)
class Search:
    """A search of one type."""

    type: str
    pairs: Pairs

    def of(self, serial: str) -> Search:
        """The search with the ids and the tag of one example."""
        pairs = [(name, text.replace(SUFFIX, serial)) for name, text in self.pairs]
        return Search(self.type, [*pairs, ("_tag", f"x{serial}")])


def some(strategy: st.SearchStrategy[Any], most: int = 2) -> st.SearchStrategy[list[Any]]:
    """One or a few values."""
    return st.lists(strategy, min_size=1, max_size=most)


def members(required: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """An object; an empty one is not FHIR."""
    return st.fixed_dictionaries(required, optional=optional).filter(bool)


# Resources

codes: Final = st.sampled_from(CODES)
texts: Final = st.sampled_from(TEXTS)
names: Final = st.sampled_from(NAMES)
systems: Final = st.sampled_from(SYSTEMS)
numbers: Final = st.sampled_from(NUMBERS).map(JsonNumber)
dates: Final = st.sampled_from(DATES + TIMES)
codings: Final = members({}, system=systems, code=codes, display=texts)
concepts: Final = members({}, coding=some(codings), text=texts)
identifiers: Final = members({}, system=systems, value=codes)
ucum: Final = st.sampled_from(UNITS).map(lambda code: {"system": UCUM, "code": code, "unit": f"unit {code}"})
units: Final = ucum | st.sampled_from(
    [{}, {"unit": "mg"}, {"unit": "drops"}, {"system": HOMEMADE, "code": "mg", "unit": "mg"}]
)
comparators: Final = st.sampled_from([{}, {}, {}, {"comparator": "<"}, {"comparator": ">="}, {"comparator": ">"}])
quantities: Final = st.tuples(numbers, units, comparators).map(lambda each: {"value": each[0], **each[1], **each[2]})
measured: Final = quantities | ucum  # a quantity may have a unit and no value
periods: Final = members({}, start=st.sampled_from(DATES[:4]), end=st.sampled_from(DATES[3:]))
components: Final = members({"code": concepts}, valueQuantity=measured)


def references(*types: str) -> st.SearchStrategy[Json]:
    """References to resources that may be there or not, as relative and absolute URLs, with versions, and without."""
    local = st.sampled_from([f"{type_}/{LETTERS[type_]}{number}{SUFFIX}" for type_ in types for number in range(3)])
    plain = local.map(lambda text: {"reference": text})
    return st.one_of(
        plain,
        plain,
        plain,
        local.map(lambda text: {"reference": f"{BASE}/{text}"}),
        local.map(lambda text: {"reference": f"{OTHER}/{text}"}),
        local.map(lambda text: {"reference": f"{text}/_history/1"}),
        identifiers.map(lambda each: {"identifier": each}),
        st.just({"display": "somebody"}),
        st.tuples(plain, identifiers).map(lambda each: {**each[0], "identifier": each[1]}),
    )


effective: Final[st.SearchStrategy[Json]] = st.one_of(
    st.just({}),
    dates.map(lambda text: {"effectiveDateTime": text}),
    periods.map(lambda each: {"effectivePeriod": each}),
    st.sampled_from(TIMES).map(lambda text: {"effectiveInstant": text}),
)
RESOURCES: Final = {
    "Patient": members(
        {},
        active=st.booleans(),
        address=some(members({"city": names})),
        birthDate=st.sampled_from(DATES),
        gender=st.sampled_from(BOUND["gender"]),
        generalPractitioner=some(references("Organization")),
        identifier=some(identifiers),
        link=some(st.builds(lambda other: {"other": other, "type": "seealso"}, references("Patient"))),
        managingOrganization=references("Organization"),
        name=some(members({}, family=names, given=some(names), text=texts)),
    ),
    "Organization": members(
        {"name": names},  # org-1: a name or an identifier
        active=st.booleans(),
        alias=some(names),
        identifier=some(identifiers),
        partOf=references("Organization"),
        type=some(concepts),
    ),
    "Observation": st.tuples(
        members(
            {"status": st.sampled_from(["final", "amended"]), "code": concepts},
            category=some(concepts),
            component=some(components, 3),
            hasMember=some(references("Observation")),
            subject=references("Patient", "Organization"),
            valueQuantity=measured,
        ),
        effective,
    ).map(lambda each: {**each[0], **each[1]}),
    "RiskAssessment": members(
        {"status": st.just("final"), "subject": references("Patient")},
        occurrenceDateTime=dates,
        prediction=some(st.builds(lambda number: {"probabilityDecimal": number}, numbers), 3),
    ),
    "ValueSet": members(
        {"status": st.sampled_from(["active", "draft"])},
        date=dates,
        title=names,
        url=st.sampled_from(URLS),
        version=st.sampled_from(VERSIONS),
    ),
}
TOGETHER: Final = [
    ["Patient", "Observation"],
    ["Observation", "Organization"],
    ["Patient", "Organization"],
    ["Observation"],
    ["Observation", "Patient", "Organization"],
    ["Patient", "RiskAssessment"],
    ["ValueSet", "RiskAssessment"],
]
"""Types that an example is of: few, so that a search has several resources to choose from."""


@st.composite
def resources(draw: st.DrawFn, types: list[str]) -> list[Json]:
    """A few resources, whose ids others may refer to; not all of what is referred to is there."""
    counted: Counter[str] = Counter()
    found: list[Json] = []
    for type_ in draw(st.lists(st.sampled_from(types), min_size=3, max_size=8)):
        id_ = f"{LETTERS[type_]}{counted[type_]}{SUFFIX}"
        counted[type_] += 1
        tag = {"tag": [{"code": f"x{SUFFIX}"}]}
        found.append({"resourceType": type_, "id": id_, "meta": tag, **draw(RESOURCES[type_])})
    return found


# Searches


def escaped(text: str) -> str:
    """A value whose separators separate nothing."""
    for character in "\\,|$":
        text = text.replace(character, f"\\{character}")
    return text


def tokens(held: st.SearchStrategy[str], within: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """``c``, ``s|c``, ``|c`` and ``s|``."""
    code, system = held.map(escaped), within.map(escaped)
    return st.one_of(
        code,
        code,
        st.builds("{}|{}".format, system, code),
        code.map("|{}".format),
        system.map("{}|".format),
    )


concept_tokens: Final = tokens(codes, systems)
prefixes: Final = st.sampled_from(PREFIXES)
asked_numbers: Final = st.builds("{}{}".format, prefixes, st.sampled_from(ASKED_NUMBERS))
asked_dates: Final = st.builds("{}{}".format, prefixes, dates)
asked_units: Final = st.one_of(
    st.just(""),
    st.sampled_from([*UNITS, "drops", "unit mg"]).map("||{}".format),
    st.sampled_from(UNITS).map(f"|{UCUM}|{{}}".format),
    st.sampled_from(UNITS).map(f"|{UCUM}|{{}}".format),
    st.just(f"|{HOMEMADE}|mg"),
)
asked_quantities: Final = st.builds("{}{}".format, asked_numbers, asked_units)
asked_strings: Final = st.sampled_from(ASKED_NAMES + TEXTS).map(escaped)


@st.composite
def asked_references(draw: st.DrawFn, type_: str, code: str) -> tuple[str, str]:
    """The modifier and value of a reference."""
    target = draw(st.sampled_from(TARGETS[type_, code]))
    id_ = f"{LETTERS[target]}{draw(st.integers(0, 2))}{SUFFIX}"
    local = f"{target}/{id_}"
    forms = [id_, local, local, f"{BASE}/{local}", f"{OTHER}/{local}", f"{local}/_history/1", f"{local}/_history/2"]
    way = draw(st.integers(0, 9))
    if way == 0:
        return ":identifier", draw(concept_tokens)
    if way == 1:
        return f":{target}", draw(st.sampled_from([id_, local]))
    return "", draw(st.sampled_from(forms))


@st.composite
def asked_tokens(draw: st.DrawFn, type_: str, code: str) -> tuple[str, str]:
    """The modifier and value of a token."""
    modifier = draw(st.sampled_from(["", "", ":not"]))
    if code in BOOLEAN:
        return modifier, draw(st.sampled_from(["true", "false", "|true"]))
    if code in BOUND:
        own = PARAMETERS[type_][code].system
        asked = [*BOUND[code], "b"] if code == "version" else BOUND[code]  # a string, so in any case
        return modifier, draw(tokens(st.sampled_from(asked), st.sampled_from([own or SYSTEMS[0], SYSTEMS[1]])))
    if code not in IDENTIFIER and draw(st.integers(0, 5)) == 0:
        return ":text", draw(asked_strings)
    return modifier, draw(concept_tokens)


@st.composite
def asked_uris(draw: st.DrawFn) -> tuple[str, str]:
    """The modifier and value of a URI; only URLs have a path to follow."""
    modifier = draw(st.sampled_from(["", ":below", ":above", ":contains"]))
    if modifier == ":contains":
        return modifier, draw(st.sampled_from(["v.test", "/A", "oid", "b/c", "zzz"]))
    if modifier:
        return modifier, draw(st.sampled_from([*URLS[:-1], "http://v.test", "http://v.test/a/b/c/d"]))
    return modifier, draw(st.sampled_from([*URLS, f"{URLS[0]}|1.0", f"{URLS[1]}|1.1", f"{URLS[1]}|B"]))


def one(type_: str, code: str) -> st.SearchStrategy[tuple[str, str]]:
    """A modifier and one alternative of a parameter."""
    kind = PARAMETERS[type_][code].kind
    match kind:
        case "token":
            return asked_tokens(type_, code)
        case "reference":
            return asked_references(type_, code)
        case "uri":
            return asked_uris()
        case "string":
            return st.tuples(st.sampled_from(["", "", ":exact", ":contains", ":text"]), asked_strings)
        case "composite":
            return st.builds("{}${}".format, concept_tokens, asked_quantities).map(lambda text: ("", text))
    asked = {"date": asked_dates, "number": asked_numbers, "quantity": asked_quantities}[kind]
    return asked.map(lambda text: ("", text))


ALTERNATIVES: Final = {
    (type_, code): st.lists(one(type_, code), min_size=1, max_size=1 if known.kind == "composite" else 3)
    for type_, parameters in PARAMETERS.items()
    for code, known in parameters.items()
}
REFERENCES: Final = {type_: [code for holder, code in TARGETS if holder == type_] for type_ in PARAMETERS}
BACKWARDS: Final = {
    type_: [(holder, code) for (holder, code), targets in TARGETS.items() if type_ in targets] for type_ in PARAMETERS
}


@st.composite
def criteria(draw: st.DrawFn, type_: str, depth: int = 0) -> tuple[str, str]:
    """A criterion: a parameter of the type's own, or one at the end of links followed forwards or backwards."""
    way = draw(st.integers(0, 9))
    if depth < 2 and way < 2 + depth and REFERENCES[type_]:
        code = draw(st.sampled_from(REFERENCES[type_]))
        target = draw(st.sampled_from(TARGETS[type_, code]))
        name, text = draw(criteria(target, depth + 1))
        return draw(st.sampled_from([f"{code}:{target}.{name}", f"{code}.{name}"])), text
    if depth < 2 and way in (3, 4) and BACKWARDS[type_]:
        holder, code = draw(st.sampled_from(BACKWARDS[type_]))
        name, text = draw(criteria(holder, depth + 1))
        return f"_has:{holder}:{code}:{name}", text
    if way == 5 and draw(st.booleans()):
        ids = some(st.integers(0, 3).map(f"{LETTERS[type_]}{{}}{SUFFIX}".format))
        return "_id", ",".join(draw(ids))
    code = draw(st.sampled_from(sorted(PARAMETERS[type_])))
    if way == 6:
        return f"{code}:missing", draw(st.sampled_from(["true", "false"]))
    found = draw(ALTERNATIVES[type_, code])
    modifier = found[0][0]
    return f"{code}{modifier}", ",".join(text for own, text in found if own == modifier)


@st.composite
def searches(draw: st.DrawFn, types: list[str]) -> Search:
    """A search of one type by up to three criteria, often in an order, sometimes in pages."""
    type_ = draw(st.sampled_from(types))
    most = draw(st.sampled_from([1, 1, 1, 2, 2, 3]))
    pairs = draw(st.lists(criteria(type_), min_size=min(most, draw(st.integers(0, 9))), max_size=most))
    if draw(st.booleans()):
        keys = draw(st.lists(st.sampled_from(SORTED[type_]), min_size=1, max_size=2, unique=True))
        pairs.append(("_sort", ",".join(draw(st.sampled_from(["", "-"])) + key for key in keys)))
    if draw(st.booleans()):
        pairs.append(("_count", str(draw(st.integers(1, 3)))))
    return Search(type_, pairs)


@dataclass(frozen=True, slots=True)
class Example:
    """Resources of two or three types, what stood under their ids before, and searches."""

    resources: list[Json]
    former: list[Json]
    searches: list[Search]


@st.composite
def examples(draw: st.DrawFn, count: int) -> Example:
    """An example with this many searches."""
    types = draw(st.sampled_from(TOGETHER))
    former = draw(resources(types)) if draw(st.integers(0, 3)) == 0 else []
    asked = st.lists(searches(types), min_size=count, max_size=count)
    return Example(draw(resources(types)), former, draw(asked))
