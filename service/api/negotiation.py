"""Which format a client wants and sends (https://hl7.org/fhir/R5/http.html#mime-type)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal

from service.errors import NotAcceptable, UnsupportedMedia
from service.interactions.patch import JSON_PATCH
from service.operations.table_formats import CSV, CSVM

FHIR_JSON: Final = "application/fhir+json"
FHIR_XML: Final = "application/fhir+xml"
TEXT: Final = "text/plain; charset=utf-8"
FORMATS: Final = (FHIR_JSON, "application/json", "json", FHIR_XML, "application/xml", "xml")
"""What the capability statement lists."""

_OUTPUT: Final = {
    "application/fhir+json": FHIR_JSON,
    "application/json+fhir": FHIR_JSON,
    "application/json": "application/json",
    "text/json": "application/json",
    "json": FHIR_JSON,
    "application/fhir+xml": FHIR_XML,
    "application/xml+fhir": FHIR_XML,
    "application/xml": "application/xml",
    "text/xml": "application/xml",
    "xml": FHIR_XML,
    "application/*": FHIR_JSON,
}
_ANY: Final = frozenset({"*/*", "text/html"})  # a browser reads JSON too
_OTHERS: Final = {
    "text": ("text/plain",),
    "csv": ("text/csv", "text/*"),
    "ndjson": ("application/x-ndjson", "application/ndjson"),
    "parquet": ("application/vnd.apache.parquet",),
    "csvm": (CSVM,),
}
"""Formats that some operations have beside those of FHIR, and what a client may call them as well."""
OTHERS: Final = {
    "text": TEXT,
    "csv": CSV,
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
    "csvm": CSVM,
}
"""The media type of each."""
_XML: Final = frozenset({FHIR_XML, "application/xml+fhir", "application/xml", "text/xml"})
_JSON: Final = frozenset({FHIR_JSON, "application/json+fhir", "application/json", "text/json"})
FORM: Final = "application/x-www-form-urlencoded"
FHIR_VERSIONS: Final = frozenset({"5.0", "5.0.0"})


@lru_cache(maxsize=256)  # a client says the same every time
def output_type(
    accept: str | None, format_: str | None, *, others: tuple[str, ...] = (), preferred: str | None = None
) -> str:
    """Return the media type to answer in; ``_format`` wins over ``Accept``. Raises :class:`NotAcceptable`.

    ``others`` are formats of :data:`OTHERS` that there are as well; ``preferred`` is the one for clients that take any.
    """
    wanted = format_ if format_ is not None else accept
    any_ = FHIR_JSON if preferred is None else OTHERS[preferred]
    if not wanted:
        return any_
    # A plus sign in a URL is a space once decoded, and many clients forget to write %2B.
    ranges = map(_media_range, wanted.replace("fhir ", "fhir+").split(","))
    ranked = sorted(ranges, key=lambda each: each[:2], reverse=True)  # of equals, the one named first
    for quality, _, media, parameters in ranked:
        if quality <= 0 or parameters.get("fhirversion", "5.0") not in FHIR_VERSIONS:
            continue
        if media in _ANY:
            return any_
        if media in _OUTPUT:
            return _OUTPUT[media]
        for name in others:
            if media in (name, *_OTHERS[name]):
                return OTHERS[name]
    name = "_format" if format_ is not None else "Accept"
    raise NotAcceptable(f"{wanted!r} is not served here; {', '.join((*FORMATS, *others))} are.", expression=name)


def is_xml(media: str) -> bool:
    """Whether this is a media type of XML that is served or understood here."""
    return media in _XML


def input_type(content_type: str | None) -> str:
    """Return the media type of a body; raises :class:`UnsupportedMedia` where it is not FHIR in UTF-8."""
    media, parameters = _utf8(content_type)
    if media not in _JSON and media not in _XML:
        raise UnsupportedMedia(
            f"A resource comes as {FHIR_JSON} or {FHIR_XML}, not as {content_type or 'something unnamed'}.",
            expression="Content-Type",
        )
    if parameters.get("fhirversion", "5.0") not in FHIR_VERSIONS:
        raise UnsupportedMedia(
            f"This server speaks FHIR 5.0, not {parameters['fhirversion']}.", expression="Content-Type"
        )
    return media


def file_type(content_type: str | None) -> str:
    """Return the media type of a body that may be no resource; raises :class:`UnsupportedMedia` for another charset."""
    return _utf8(content_type)[0]


def check_form(content_type: str | None) -> None:
    """Raise :class:`UnsupportedMedia` where a body is not the form of a ``_search``."""
    media, _ = _utf8(content_type)
    if media != FORM:
        raise UnsupportedMedia(
            f"_search takes {FORM}, not {content_type or 'something unnamed'}.", expression="Content-Type"
        )


def patch_form(content_type: str | None) -> Literal["json", "fhirpath"]:
    """Return which kind of patch a body is: JSON Patch, or as any FHIR JSON or XML, FHIRPath Patch.

    Raises :class:`UnsupportedMedia` where it is neither.
    """
    media, _ = _utf8(content_type)
    if media == JSON_PATCH:
        return "json"
    if media not in _JSON and media not in _XML:
        raise UnsupportedMedia(
            f"A patch comes as {JSON_PATCH}, {FHIR_JSON} or {FHIR_XML}, not as {content_type or 'something unnamed'}.",
            expression="Content-Type",
        )
    input_type(content_type)
    return "fhirpath"


def _utf8(content_type: str | None) -> tuple[str, dict[str, str]]:
    """Return media type and parameters of a body; raises :class:`UnsupportedMedia` where it is not in UTF-8."""
    _, _, media, parameters = _media_range(content_type or "")
    if parameters.get("charset", "utf-8").strip('"').lower() not in ("utf-8", "utf8"):
        raise UnsupportedMedia(f"A body is always in UTF-8, not {content_type}.", expression="Content-Type")
    return media, parameters


def _media_range(text: str) -> tuple[float, int, str, dict[str, str]]:
    """Return quality, exactness, media type and parameters: in this order the better range sorts last."""
    media, *rest = (part.strip() for part in text.split(";"))
    parameters = {name.strip().lower(): value.strip() for name, _, value in (part.partition("=") for part in rest)}
    try:
        quality = float(parameters.pop("q", "1"))
    except ValueError:
        quality = 0.0
    return quality, -media.count("*"), media.lower(), parameters
