"""All functions, a file for each chapter of the specification (https://hl7.org/fhirpath/#functions)."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from service.fhir.fhirpath.functions import (
    boundaries,
    combining,
    conversion,
    existence,
    fhir,
    filtering,
    maths,
    strings,
    subsetting,
    tree,
    types,
    utility,
)

FUNCTIONS: Final = MappingProxyType(
    {
        **existence.FUNCTIONS,
        **filtering.FUNCTIONS,
        **subsetting.FUNCTIONS,
        **combining.FUNCTIONS,
        **conversion.FUNCTIONS,
        **strings.FUNCTIONS,
        **maths.FUNCTIONS,
        **tree.FUNCTIONS,
        **utility.FUNCTIONS,
        **boundaries.FUNCTIONS,
        **types.FUNCTIONS,
        **fhir.FUNCTIONS,
    }
)
"""Name -> function."""
