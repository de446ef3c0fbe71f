"""Run the official FHIRPath cases and say which fail, and why.

    python tools/fhirpath_cases.py PATH

PATH is a folder with ``fhirpath_r5.json`` (a list of cases, made of the public test cases of HL7) and the resources
that they name. A case that expects an error must raise one; where the error is ``semantic`` the expression is compiled
strictly, because only then is an unknown element an error.
"""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from service.errors import RegistryError
from service.fhir import fhirpath
from service.fhir.fhirpath import Node, Quantity, Temporal, system_value
from service.fhir.fhirpath.equality import equal
from service.fhir.fhirpath.model import public_name
from service.fhir.fhirpath.temporal import parse
from service.fhir.json import loads

_SYSTEM = {
    "boolean": "Boolean",
    "integer": "Integer",
    "decimal": "Decimal",
    "string": "String",
    "date": "Date",
    "dateTime": "DateTime",
    "time": "Time",
}


def expected(output: dict[str, Any]) -> object:
    """The System value that a case expects."""
    kind, text = output["type"], str(output["value"]).removeprefix("@")
    if kind == "boolean":
        return text.lower() == "true"
    if kind == "integer":
        return int(text)
    if kind == "decimal":
        return Decimal(text)
    if kind in ("date", "dateTime", "time"):
        return parse(text, {"date": "Date", "dateTime": "DateTime", "time": "Time"}[kind])
    return Quantity.parse(text) if kind == "Quantity" else text


def agrees(node: Node, output: dict[str, Any]) -> bool:
    """Whether a node is what a case expects: the type, and the value with its precision."""
    value, wanted = system_value(node), expected(output)
    namespace, name = public_name(node.type)
    named = output["type"] == name or (namespace == "System" and _SYSTEM.get(output["type"], "Quantity") == name)
    if not named and not (isinstance(value, Temporal) and isinstance(wanted, Temporal)):
        return False
    if isinstance(wanted, Temporal) and isinstance(value, Temporal):
        return len(wanted.parts) == len(value.parts) and wanted.parts == value.parts and wanted.offset == value.offset
    if isinstance(wanted, Quantity) and isinstance(value, Quantity):
        return wanted.value == value.value and wanted.unit == value.unit
    return bool(type(value) is type(wanted) or isinstance(value, Decimal)) and value == wanted


def run(case: dict[str, Any], folder: Path) -> str | None:
    """What is wrong with the outcome of a case, None if it is right."""
    resource = loads((folder / case["input"]).read_bytes()) if case["input"] else {"resourceType": "Basic"}
    strict = case.get("mode") == "strict" or case["invalid"] == "semantic"
    root_type = resource["resourceType"] if case["input"] else None
    try:
        found = fhirpath.compile(case["expression"], root_type, strict=strict)(resource)
    except RegistryError as problem:
        return None if case["invalid"] else f"{type(problem).__name__}: {problem}"
    if case["invalid"]:
        return f"no {case['invalid']} error, but {found}"
    if case.get("predicate") == "true":
        found = [Node(bool(found), "System.Boolean")]
    outputs = case["outputs"]
    if len(found) != len(outputs):
        return f"{found} instead of {outputs}"
    if case.get("ordered") == "false":
        same = all(any(agrees(node, output) for node in found) for output in outputs)
    else:
        same = all(agrees(node, output) for node, output in zip(found, outputs, strict=True))
    return None if same and equal(found, found) is not False else f"{found} instead of {outputs}"


def main() -> int:
    """Run all cases of the folder that is named on the command line."""
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    folder = Path(sys.argv[1])
    cases = json.loads((folder / "fhirpath_r5.json").read_text("utf-8"))
    usable = [case for case in cases if not case.get("unusable")]
    failures = [(case, problem) for case in usable if (problem := run(case, folder)) is not None]
    for case, problem in failures:
        print(f"{case['group']}/{case['name']}: {' '.join(case['expression'].split())}\n    {problem}")
    print(f"{len(usable) - len(failures)} of {len(usable)} cases pass, {len(failures)} fail")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
