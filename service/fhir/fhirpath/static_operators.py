"""Which operands an operator can have, as far as their types are known before an evaluation."""

from __future__ import annotations

from typing import Final

from service.fhir.fhirpath.static import UNKNOWN, Static, of

_FAMILY: Final = {
    "System.Integer": "number",
    "System.Decimal": "number",
    "System.Quantity": "quantity",
    "System.String": "text",
    "System.Date": "date",
    "System.DateTime": "date",
    "System.Time": "time",
    "System.Boolean": "boolean",
}
_ORDERED: Final = {
    "number": frozenset(("number", "quantity")),
    "quantity": frozenset(("number", "quantity")),
    "text": frozenset(("text",)),
    "date": frozenset(("date",)),
    "time": frozenset(("time",)),
}
_SUMS: Final = frozenset(
    (
        ("number", "number"),
        ("quantity", "quantity"),
        ("quantity", "number"),
        ("number", "quantity"),
        ("date", "quantity"),
        ("time", "quantity"),
    )
)
_ALLOWED: Final = {
    "+": _SUMS | {("text", "text")},
    "-": _SUMS,
    "*": frozenset(pair for pair in _SUMS if pair[0] in ("number", "quantity")),
    "/": frozenset(pair for pair in _SUMS if pair[0] in ("number", "quantity")),
    "div": frozenset((("number", "number"),)),
    "mod": frozenset((("number", "number"),)),
}


def _families(static: Static) -> frozenset[str] | None:
    if not static.types:
        return None
    system = static.system()
    if system is None or not system <= _FAMILY.keys():
        return None
    return frozenset(_FAMILY[name] for name in system)


def check_comparison(left: Static, right: Static) -> bool:
    """Whether there may be an order between two outcomes."""
    one, other = _families(left), _families(right)
    if one is None or other is None:
        return True
    return any(other & _ORDERED.get(family, frozenset()) for family in one)


def check_arithmetic(operator: str, left: Static, right: Static) -> Static | None:
    """What is known of the outcome of an arithmetic operator; None if it is never defined on these operands."""
    one, other = _families(left), _families(right)
    if one is None or other is None:
        return UNKNOWN.single()
    pairs = {(a, b) for a in one for b in other} & _ALLOWED[operator]
    if not pairs:
        return None
    if len(pairs) > 1:
        return UNKNOWN.single()
    ((family, second),) = pairs
    if family == "text":
        return of("System.String")
    if family in ("date", "time"):
        return of(*(name for name in left.system() or ()))
    if "quantity" in (family, second):
        return of("System.Quantity")
    integer = frozenset(("System.Integer",))
    whole = left.system() == integer and right.system() == integer and operator != "/"
    return of("System.Integer" if whole or operator == "div" else "System.Decimal")
