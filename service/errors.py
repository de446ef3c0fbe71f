"""The errors of the registry, all of them values that say what is wrong and where.

::

    RegistryError
    ├── Invalid                 the request or the resource in it is wrong
    │   ├── TooLarge            a body or resource over a limit
    │   ├── Unprocessable       well-formed, but the rules of FHIR or of a profile forbid it
    │   └── NotSupported        correct FHIR that this server does not do
    ├── Forbidden               the operator of this server does not allow it
    ├── NotFound                nothing is known under this name
    │   └── Gone                it was known and has been deleted
    ├── Conflict                the state of the registry forbids it
    │   ├── PreconditionFailed  a condition of the request does not hold
    │   └── Locked              another process holds the store
    ├── NotAcceptable           no representation that the client accepts
    ├── UnsupportedMedia        a body in a format that is not understood here
    │   └── UnsupportedCoding   a body packed in a way that is not understood here
    └── Unavailable             the store does not answer

Each has the HTTP status that a client sees and carries the issues of the OperationOutcome that the client receives
(https://hl7.org/fhir/R5/operationoutcome.html); ``service/api/errors.py`` makes the response.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""HTTP statuses of another server that may be over when it is asked again."""

Severity = Literal["fatal", "error", "warning", "information", "success"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue of an OperationOutcome.

    ``code`` is an issue type (https://hl7.org/fhir/R5/codesystem-issue-type.html), ``expression`` the FHIRPath
    location in the resource, or the name of the HTTP parameter or header, that it is about; ``rule`` the key of
    the rule that was broken, as far as it has one (an invariant's key, or the kind of check); ``profile`` the URL of
    the profile that has the rule, None for what FHIR itself demands.
    """

    severity: Severity
    code: str
    diagnostics: str
    expression: tuple[str, ...] = ()
    rule: str | None = None
    profile: str | None = None


class RegistryError(Exception):
    """Any error that a client is told about; ``issues`` is never empty. ``headers`` go with the response."""

    default_code: ClassVar[str] = "exception"
    status: ClassVar[int] = 500
    headers: ClassVar[Mapping[str, str]] = {}

    def __init__(self, problem: str | Sequence[Issue], *, code: str | None = None, expression: str | None = None):
        if isinstance(problem, str):
            where = (expression,) if expression else ()
            problem = [Issue("error", code or self.default_code, problem, where)]
        self.issues: tuple[Issue, ...] = tuple(problem)
        super().__init__("; ".join(issue.diagnostics for issue in self.issues))


class Invalid(RegistryError):
    """The request is malformed."""

    default_code = "invalid"
    status = 400


class TooLarge(Invalid):
    """A body or a resource is over a limit."""

    default_code = "too-long"
    status = 413


class Unprocessable(Invalid):
    """A well-formed resource that breaks a rule of FHIR, of a profile or of this registry."""

    default_code = "processing"
    status = 422


class NotSupported(Invalid):
    """Correct FHIR that this server does not do."""

    default_code = "not-supported"
    status = 400


class Forbidden(RegistryError):
    """A setting of this server does not allow it."""

    default_code = "forbidden"
    status = 403


class NotFound(RegistryError):
    """Nothing is known under this name."""

    default_code = "not-found"
    status = 404


class Gone(NotFound):
    """It was known and has been deleted."""

    default_code = "deleted"
    status = 410


class Conflict(RegistryError):
    """The state of the registry forbids it."""

    default_code = "conflict"
    status = 409


class PreconditionFailed(Conflict):
    """A condition that the request sets does not hold."""

    default_code = "conflict"
    status = 412


class Locked(Conflict):
    """Another process holds what is needed."""

    default_code = "lock-error"
    status = 423


class NotAcceptable(RegistryError):
    """No representation that the client accepts."""

    default_code = "not-supported"
    status = 406


class UnsupportedMedia(RegistryError):
    """A body in a format that is not understood here."""

    default_code = "not-supported"
    status = 415


class UnsupportedCoding(UnsupportedMedia):
    """A body packed in a way that is not understood here; the header says which are (RFC 9110, 12.5.3)."""

    headers: ClassVar[Mapping[str, str]] = {"accept-encoding": "gzip"}


class Unavailable(RegistryError):
    """The store does not answer."""

    default_code = "transient"
    status = 503
    headers: ClassVar[Mapping[str, str]] = {"retry-after": "1"}
