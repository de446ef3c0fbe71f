"""The search parameter types that have values of their own: a line each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from service.fhir.definitions import SearchType
from service.search.types import date, number, quantity, reference, special, string, token, uri
from service.search.types.base import Kind

ELEMENTARY: Final[Mapping[SearchType, Kind]] = MappingProxyType(
    {
        "date": date,
        "number": number,
        "quantity": quantity,
        "reference": reference,
        "special": special,
        "string": string,
        "token": token,
        "uri": uri,
    }
)
