"""The operations of this server (https://hl7.org/fhir/R5/operations.html): their definitions and their code.

The definitions are those of FHIR itself and those of the registry's package; the routes, the OpenAPI description and
the capability statement follow from them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from service.fhir import definitions
from service.operations import (
    code_system_lookup,
    code_system_subsumes,
    code_system_validate_code,
    concept_map_translate,
    diff,
    everything,
    import_ctgov,
    import_table,
    meta,
    reindex,
    table_formats,
    validate,
    value_set_expand,
    value_set_validate_code,
    versions,
)
from service.operations.call import Call
from service.operations.inputs import Inputs, Parameter, parameters_of
from service.operations.table_formats import Streamed
from service.registry.package import resources

Code = Callable[[Call], Awaitable[bytes]]
Other = Callable[[Call], Awaitable[str | Streamed]]

OWN: Final[Mapping[str, Mapping[str, Code]]] = {
    "diff": {"GET": diff.diff, "POST": diff.diff},
    "everything": {"GET": everything.everything, "POST": everything.everything},
    "import-ctgov": {"POST": import_ctgov.import_ctgov},
    "import-table": {"POST": import_table.import_table},
    "reindex": {"GET": lambda call: reindex.status(call.engine), "POST": lambda call: reindex.start(call.engine)},
    "table": {"GET": table_formats.as_binary, "POST": table_formats.as_binary},
}
"""Operation of the registry's package -> method -> what is done."""
LATER: Final = frozenset({"export", "import"})
"""Operations of the registry's package that are answered later: jobs, whose endpoints are ``service/api``'s own."""
OTHERS: Final[Mapping[str, Mapping[str, Other]]] = {
    "diff": {"text": diff.diff_text},
    "table": {
        "csv": table_formats.as_csv,
        "ndjson": table_formats.as_ndjson,
        "parquet": table_formats.as_parquet,
        "csvm": table_formats.as_dictionary,
    },
}
"""Operation -> the formats beside those of FHIR that it answers in -> how."""
PREFERRED: Final[Mapping[str, str]] = {"table": "csv"}
"""Operation -> the format for clients that will take any, where it is none of FHIR."""
FILES: Final[Mapping[str, Mapping[str, str]]] = {"import-table": {"text/csv": "table"}}
"""Operation -> media types of a body that is no resource -> the parameter whose value it is."""
OFFICIAL: Final[Mapping[str, Code]] = {
    "CapabilityStatement-versions": versions.versions,
    "CodeSystem-lookup": code_system_lookup.lookup,
    "CodeSystem-subsumes": code_system_subsumes.subsumes,
    "CodeSystem-validate-code": code_system_validate_code.validate_code,
    "ConceptMap-translate": concept_map_translate.translate,
    "Resource-meta": meta.meta,
    "Resource-meta-add": meta.meta_add,
    "Resource-meta-delete": meta.meta_delete,
    "Resource-validate": validate.validate,
    "ValueSet-expand": value_set_expand.expand,
    "ValueSet-validate-code": value_set_validate_code.validate_code,
}
"""Operation of FHIR R5, by the id of its definition -> what is done, by POST, and by GET where no state is affected."""

# R5 defines these as uri, and its text speaks of a code, a Coding and a CodeableConcept.
_TYPES: Final = {"targetCode": "code", "targetCoding": "Coding", "targetCodeableConcept": "CodeableConcept"}
_BOOLEAN: Final = {"use": "in", "max": "1", "type": "boolean"}
# What R6 adds, and what terminology servers take since long.
_ADDED: Final[Mapping[str, list[dict[str, str]]]] = {
    "ValueSet-validate-code": [{"name": name, **_BOOLEAN} for name in ("inferSystem", "activeOnly")],
    "Resource-validate": [{"name": "profile", "use": "in", "max": "*", "type": "canonical"}],
}
# On the system the resource itself says of which type it is.
_WIDER: Final[Mapping[str, Mapping[str, bool]]] = {"Resource-validate": {"system": True}}
ANY: Final = "Resource"
"""The type of an operation that every resource type has."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation: ``levels`` are system, type and instance, as far as it has them, ``types`` the resource types.

    ``others`` are its answers in formats beside those of FHIR, ``preferred`` the one of them for clients that take
    any; ``files`` are the media types of bodies that are no resource, and the parameter that each is. ``methods`` is
    empty where it is answered later.
    """

    code: str
    url: str
    title: str
    methods: Mapping[str, Code]
    levels: frozenset[str]
    types: tuple[str, ...]
    parameters: Mapping[str, Parameter]
    affects_state: bool
    others: Mapping[str, Other] = field(default_factory=dict)
    preferred: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    criteria: bool = False

    @property
    def places(self) -> tuple[tuple[str, str | None], ...]:
        """The paths below the base, where ``{id}`` is that of an instance, and the resource type of each.

        The type is None for the system, and where the path has ``{type}`` because any will do.
        """
        found: list[tuple[str, str | None]] = [(f"/${self.code}", None)] if "system" in self.levels else []
        for type_ in self.types:
            path, known = ("/{type}", None) if type_ == ANY else (f"/{type_}", type_)
            found += [(f"{path}/${self.code}", known)] if "type" in self.levels else []
            found += [(f"{path}/{{id}}/${self.code}", known)] if "instance" in self.levels else []
        return tuple(found)

    @property
    def everywhere(self) -> tuple[str | None, ...]:
        """The resource types of which it can be asked, and None for the system."""
        types = definitions.resource_types() if ANY in self.types else self.types
        types = types if self.levels & {"type", "instance"} else ()
        return (*types, None) if "system" in self.levels else types

    def inputs(self, type_: str | None, id_: str | None) -> Inputs:
        """Return a place for the parameters of a request on an instance, a type, or (both None) the system."""
        level = "instance" if id_ is not None else "type" if type_ is not None else "system"
        return Inputs(self.code, self.parameters, level, criteria=self.criteria)


@cache
def operations() -> tuple[Operation, ...]:
    """Return all operations, sorted by type and code; KeyError where one is defined but not done."""
    found = [
        _operation(each, {} if each["code"] in LATER else OWN[each["code"]])
        for each in resources("OperationDefinition")
    ]
    for name, code in OFFICIAL.items():
        definition = {**definitions.operation(name), **_WIDER.get(name, {})}
        added = {(each["name"], each["use"]): each for each in (*definition["parameter"], *_ADDED.get(name, ()))}
        found.append(_operation({**definition, "parameter": added.values()}, _by_method(definition, code)))
    return tuple(sorted(found, key=lambda each: (each.types, each.code)))


def find_operation(code: str) -> Operation:
    """Return the operation of a code that there is only one of."""
    return next(each for each in operations() if each.code == code)


def _by_method(definition: Mapping[str, Any], code: Code) -> Mapping[str, Code]:
    return {"POST": code} if definition["affectsState"] else {"GET": code, "POST": code}


def _operation(definition: Mapping[str, Any], methods: Mapping[str, Code]) -> Operation:
    return Operation(
        definition["code"],
        definition["url"],
        definition["title"],
        methods,
        frozenset(level for level in ("system", "type", "instance") if definition[level]),
        tuple(definition.get("resource", ())),
        parameters_of(definition.get("parameter", ()), _TYPES),
        bool(definition["affectsState"]),
        OTHERS.get(definition["code"], {}),
        PREFERRED.get(definition["code"]),
        FILES.get(definition["code"], {}),
        any("searchType" in each for each in definition.get("parameter", ())),
    )
