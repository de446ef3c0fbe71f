"""UCUM: https://ucum.org/ucum, the syntax of units."""

from __future__ import annotations

import pytest

from service.fhir.fhirpath import units
from service.terminology.ucum import is_unit

GOOD = (
    "mg kg m/s2 mm[Hg] 10*3/uL 10*-6 10^9/L % {cells}/uL {score} /min 1 g.m-2 kg/m2 cal_[15] Cel [degF] [iU]/L m[H2O] "
    "ug/(24.h) (m/s)2 ug/kg/h mmol/mol mL/min/{1.73_m2} [arb'U]/mL mo wk a 1/d d '' KiBy kB[SPL] m[IU] 2.m m+2 /(s.m) "
    "[in_i'H2O] B[10.nV] {a}{b}"
)
BAD = "mmHg kilogram foo Kg 10x mg/ /mg/ mg//L (mg mg) m( [foo] {a mg} 0 m.. µg µg/L m^2 Min kmin ()"


@pytest.mark.parametrize("code", [each for each in GOOD.split() if each not in ("(m/s)2", "{a}{b}")])
def test_units(code: str) -> None:
    """A unit is a product of powers of units, prefixed where they are metric, with remarks in braces."""
    assert is_unit(code)


@pytest.mark.parametrize("code", [*BAD.split(), "", "mg L", " mg", "(m/s)2", "{a}{b}", "{a b}", "m" * 251])
def test_what_is_no_unit(code: str) -> None:
    """Other names, other alphabets, prefixes of what is not metric, loose operators and spaces are no units."""
    assert not is_unit(code)


def test_depth() -> None:
    """Brackets in brackets end with an answer."""
    assert is_unit("(" * 20 + "m" + ")" * 20)
    assert not is_unit("(" * 100 + "m" + ")" * 100)


def test_whatever_has_a_measure_is_a_unit() -> None:
    """The units that amounts can be converted in are among them."""
    known = [*units._PLAIN, *units._METRIC, *(f"{prefix}{unit}" for prefix in units._PREFIX for unit in units._METRIC)]
    assert [unit for unit in known if not is_unit(unit)] == []
