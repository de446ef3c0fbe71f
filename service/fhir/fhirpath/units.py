"""Units of UCUM by their case-sensitive codes (https://ucum.org/ucum), as far as amounts can be converted.

A code is reduced to a factor and a dimension in base units. Units with a zero point of their own (``Cel``, ``[degF]``)
and arbitrary ones (``[iU]``) are a dimension of their own: they are comparable with themselves only. An unknown code
has no measure at all.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final

Dimension = tuple[tuple[str, int], ...]

_PREFIX: Final = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
    "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}  # fmt: skip

_PI: Final = Fraction("3.1415926535897932384626433832795028841971693993751058209749445923")
_METRIC: Final[dict[str, tuple[str, str]]] = {
    "m": ("1", ""), "s": ("1", ""), "g": ("1", ""), "rad": ("1", ""), "K": ("1", ""), "C": ("1", ""), "cd": ("1", ""),
    "mol": ("602214076000000000000000", "1"), "sr": ("1", "rad2"), "Hz": ("1", "s-1"), "N": ("1000", "g.m/s2"),
    "Pa": ("1000", "g.m-1.s-2"), "J": ("1000", "g.m2/s2"), "W": ("1000", "g.m2/s3"), "A": ("1", "C/s"),
    "V": ("1000", "g.m2.s-2.C-1"), "F": ("1/1000", "g-1.m-2.s2.C2"), "Ohm": ("1000", "g.m2.s-1.C-2"),
    "S": ("1/1000", "g-1.m-2.s.C2"), "Wb": ("1000", "g.m2.s-1.C-1"), "T": ("1000", "g.s-1.C-1"),
    "H": ("1000", "g.m2.C-2"), "lm": ("1", "cd.rad2"), "lx": ("1", "cd.rad2.m-2"), "Bq": ("1", "s-1"),
    "Gy": ("1", "m2/s2"), "Sv": ("1", "m2/s2"), "kat": ("602214076000000000000000", "s-1"),
    "U": ("10036901266666666666.6666666666666666667", "s-1"), "l": ("1/1000", "m3"), "L": ("1/1000", "m3"),
    "ar": ("100", "m2"), "t": ("1000000", "g"), "bar": ("100000000", "g.m-1.s-2"), "eV": ("1.602176634e-16", "g.m2/s2"),
    "u": ("1.66053906660e-24", "g"), "pc": ("30856780000000000", "m"), "eq": ("602214076000000000000000", "1"),
    "osm": ("602214076000000000000000", "1"), "cal": ("4184", "g.m2/s2"), "Ci": ("37000000000", "s-1"),
    "R": ("258/1000000000", "C/g"), "RAD": ("1/100", "m2/s2"), "REM": ("1/100", "m2/s2"), "G": ("1/10", "g.s-1.C-1"),
    "P": ("100", "g.m-1.s-1"), "dyn": ("1/100", "g.m/s2"), "erg": ("1/10000", "g.m2/s2"), "Bi": ("10", "C/s"),
    "m[H2O]": ("9806650", "g.m-1.s-2"), "m[Hg]": ("133322387", "g.m-1.s-2"), "st": ("1", "m3"),
    "Cel": ("1", "=Cel"), "B": ("1", "=B"), "[iU]": ("1", "=[iU]"), "[IU]": ("1", "=[iU]"), "bit": ("1", "=bit"),
    "By": ("8", "=bit"),
}  # fmt: skip
_PLAIN: Final[dict[str, tuple[str, str]]] = {
    "10*": ("10", "1"), "10^": ("10", "1"), "%": ("1/100", "1"), "[ppth]": ("1/1000", "1"),
    "[ppm]": ("1/1000000", "1"), "[ppb]": ("1/1000000000", "1"), "[pptr]": ("1/1000000000000", "1"),
    "deg": (str(_PI / 180), "rad"), "'": (str(_PI / 10800), "rad"), "''": (str(_PI / 648000), "rad"),
    "[pi]": (str(_PI), "1"), "gon": (str(_PI / 200), "rad"), "min": ("60", "s"), "h": ("3600", "s"),
    "d": ("86400", "s"), "wk": ("604800", "s"), "a": ("31557600", "s"), "a_j": ("31557600", "s"),
    "a_g": ("31556952", "s"), "a_t": ("31556925.216", "s"), "mo": ("2629800", "s"), "mo_j": ("2629800", "s"),
    "mo_g": ("2629746", "s"), "mo_s": ("2551442.976", "s"), "atm": ("101325000", "g.m-1.s-2"),
    "[in_i]": ("0.0254", "m"), "[ft_i]": ("0.3048", "m"), "[yd_i]": ("0.9144", "m"), "[mi_i]": ("1609.344", "m"),
    "[nmi_i]": ("1852", "m"), "[sin_i]": ("0.00064516", "m2"), "[sft_i]": ("0.09290304", "m2"),
    "[cin_i]": ("0.000016387064", "m3"), "[cft_i]": ("0.028316846592", "m3"), "[lb_av]": ("453.59237", "g"),
    "[oz_av]": ("28.349523125", "g"), "[dr_av]": ("1.7718451953125", "g"), "[gr]": ("0.06479891", "g"),
    "[stone_av]": ("6350.29318", "g"), "[ston_av]": ("907184.74", "g"), "[lb_tr]": ("373.2417216", "g"),
    "[oz_tr]": ("31.1034768", "g"), "[gal_us]": ("0.003785411784", "m3"), "[qt_us]": ("0.000946352946", "m3"),
    "[pt_us]": ("0.000473176473", "m3"), "[foz_us]": ("0.0000295735295625", "m3"),
    "[cup_us]": ("0.0002365882365", "m3"), "[tbs_us]": ("0.00001478676478125", "m3"),
    "[tsp_us]": ("0.00000492892159375", "m3"), "[psi]": ("6894757.2931684", "g.m-1.s-2"), "[g]": ("9.80665", "m/s2"),
    "[c]": ("299792458", "m/s"), "Ao": ("0.0000000001", "m"), "b": ("1e-28", "m2"), "[degF]": ("1", "=[degF]"),
    "[pH]": ("1", "=[pH]"), "[arb'U]": ("1", "=[arb'U]"), "[CFU]": ("1", "=[CFU]"), "[USP'U]": ("1", "=[USP'U]"),
    "[drp]": ("5e-8", "m3"), "[diop]": ("1", "m-1"), "[car_m]": ("0.2", "g"), "[Cal]": ("4184000", "g.m2/s2"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unit:
    """A factor and the powers of base units that it multiplies."""

    factor: Fraction
    dimension: Dimension = ()

    def times(self, other: Unit) -> Unit:
        """The product of two units."""
        powers = Counter(dict(self.dimension))
        for base, power in other.dimension:
            powers[base] += power
        return Unit(self.factor * other.factor, tuple(sorted((b, p) for b, p in powers.items() if p)))

    def raised(self, power: int) -> Unit:
        """A power of the unit."""
        return Unit(self.factor**power, tuple((base, exponent * power) for base, exponent in self.dimension if power))


@lru_cache(maxsize=2048)
def canonical(code: str) -> Unit | None:
    """The measure of a UCUM code, None if it is not a code that is known here."""
    if len(code) > 100:
        return None
    text = re.sub(r"\{[^{}]*\}", "", re.sub(r"(^|[./(])\{[^{}]*\}", r"\g<1>1", code)) or "1"
    try:
        unit, rest = _term(text)
    except (ValueError, OverflowError, RecursionError):
        return None
    return unit if not rest else None


def unit_text(dimension: Dimension) -> str:
    """The UCUM code of a dimension in base units."""
    return ".".join(f"{base}{power if power != 1 else ''}" for base, power in dimension) or "1"


def _term(text: str) -> tuple[Unit, str]:
    product = Unit(Fraction(1))
    power = -1 if text.startswith("/") else 1
    text = text.removeprefix("/")
    while True:
        unit, text = _component(text)
        product = product.times(unit.raised(power))
        if not text or text[0] not in "./":
            return product, text
        power = -1 if text[0] == "/" else 1
        text = text[1:]


def _component(text: str) -> tuple[Unit, str]:
    if text.startswith("("):
        unit, rest = _term(text[1:])
        if not rest.startswith(")"):
            raise ValueError(text)
        return unit, rest[1:]
    end = len(text)
    for stop in "./)":
        found = text.find(stop, 1)
        end = found if 0 < found < end else end
    return _simple(text[:end]), text[end:]


def _simple(text: str) -> Unit:
    if text.isascii() and text.isdigit() and int(text):
        return Unit(Fraction(int(text)))
    match = re.fullmatch(r"(10[*^]|.*?[^\d+-])([+-]?\d{1,2})?", text)
    if match is None:
        raise ValueError(text)
    atom = _atom(match[1])
    return atom.raised(int(match[2])) if match[2] else atom


@lru_cache(maxsize=512)
def _atom(symbol: str) -> Unit:
    if symbol in _PLAIN:
        return _defined(symbol, _PLAIN[symbol])
    if symbol in _METRIC:
        return _defined(symbol, _METRIC[symbol])
    for length in (2, 1):
        prefix, rest = symbol[:length], symbol[length:]
        if prefix in _PREFIX and rest in _METRIC:
            return Unit(Fraction(10) ** _PREFIX[prefix]).times(_defined(rest, _METRIC[rest]))
    raise ValueError(symbol)


def _defined(symbol: str, definition: tuple[str, str]) -> Unit:
    factor, base = definition
    if not base or base.startswith("="):
        return Unit(Fraction(factor), ((base[1:] or symbol, 1),))
    unit = canonical(base)
    if unit is None:
        raise ValueError(symbol)
    return Unit(Fraction(factor)).times(unit)
