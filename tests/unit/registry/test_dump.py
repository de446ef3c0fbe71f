"""From models to JSON text."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from fhir.resources.codeableconcept import CodeableConcept
from fhir.resources.group import Group
from fhir.resources.period import Period
from fhir.resources.quantity import Quantity
from pydantic import BaseModel

from service.registry.dump import plain, to_json


@pytest.mark.parametrize("printed", ["0.20", "1.00", "0", "100", "0.0000001", "-1.50"])
def test_decimals_keep_their_printed_precision(printed: str) -> None:
    """The digits of the table are the digits of the JSON, and never in scientific notation."""
    text = to_json(plain(Quantity(value=Decimal(printed))))
    assert json.loads(text, parse_float=str, parse_int=str) == {"value": printed}


def test_elements_come_in_the_order_of_the_specification() -> None:
    """The type comes first, then the elements as R5 orders them, whatever the order of the arguments."""
    group = Group(membership="enumerated", type="person", name="A", quantity=0, code=CodeableConcept(text="x"), id="g")
    assert list(plain(group, "Group")) == ["resourceType", "id", "type", "membership", "code", "name", "quantity"]


def test_dates_keep_their_precision() -> None:
    """A month is not its first day."""
    period = Period.model_validate({"start": "2015-01", "end": "2020-01-10"})
    assert plain(period) == {"start": "2015-01", "end": "2020-01-10"}


def test_text_is_indented_by_one_space_and_not_escaped() -> None:
    """Bundles are read in diffs: one element a line, in UTF-8."""
    assert to_json({"a": ["ü", True, {"b": 1}]}) == '{\n "a": [\n  "ü",\n  true,\n  {\n   "b": 1\n  }\n ]\n}\n'


def test_what_has_no_json_is_refused() -> None:
    """A float in a model would be a lost digit: it is an error."""

    class Odd(BaseModel):
        value: float = 0.1

        @classmethod
        def elements_sequence(cls) -> list[str]:
            return ["value"]

    with pytest.raises(TypeError, match="float"):
        plain(Odd())
