"""URI parameters (https://hl7.org/fhir/R5/search.html#uri).

"By default, matches are precise, case and accent sensitive, and the entire URI must match." ``:above`` and ``:below``
follow the segments of a URL's path, and "cannot be used with URNs".
"""

from __future__ import annotations

from typing import Any, Final

from service.errors import Invalid
from service.fhir import definitions
from service.search.escaping import split, unescape
from service.search.folding import unmarked
from service.search.parameters import Parameter
from service.search.query import And, Contains, Or, Predicate, Prefix, Sort, Term
from service.search.rows import Row, TermRow
from service.search.types.base import ANYWHERE, Context, Make, literal, unsupported

MODIFIERS: Final = frozenset({"above", "below", "contains"})
FOLDED: Final = ":folded"
"""The form of the key for a folded URI, where folding changes it."""
MODIFIED: Final = frozenset({FOLDED})


def rows(parameter: Parameter) -> Make:
    """Return what makes the rows of a uri, url, canonical, oid or uuid."""
    key = parameter.key

    def make(_type: str, value: Any) -> tuple[Row, ...]:  # noqa: ANN401  # any JSON value
        if not isinstance(value, str):
            return ()
        folded = unmarked(value)
        row = TermRow(key, value)
        return (row,) if folded == value else (row, TermRow(key + FOLDED, folded))

    return make


def predicate(
    parameter: Parameter,
    modifier: str | None,
    text: str,
    name: str,
    context: Context = ANYWHERE,  # noqa: ARG001  # a URI is the same everywhere
) -> Predicate:
    """Return the predicate of a URI, or of ``url|version`` where the resource is found by its canonical URL."""
    key = parameter.key
    match modifier:
        case None:
            return _equal(parameter, text, name)
        case "contains":
            folded = unmarked(literal(name, text))
            return Or((Contains(key, folded), Contains(key + FOLDED, folded)))
        case "below":
            url = _url(name, text)
            return Or((Term(key, url), Prefix(key, url + "/")))
        case "above":
            return Or(tuple(Term(key, parent) for parent in _ancestors(_url(name, text))))
    raise unsupported(parameter, modifier, name)


def sort(parameter: Parameter, descending: bool) -> Sort:
    """Return the order by the URI."""
    return Sort("value", parameter.key, descending)


def _equal(parameter: Parameter, text: str, name: str) -> Predicate:
    whole = Term(parameter.key, literal(name, text))
    url, *version = (unescape(name, part) for part in split(text, "|"))
    versions = definitions.search_parameters_for(parameter.base).get("version")
    if parameter.code != "url" or versions is None or len(version) != 1 or not version[0]:
        return whole
    # "Servers SHOULD support automatically detecting a |[version] portion" of a canonical URL.
    # The version is a token over a string, and such a token has no case.
    return Or((whole, And((Term(parameter.key, url), Term(f"{parameter.base}.version", version[0].casefold())))))


def _url(name: str, text: str) -> str:
    url = literal(name, text)
    if "://" not in url:
        raise Invalid(
            f"{name}: only URLs have a path to follow, {url!r} is none.", code="not-supported", expression=name
        )
    return url.rstrip("/")


def _ancestors(url: str) -> list[str]:
    """The URL and all that are above it, with and without a slash at the end."""
    scheme, _, path = url.partition("://")
    segments = path.split("/")
    parents = [f"{scheme}://{'/'.join(segments[:length])}" for length in range(len(segments), 0, -1)]
    return [form for parent in parents for form in (parent, parent + "/")]
