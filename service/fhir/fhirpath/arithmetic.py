"""The arithmetic operators (https://hl7.org/fhirpath/#math), also on quantities, dates and texts.

Integers are those of 64 bits (FHIR has integer64): what does not fit is empty, as the specification asks for overflow.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import timedelta
from decimal import ROUND_DOWN, Context, Decimal, DecimalException
from typing import Any, Final, NoReturn

from service.fhir.fhirpath import quantity as quantities
from service.fhir.fhirpath.context import limited_text
from service.fhir.fhirpath.equality import describe
from service.fhir.fhirpath.errors import EvaluationError
from service.fhir.fhirpath.quantity import EXACT, Quantity
from service.fhir.fhirpath.temporal import Temporal, first_moment, from_moment

_SHOWN: Final = Context(prec=28)
_LARGEST: Final = 2**63
_SECONDS: Final[dict[str, int | Decimal]] = {
    "week": 604_800,
    "day": 86_400,
    "hour": 3_600,
    "minute": 60,
    "second": 1,
    "millisecond": Decimal("0.001"),
    "wk": 604_800,
    "d": 86_400,
    "h": 3_600,
    "min": 60,
    "s": 1,
    "ms": Decimal("0.001"),
}
_WHOLE: Final = frozenset(("week", "day", "hour", "minute", "wk", "d", "h", "min"))


def calculate(operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401  # System values
    """The outcome of an operator on two System values; None where it is empty."""
    try:
        return _OPERATORS[operator](left, right)
    except DecimalException:
        return None


def bounded(value: int) -> int | None:
    """The integer, None if it does not fit 64 bits."""
    return value if -_LARGEST <= value < _LARGEST else None


def negate(value: Any) -> Any:  # noqa: ANN401  # a System value
    """``-value``."""
    if isinstance(value, Quantity):
        return Quantity(-value.value, value.unit, value.calendar)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise EvaluationError(f"There is no negative of {describe(value)}.")
    return -value


def _numbers(left: Any, right: Any) -> bool:  # noqa: ANN401  # System values
    plain = isinstance(left, int | Decimal) and isinstance(right, int | Decimal)
    return plain and not isinstance(left, bool) and not isinstance(right, bool)


def _refuse(operator: str, left: Any, right: Any) -> NoReturn:  # noqa: ANN401  # System values
    raise EvaluationError(f"{operator} is not defined between {describe(left)} and {describe(right)}.")


def _exact(whole: Callable[[int, int], int], decimal: Callable[[Decimal, Decimal], Decimal]) -> Callable[..., Any]:
    def operate(left: int | Decimal, right: int | Decimal) -> Any:  # noqa: ANN401  # int or Decimal
        if isinstance(left, int) and isinstance(right, int):
            return bounded(whole(left, right))
        return decimal(Decimal(left), Decimal(right))

    return operate


_add_numbers: Final = _exact(lambda a, b: a + b, EXACT.add)
_subtract_numbers: Final = _exact(lambda a, b: a - b, EXACT.subtract)
_multiply_numbers: Final = _exact(lambda a, b: a * b, EXACT.multiply)


def _plus(left: Any, right: Any) -> Any:  # noqa: ANN401  # System values
    if isinstance(left, str) and isinstance(right, str):
        return limited_text(left + right)
    if _numbers(left, right):
        return _add_numbers(left, right)
    if isinstance(left, Temporal) and isinstance(right, Quantity):
        return shift(left, right, 1)
    return _sum("+", left, right, 1)


def _minus(left: Any, right: Any) -> Any:  # noqa: ANN401  # System values
    if _numbers(left, right):
        return _subtract_numbers(left, right)
    if isinstance(left, Temporal) and isinstance(right, Quantity):
        return shift(left, right, -1)
    return _sum("-", left, right, -1)


def _sum(operator: str, left: Any, right: Any, sign: int) -> Quantity | None:  # noqa: ANN401  # System values
    left, right = _as_quantities(operator, left, right)
    moved = quantities.convert(right, left)
    return None if moved is None else Quantity(EXACT.add(left.value, moved * sign), left.unit, left.calendar)


def _as_quantities(operator: str, left: Any, right: Any) -> tuple[Quantity, Quantity]:  # noqa: ANN401
    if isinstance(left, Quantity) and isinstance(right, int | Decimal) and not isinstance(right, bool):
        right = Quantity(Decimal(right))
    elif isinstance(right, Quantity) and isinstance(left, int | Decimal) and not isinstance(left, bool):
        left = Quantity(Decimal(left))
    if not isinstance(left, Quantity) or not isinstance(right, Quantity):
        _refuse(operator, left, right)
    return left, right


def _times(left: Any, right: Any) -> Any:  # noqa: ANN401  # System values
    if _numbers(left, right):
        return _multiply_numbers(left, right)
    left, right = _as_quantities("*", left, right)
    return quantities.multiply(left, right)


def _divided(left: Any, right: Any) -> Any:  # noqa: ANN401  # System values
    if _numbers(left, right):
        return _SHOWN.plus(EXACT.divide(Decimal(left), Decimal(right))) if right else None
    left, right = _as_quantities("/", left, right)
    return quantities.multiply(left, right, -1)


def _div(left: Any, right: Any) -> int | None:  # noqa: ANN401  # System values
    if not _numbers(left, right):
        _refuse("div", left, right)
    return bounded(int(EXACT.divide_int(Decimal(left), Decimal(right)))) if right else None


def _mod(left: Any, right: Any) -> int | Decimal | None:  # noqa: ANN401  # System values
    if not _numbers(left, right):
        _refuse("mod", left, right)
    if not right:
        return None
    rest = EXACT.remainder(Decimal(left), Decimal(right))
    return int(rest) if isinstance(left, int) and isinstance(right, int) else rest


_OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": _plus,
    "-": _minus,
    "*": _times,
    "/": _divided,
    "div": _div,
    "mod": _mod,
}


def shift(value: Temporal, by: Quantity, sign: int) -> Temporal | None:
    """A date or time moved by a quantity of time, in the precision that it has."""
    if by.unit in ("year", "month") and by.calendar and value.kind != "Time":
        months = int(by.value) * (12 if by.unit == "year" else 1) * sign
        return _shift_months(value, months)
    if by.unit not in _SECONDS or (by.calendar and by.unit not in _WHOLE and "second" not in by.unit):
        raise EvaluationError(f"A {value.kind} cannot be moved by a quantity in {by.unit!r}.")
    amount = by.value.to_integral_value(ROUND_DOWN) if by.unit in _WHOLE else by.value
    seconds = EXACT.multiply(amount, Decimal(_SECONDS[by.unit])) * sign
    try:
        return _shift_time(value, seconds) if value.kind == "Time" else _shift_seconds(value, seconds)
    except (OverflowError, ValueError):
        return None


def _shift_months(value: Temporal, months: int) -> Temporal | None:
    if len(value.parts) == 1:  # only a year is known: whole years are what it can move by
        months = int(months / 12) * 12
    year, month = divmod(
        int(value.parts[0]) * 12 + (int(value.parts[1]) - 1 if len(value.parts) > 1 else 0) + months, 12
    )
    if not 1 <= year <= 9999:
        return None
    parts = [year, month + 1, *value.parts[2:]][: len(value.parts)]
    if len(parts) > 2:
        parts[2] = min(int(parts[2]), monthrange(year, month + 1)[1])
    return Temporal(value.kind, tuple(parts), value.offset)


def _shift_seconds(value: Temporal, seconds: Decimal) -> Temporal | None:
    days = int(seconds / 86_400)
    known = len(value.parts)
    if known < 3:  # a year counts as 365 days and a month as 30, where no more is known
        return _shift_months(value, int(days / 365) * 12 if known == 1 else int(days / 30))
    step = timedelta(days=days) if known == 3 else timedelta(microseconds=int(seconds * 1_000_000))
    moment = first_moment(value) + step
    return Temporal(value.kind, from_moment(moment, _with_digits(value.parts, seconds)), value.offset)


def _shift_time(value: Temporal, seconds: Decimal) -> Temporal:
    hour, minute, second = (*value.parts, 0, 0)[:3]
    total = (Decimal(hour) * 3600 + Decimal(minute) * 60 + Decimal(second) + seconds) % 86_400
    total += 86_400 if total < 0 else 0
    parts: list[int | Decimal] = [int(total) // 3600, int(total) // 60 % 60]
    rest = total % 60
    parts.append(int(rest) if rest == int(rest) and isinstance(second, int) else rest)
    return Temporal("Time", tuple(parts[: len(value.parts)]))


def _with_digits(parts: tuple[int | Decimal, ...], seconds: Decimal) -> tuple[int | Decimal, ...]:
    """The parts as a model for the outcome: whole seconds may have to get a fraction."""
    return parts if len(parts) < 6 or isinstance(parts[5], Decimal) or seconds == int(seconds) else (*parts[:5], 0)
