"""What one row of a results table must hold, beyond that each of its cells can be read."""

from __future__ import annotations

from collections.abc import Collection

from service.errors import Issue
from service.registry.codes import CHARACTERISTICS, STATISTICS
from service.registry.figures import Number
from service.registry.rows import Row, problem


def check_row(row: Row) -> list[Issue]:
    """Everything that does not fit together in a row."""
    shape = _check_statistic(row) if row.place == "statistic" else _check_other(row)
    return shape + _check_intervals(row) + _check_counts(row)


def _given(row: Row, column: str) -> bool:
    return getattr(row, column) not in (None, ())


def _needs(row: Row, columns: Collection[str], why: str) -> list[Issue]:
    return [problem(row.line, c, f"is needed {why}", code="required") for c in columns if not _given(row, c)]


def _refuses(row: Row, columns: Collection[str], why: str) -> list[Issue]:
    return [problem(row.line, c, f"must be empty {why}") for c in columns if _given(row, c)]


def _check_statistic(row: Row) -> list[Issue]:
    issues = _needs(row, ("statistic", "outcome", "population"), "for a statistic")
    issues += _refuses(row, ("target",), "for a statistic")
    if row.statistic is None:
        return issues
    kind, named = STATISTICS[row.statistic], f"for {row.statistic}"
    if kind.shape == "number":
        issues += [*_needs(row, ("value",), named), *_refuses(row, ("text",), named)]
    elif kind.shape == "p":
        issues += [*_needs(row, ("p_value",), named), *_refuses(row, ("value", "unit", "text"), named)]
    else:
        issues += [*_needs(row, ("text",), named), *_refuses(row, ("value", "unit", "timing"), named)]
    if kind.compares:
        issues += [
            *_needs(row, ("exposure", "reference"), named),
            *_refuses(row, () if kind.percent else ("unit",), named),
        ]
    else:
        issues += _refuses(row, ("exposure",), f"{named}, which describes one group")
        if row.reference and not row.p_value:
            issues.append(problem(row.line, "reference", f"has a meaning {named} only beside a p-value"))
    if kind.at_time:
        issues += _needs(row, ("time",), named)
    return issues + _check_percentage(row)


def _check_percentage(row: Row) -> list[Issue]:
    kinds = ("percentage", "survival-probability", "cumulative-incidence")
    difference = STATISTICS[row.statistic or ""].percent
    if not (difference or row.statistic in kinds) or row.value is None:
        return []
    if row.unit not in ("%", None) or (row.unit is None and isinstance(row.value, Number)):
        return [problem(row.line, "unit", f"must be % for {row.statistic}")]
    least = -100 if difference else 0
    figures = (("value", row.value), ("ci_low", row.ci_low), ("ci_high", row.ci_high))
    return [
        problem(row.line, column, f"{figure.text} is not between {least} and 100")
        for column, figure in figures
        if isinstance(figure, Number) and not least <= figure.decimal <= 100
    ]


def _check_other(row: Row) -> list[Issue]:
    why = f"for a {row.place}"
    issues = _refuses(row, ("population", "exposure", "reference", "statistic", "p_value", "affected"), why)
    issues += _refuses(row, ("ci_low", "ci_high", "grade", "attribution", "method", "time"), why)
    if row.place == "design":
        return [
            *issues,
            *_needs(row, ("text",), why),
            *_refuses(row, ("outcome", "target", "value", "unit", "spread"), why),
        ]
    issues += _needs(row, ("target", "outcome"), why)
    if row.outcome is not None and row.outcome not in CHARACTERISTICS:
        issues.append(problem(row.line, "outcome", f"is one of {', '.join(CHARACTERISTICS)} {why}"))
    if not (row.value or row.text or row.spread):
        issues.append(problem(row.line, "value", "a characteristic has a value, a range or words", code="required"))
    return issues


def _check_intervals(row: Row) -> list[Issue]:
    issues: list[Issue] = []
    for name, low, high, kind in (
        ("ci", row.ci_low, row.ci_high, row.ci_level),
        ("spread", row.spread_low, row.spread_high, row.spread),
    ):
        columns = (f"{name}_low", f"{name}_high", "ci_level" if name == "ci" else "spread")
        given = [x is not None for x in (low, high, kind)]
        if any(given) and not all(given):
            missing = [c for c, there in zip(columns, given, strict=True) if not there]
            issues += [problem(row.line, c, "an interval has two limits and a kind", code="required") for c in missing]
        for column, limit in zip(columns, (low, high), strict=False):
            if isinstance(limit, Number) and limit.comparator:
                issues.append(problem(row.line, column, "a limit of an interval has no comparator"))
        if isinstance(low, Number) and isinstance(high, Number) and low.decimal > high.decimal:
            issues.append(problem(row.line, columns[0], f"{low.text} is above the upper limit {high.text}"))
    if row.ci_level is not None and (row.ci_level.comparator or not 0 < row.ci_level.decimal < 100):
        issues.append(problem(row.line, "ci_level", "is a percentage between 0 and 100, such as 95"))
    if row.p_value is not None and not 0 <= row.p_value.decimal <= 1:
        issues.append(problem(row.line, "p_value", f"{row.p_value.text} is not between 0 and 1"))
    if row.p_method and row.p_value is None:
        issues.append(problem(row.line, "p_method", "there is no p-value"))
    return issues


def _check_counts(row: Row) -> list[Issue]:
    issues: list[Issue] = []
    whole = row.denominator if row.denominator is not None else row.n
    if row.affected is not None and whole is not None and row.affected > whole:
        issues.append(problem(row.line, "affected", f"{row.affected} of {whole} is more than all"))
    if row.denominator is not None and row.n is not None and row.denominator > row.n:
        issues.append(problem(row.line, "denominator", f"{row.denominator} is more than the {row.n} participants"))
    if (row.time is None) != (row.time_unit is None):
        issues.append(problem(row.line, "time_unit", "a time has a number and a unit", code="required"))
    figures = (row.value, row.ci_low, row.ci_high, row.spread_low, row.spread_high)
    if row.unit and row.value and not any(isinstance(each, Number) for each in figures):
        issues.append(problem(row.line, "unit", "there is no number"))
    return issues
