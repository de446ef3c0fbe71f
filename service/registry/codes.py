"""Every URL and code that this registry gives to its trials, in one place.

Codes of others are those of R5 core and of HL7's terminology (https://terminology.hl7.org); where neither has a
code the concept is text only. The registry's own systems and extensions all hang under ``BASE``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

BASE: Final = "https://trial-registry.example.org/fhir"

# Identifier systems
RESULT_KEY: Final = f"{BASE}/NamingSystem/result-key"
NCT: Final = "http://clinicaltrials.gov"
EUDRACT: Final = "https://eudract.ema.europa.eu"
SPONSOR_STUDY: Final = f"{BASE}/NamingSystem/sponsor-study-number"
CTRP: Final = f"{BASE}/NamingSystem/ctrp"
STUDY_KEY: Final = f"{BASE}/NamingSystem/study-key"
DOI: Final = "https://doi.org"
PUBMED: Final = "https://pubmed.ncbi.nlm.nih.gov"

# Extensions; their contexts are in ``EXTENSION_CONTEXTS``
ESTIMATE_STATUS: Final = f"{BASE}/StructureDefinition/estimate-status"
RESULT_LOCATOR: Final = f"{BASE}/StructureDefinition/result-locator"
RESULT_QUOTATION: Final = f"{BASE}/StructureDefinition/result-quotation"
RESULT_SOURCE: Final = f"{BASE}/StructureDefinition/result-source"
RESULT_ORIGINAL: Final = f"{BASE}/StructureDefinition/result-original"
RESULT_NOTE: Final = f"{BASE}/StructureDefinition/result-note"
RESULT_COMPARATOR: Final = f"{BASE}/StructureDefinition/result-comparator"
MEASURED_OUTCOME: Final = f"{BASE}/StructureDefinition/measured-outcome"
DATA_ABSENT_REASON: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

EXTENSION_CONTEXTS: Final = {
    ESTIMATE_STATUS: ("Quantity",),
    RESULT_LOCATOR: ("Evidence.statistic", "Group.characteristic", "EvidenceVariable.characteristic", "Annotation"),
    RESULT_QUOTATION: ("Evidence.statistic", "Group.characteristic", "EvidenceVariable.characteristic", "Annotation"),
    MEASURED_OUTCOME: ("Evidence.variableDefinition",),
    RESULT_SOURCE: ("Group.characteristic", "EvidenceVariable.characteristic", "Annotation"),
    RESULT_ORIGINAL: ("Group.characteristic", "EvidenceVariable.characteristic", "Annotation"),
    RESULT_NOTE: ("Group.characteristic", "Annotation"),
    RESULT_COMPARATOR: ("Evidence.statistic.attributeEstimate",),
}

# Profiles that the resources of a trial conform to
REGISTRY_STUDY: Final = f"{BASE}/StructureDefinition/registry-study"
STUDY_ARM: Final = f"{BASE}/StructureDefinition/study-arm"
STUDY_POPULATION: Final = f"{BASE}/StructureDefinition/study-population"
ELIGIBILITY_CRITERIA: Final = f"{BASE}/StructureDefinition/eligibility-criteria"
OUTCOME_VARIABLE: Final = f"{BASE}/StructureDefinition/outcome-variable"
EXPOSURE_VARIABLE: Final = f"{BASE}/StructureDefinition/exposure-variable"
NON_COMPARATIVE_RESULT: Final = f"{BASE}/StructureDefinition/non-comparative-result"
COMPARATIVE_RESULT: Final = f"{BASE}/StructureDefinition/comparative-result"
ADVERSE_EVENT_RESULT: Final = f"{BASE}/StructureDefinition/adverse-event-result"
STUDY_RESULTS_REPORT: Final = f"{BASE}/StructureDefinition/study-results-report"
JOURNAL_ARTICLE: Final = f"{BASE}/StructureDefinition/journal-article"

# Own code systems
OUTCOME: Final = f"{BASE}/CodeSystem/outcome"
STATISTIC: Final = f"{BASE}/CodeSystem/statistic"
POPULATION_KIND: Final = f"{BASE}/CodeSystem/analysis-population"
AE_GRADE: Final = f"{BASE}/CodeSystem/ae-grade"
AE_ATTRIBUTION: Final = f"{BASE}/CodeSystem/ae-attribution"
ESTIMATE_STATUS_CODES: Final = f"{BASE}/CodeSystem/estimate-status"
CHARACTERISTIC: Final = f"{BASE}/CodeSystem/characteristic"

# Code systems of others
UCUM: Final = "http://unitsofmeasure.org"
NCIT: Final = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
SNOMED: Final = "http://snomed.info/sct"
SEVCO: Final = "https://fevir.net/sevco"
STATISTIC_TYPE: Final = "http://terminology.hl7.org/CodeSystem/statistic-type"
ATTRIBUTE_TYPE: Final = "http://terminology.hl7.org/CodeSystem/attribute-estimate-type"
VARIABLE_ROLE: Final = "http://terminology.hl7.org/CodeSystem/variable-role"
SYNTHESIS_TYPE: Final = "http://terminology.hl7.org/CodeSystem/synthesis-type"
STATISTIC_MODEL: Final = "http://hl7.org/fhir/statistic-model-code"
STUDY_PHASE: Final = "http://hl7.org/fhir/research-study-phase"
STUDY_PHASE_THO: Final = "http://terminology.hl7.org/CodeSystem/research-study-phase"
STUDY_STATUS: Final = "http://hl7.org/fhir/research-study-status"
STUDY_DESIGN: Final = "http://hl7.org/fhir/study-design"
PARTY_ROLE: Final = "http://hl7.org/fhir/research-study-party-role"
ARM_TYPE: Final = "http://hl7.org/fhir/research-study-arm-type"
PURPOSE: Final = "http://hl7.org/fhir/research-study-prim-purp-type"
OBJECTIVE: Final = "http://hl7.org/fhir/research-study-objective-type"
TITLE_TYPE: Final = "http://hl7.org/fhir/title-type"
REPORT_SECTION: Final = "http://hl7.org/fhir/evidence-report-section"
PUBLISHED_IN: Final = "http://hl7.org/fhir/published-in-type"
CONTRIBUTOR_SUMMARY: Final = "http://hl7.org/fhir/contributor-summary-type"


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a system, as it appears in a Coding."""

    system: str
    code: str
    display: str


def _pair(code: str, display: str, sevco: str, sevco_display: str) -> tuple[Code, ...]:
    return Code(STATISTIC_TYPE, code, display), Code(SEVCO, sevco, sevco_display)


_PROPORTION = _pair("C44256", "Proportion", "STATO:0000639", "percentage")


@dataclass(frozen=True, slots=True)
class StatisticKind:
    """A kind of statistic that a results table may hold: how it is coded and what shape its row has.

    ``compares``: two groups, with an exposure and a reference. ``shape``: ``number`` has a value (or a reason why
    not), ``p`` has only its p-value, ``words`` has only the words in which the paper describes the result.
    ``percent``: a comparison in per cent, where others have no unit.
    """

    text: str
    codes: tuple[Code, ...] = ()
    compares: bool = False
    shape: Literal["number", "p", "words"] = "number"
    at_time: bool = False
    percent: bool = False


STATISTICS: Final[dict[str, StatisticKind]] = {
    "median": StatisticKind("median", _pair("C28007", "Median", "STATO:0000574", "median")),
    "percentage": StatisticKind("percentage", _PROPORTION),
    "count": StatisticKind("count", _pair("C25463", "Count", "STATO:0000047", "count")),
    "hazard-ratio": StatisticKind(
        "hazard ratio", _pair("C93150", "Hazard Ratio", "STATO:0000677", "hazard ratio"), compares=True
    ),
    "mean": StatisticKind("mean", (Code(STATISTIC_TYPE, "C53319", "Mean"),)),
    "risk-ratio": StatisticKind("relative risk", (Code(STATISTIC_TYPE, "C93152", "Relative Risk"),), compares=True),
    "odds-ratio": StatisticKind("odds ratio", (Code(STATISTIC_TYPE, "C16932", "Odds Ratio"),), compares=True),
    "risk-difference": StatisticKind(
        "difference of percentages",
        (Code(STATISTIC_TYPE, "0000424", "Risk Difference"),),
        compares=True,
        percent=True,
    ),
    "survival-probability": StatisticKind("survival probability at a time", _PROPORTION, at_time=True),
    "cumulative-incidence": StatisticKind("cumulative incidence at a time", _PROPORTION, at_time=True),
    "test": StatisticKind("test of a difference", compares=True, shape="p"),
    "description": StatisticKind(
        "description in words", (Code(STATISTIC_TYPE, "descriptive", "Descriptive"),), shape="words"
    ),
}

CONFIDENCE_INTERVAL: Final = (
    Code(ATTRIBUTE_TYPE, "C53324", "Confidence interval"),
    Code(SEVCO, "STATO:0000196", "confidence interval"),
)
P_VALUE: Final = (Code(ATTRIBUTE_TYPE, "C44185", "P-value"), Code(SEVCO, "STATO:0000700", "p-value"))
SPREADS: Final[dict[str, tuple[Code, ...]]] = {
    "range": (Code(ATTRIBUTE_TYPE, "C38013", "Range"), Code(SEVCO, "STATO:0000035", "range")),
    "iqr": (Code(ATTRIBUTE_TYPE, "C53245", "Interquartile range"),),
    "unlabelled": (),
}
UNLABELLED: Final = "interval of a kind that is not stated"


@dataclass(frozen=True, slots=True)
class Method:
    """How an estimate was computed; a code where R5 has one (it has none for log-rank or Kaplan-Meier)."""

    text: str
    code: Code | None = None


METHODS: Final[dict[str, Method]] = {
    "kaplan-meier": Method("Kaplan-Meier"),
    "cox": Method(
        "Cox proportional hazards", Code(STATISTIC_MODEL, "coxProportionalHazards", "Cox Proportional Hazards")
    ),
    "log-rank": Method("log-rank test"),
    "stratified-log-rank": Method("stratified log-rank test"),
    "stratified": Method("stratified analysis"),
    "unstratified": Method("unstratified analysis"),
    "clopper-pearson": Method("exact binomial (Clopper-Pearson)"),
    "fisher-exact": Method("Fisher's exact test", Code(STATISTIC_MODEL, "fishersExactTest", "Fisher’s exact test")),
    "one-sided": Method("one-sided test"),
    "simon-makuch-60": Method("Simon-Makuch, landmark at 60 days"),
    "simon-makuch-71": Method("Simon-Makuch, landmark at 71 days"),
    "wilcoxon": Method("Wilcoxon test"),
    "competing-risks": Method("cumulative incidence with relapse as a competing risk"),
    "hsct-censored": Method("censored at transplantation"),
    "hsct-not-censored": Method("not censored at transplantation"),
}


@dataclass(frozen=True, slots=True)
class AbsentStatus:
    """Why there is no number: our own status and the reason that plain FHIR clients understand."""

    code: str
    display: str
    data_absent_reason: str


ABSENT: Final[dict[str, AbsentStatus]] = {
    "NE": AbsentStatus("not-estimable", "Not estimable", "unknown"),
    "NR": AbsentStatus("not-reached", "Not reached", "unknown"),
    "NA": AbsentStatus("not-applicable", "Not applicable", "not-applicable"),
    "Not reported": AbsentStatus("not-reported", "Not reported", "unknown"),
}

# UCUM codes and what people read; a unit in braces counts things, and its UCUM code is 1.
UNITS: Final[dict[str, str]] = {
    "%": "%",
    "mo": "months",
    "d": "days",
    "a": "years",
    "mg/d": "mg per day",
    "ug/d": "µg per day",
    "ug/m2/d": "µg/m² per day",
    "{cycle}": "cycles",
}

GRADES: Final[dict[str, tuple[str, str | None]]] = {
    "1": ("Grade 1", "C41338"),
    "2": ("Grade 2", "C41339"),
    "3": ("Grade 3", "C41340"),
    "4": ("Grade 4", "C41337"),
    "5": ("Grade 5 (fatal)", "C48275"),
    "lt3": ("Below grade 3", None),
    "ge2": ("Grade 2 or higher", None),
    "ge3": ("Grade 3 or higher", None),
    "3-4": ("Grade 3 or 4", None),
}

ATTRIBUTIONS: Final[dict[str, str]] = {
    "treatment-emergent": "Treatment-emergent",
    "treatment-related": "Treatment-related",
    "unrelated": "Not related to treatment",
}

Section = Literal["participants", "efficacy", "harms"]


@dataclass(frozen=True, slots=True)
class OutcomeCode:
    """A concept of our outcome code system and the section of the report that its results belong to.

    ``code`` is what the papers call it, and what is searched for: ``EFS``.
    """

    display: str
    section: Section
    code: str


OUTCOMES: Final[dict[str, OutcomeCode]] = {
    "participants": OutcomeCode("Participants", "participants", "participants"),
    "baseline": OutcomeCode("Baseline characteristic", "participants", "baseline"),
    "treatment-course": OutcomeCode("Course of treatment", "participants", "treatment-course"),
    "follow-up": OutcomeCode("Duration of follow-up", "participants", "follow-up"),
    "os": OutcomeCode("Overall survival", "efficacy", "OS"),
    "efs": OutcomeCode("Event-free survival", "efficacy", "EFS"),
    "rfs": OutcomeCode("Relapse-free survival", "efficacy", "RFS"),
    "dfs": OutcomeCode("Disease-free survival", "efficacy", "DFS"),
    "pfs": OutcomeCode("Progression-free survival", "efficacy", "PFS"),
    "dor": OutcomeCode("Duration of remission", "efficacy", "DoR"),
    "cr": OutcomeCode("Complete remission", "efficacy", "CR"),
    "crh": OutcomeCode("Complete remission with partial recovery of blood counts", "efficacy", "CRh"),
    "cri": OutcomeCode("Complete remission with incomplete recovery of blood counts", "efficacy", "CRi"),
    "cr-crh": OutcomeCode("Complete remission, or with partial recovery of blood counts", "efficacy", "CR-CRh"),
    "cr-crh-cri": OutcomeCode(
        "Complete remission, or with partial or incomplete recovery of blood counts", "efficacy", "CR-CRh-CRi"
    ),
    "cr-cri": OutcomeCode("Complete remission, or with incomplete recovery of blood counts", "efficacy", "CR-CRi"),
    "response": OutcomeCode("Response to treatment, as its source defines it", "efficacy", "response"),
    "no-remission": OutcomeCode(
        "No remission: progression, stable disease or not assessed", "efficacy", "no-remission"
    ),
    "mrd-response": OutcomeCode("Response of measurable residual disease", "efficacy", "MRD-response"),
    "mrd-remission": OutcomeCode("Remission of measurable residual disease", "efficacy", "MRD-remission"),
    "relapse": OutcomeCode("Relapse", "efficacy", "relapse"),
    "events": OutcomeCode("Events of the event-free survival analysis", "efficacy", "events"),
    "death": OutcomeCode("Death", "efficacy", "death"),
    "allo-hsct": OutcomeCode("Allogeneic haematopoietic stem cell transplantation", "efficacy", "alloHSCT"),
    "later-therapy": OutcomeCode("Therapy after the study treatment", "efficacy", "later-therapy"),
    "transplant-mortality": OutcomeCode("Mortality after transplantation", "harms", "transplant-mortality"),
    "ae": OutcomeCode("Adverse event", "harms", "AE"),
    "ae-resolution": OutcomeCode("Time to resolution of an adverse event", "harms", "AE-resolution"),
    "ae-discontinuation": OutcomeCode("Treatment stopped because of an adverse event", "harms", "AE-discontinuation"),
    "other": OutcomeCode("Another outcome", "efficacy", "other"),
}

SECTIONS: Final[dict[Section, tuple[str, Code | None]]] = {
    "participants": ("Participants and treatment", None),
    "efficacy": ("Efficacy", Code(REPORT_SECTION, "Efficacy-outcomes", "Efficacy-outcomes")),
    "harms": ("Harms", Code(REPORT_SECTION, "Harms-outcomes", "Harms outcomes")),
}

GROUP_KINDS: Final[dict[str, str]] = {
    "arm": "Study arm",
    "analysis": "Analysis population",
    "subgroup": "Subgroup",
}

CHARACTERISTICS: Final[dict[str, str]] = {
    "arm": "Study arm",
    "parent-population": "Subgroup of",
    "definition": "Definition",
    "eligibility": "Eligibility criterion",
    "age": "Age",
    "dose": "Dose",
    "cycles": "Number of cycles",
}
