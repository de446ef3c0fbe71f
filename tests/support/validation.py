"""Validation as most tests want it."""

from __future__ import annotations

from typing import Any

from service.errors import Issue
from service.profiles import base
from service.profiles.rules import extension


def check(resource: dict[str, Any]) -> list[Issue]:
    """``base.check`` without dom-6: resources made for a test have no narrative, and nobody should have to say so."""
    return [issue for issue in base.check(resource) if issue.rule != "dom-6"]


def check_structure(resource: dict[str, Any]) -> list[Issue]:
    """``base.check`` without the invariants, which a test about something else may well break; ext-1 counts in."""
    return [issue for issue in base.check(resource) if issue.code != "invariant" or issue.rule == extension.RULE]
