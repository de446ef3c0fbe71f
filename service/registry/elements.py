"""The FHIR datatypes that all builders share, as typed models of R5.

Only the builders import this module, and with it fhir.resources, which takes a third of a second to load.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from fhir.resources.codeableconcept import CodeableConcept
from fhir.resources.coding import Coding
from fhir.resources.extension import Extension
from fhir.resources.meta import Meta
from fhir.resources.quantity import Quantity
from fhir.resources.reference import Reference

from service.registry import codes
from service.registry.codes import Code
from service.registry.description import CodeOf, Concept, Outcome
from service.registry.figures import Absent, Figure, Number
from service.registry.rows import Row


def concept(text: str | None = None, code: Iterable[Code | CodeOf] = ()) -> CodeableConcept:
    """A concept in words, with codes or without."""
    codings = [Coding(system=c.system, code=c.code, display=c.display) for c in code]
    return CodeableConcept(text=text, coding=codings or None)


def described(something: Concept) -> CodeableConcept:
    """A concept of a trial's description."""
    return concept(something.text, something.codes)


def own(system: str, code: str, display: str, text: str | None = None) -> CodeableConcept:
    """A concept of one of our code systems."""
    return concept(text or display, (Code(system, code, display),))


def reference(resource_type: str, resource_id: str) -> Reference:
    """A relative reference."""
    return Reference(reference=f"{resource_type}/{resource_id}")


def conforms(profile: str) -> Meta:
    """The profile of ours that a resource claims."""
    return Meta(profile=[profile])


def quantity(figure: Figure | Decimal | int, unit: str | None) -> Quantity:
    """A figure as a Quantity: a number with its printed digits, or no number and why."""
    if isinstance(figure, Absent):
        return Quantity(
            extension=[
                Extension(url=codes.DATA_ABSENT_REASON, valueCode=figure.status.data_absent_reason),
                Extension(url=codes.ESTIMATE_STATUS, valueCode=figure.status.code),
            ]
        )
    value = figure.decimal if isinstance(figure, Number) else Decimal(figure)
    comparator = figure.comparator if isinstance(figure, Number) else None
    if unit is None:
        return Quantity(value=value, comparator=comparator)
    code = "1" if unit.startswith("{") else unit
    return Quantity(value=value, comparator=comparator, unit=codes.UNITS[unit], system=codes.UCUM, code=code)


def outcome_concept(outcome: Outcome) -> CodeableConcept:
    """What an outcome is, as its trial puts it, with our code for it."""
    known = codes.OUTCOMES[outcome.code]
    return own(codes.OUTCOME, known.code, known.display, outcome.title)


def provenance(row: Row, *, source: bool) -> list[Extension]:
    """Where in its source a row was read, and the words around it.

    With ``source``, also which source it was, and the publication that it has the fact from.
    """
    found = [Extension(url=codes.RESULT_LOCATOR, valueString=row.locator)]
    if row.quote:
        found.append(Extension(url=codes.RESULT_QUOTATION, valueString=row.quote))
    if source:
        found.append(Extension(url=codes.RESULT_SOURCE, valueReference=reference("Citation", row.source)))
        if row.reports:
            found.append(Extension(url=codes.RESULT_ORIGINAL, valueReference=reference("Citation", row.reports)))
    return found


def remark(row: Row) -> list[Extension]:
    """The note of a row, for an element that has no place of its own for notes."""
    return [Extension(url=codes.RESULT_NOTE, valueString=row.note)] if row.note else []
