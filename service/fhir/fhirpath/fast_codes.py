"""Codes over plain JSON: ``type.coding.where(code = 'a' or code = 'b').exists()``, by which most parameters choose."""

from __future__ import annotations

from typing import Any

from service.fhir.fhirpath.fast import Codes, Condition, Path, only_member
from service.fhir.fhirpath.syntax import Binary, Literal, Member, Syntax


def asked_texts(tree: Syntax) -> tuple[Member, set[str]] | None:
    """The member and the texts of ``code = 'a' or code = 'b' or ...``, None if it is anything else."""
    texts, waiting = set[str](), [tree]
    member: Member | None = None
    while waiting:
        each = waiting.pop()
        if isinstance(each, Binary) and each.operator == "or":
            waiting += [each.left, each.right]
            continue
        if not isinstance(each, Binary) or each.operator != "=" or not isinstance(each.left, Member):
            return None
        text = each.right.value if isinstance(each.right, Literal) else None
        if not isinstance(text, str) or (member is not None and member.name != each.left.name):
            return None
        member = each.left
        texts.add(text)
    return None if member is None else (member, texts)


def some(path: Path, condition: Condition, codes: Codes | None) -> Condition:
    """Whether a condition holds for some value of a path; ``codes`` are the member and the texts that it asks for."""
    if codes is not None:
        return _some_text(path, *codes)
    get = path.get

    def decide(value: dict[str, Any]) -> bool:
        for item in get(value):  # noqa: SIM110  # a generator costs more than most conditions
            if condition(item):
                return True
        return False

    return decide


def _some_text(path: Path, member: str, texts: frozenset[str]) -> Condition:
    get = path.get
    concept = only_member(path.before) if path.before is not None else None
    if concept is None or not path.repeats or not isinstance(path.label, str):

        def has_text(value: dict[str, Any]) -> bool:
            for item in get(value):  # noqa: SIM110  # the same
                if item.get(member) in texts:
                    return True
            return False

        return has_text
    coding = path.label

    def has_code(value: dict[str, Any]) -> bool:
        owner = value.get(concept)
        if owner is not None:
            for item in owner.get(coding) or ():
                if item is not None and item.get(member) in texts:
                    return True
        return False

    return has_code
