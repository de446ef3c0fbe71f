"""The values of ClinicalTrials.gov's enumerations and what they are in FHIR.

https://clinicaltrials.gov/data-api/about-api/study-data-structure#enums. A value that is not here is kept in words.
"""

from __future__ import annotations

from typing import Final

from service.registry import codes
from service.registry.codes import Code

SITE: Final = "https://clinicaltrials.gov"
REGISTRATION: Final = "http://hl7.org/fhir/StructureDefinition/researchStudy-studyRegistration"
ACTIVITY: Final = "http://hl7.org/fhir/research-study-registration-activity"
ORGANIZATION_TYPE: Final = "http://hl7.org/fhir/research-study-party-organization-type"


def words(value: str) -> str:
    """An enumeration's value for people: ``ACTIVE_COMPARATOR`` is Active comparator; other texts stay as they are."""
    return value.replace("_", " ").capitalize() if value.isupper() and ("_" in value or len(value) > 3) else value


STATES: Final = {
    "RECRUITING": Code(codes.STUDY_STATUS, "recruiting", "Recruiting"),
    "NOT_YET_RECRUITING": Code(codes.STUDY_STATUS, "not-yet-recruiting", "Not yet recruiting"),
    "ENROLLING_BY_INVITATION": Code(codes.STUDY_STATUS, "enrolling-by-invitation", "Enrolling by invitation"),
    "ACTIVE_NOT_RECRUITING": Code(codes.STUDY_STATUS, "active-but-not-recruiting", "Active, not recruiting"),
    "COMPLETED": Code(codes.STUDY_STATUS, "completed", "Completed"),
    "TERMINATED": Code(codes.STUDY_STATUS, "terminated", "Terminated"),
    "WITHDRAWN": Code(codes.STUDY_STATUS, "withdrawn", "Withdrawn"),
    "SUSPENDED": Code(codes.STUDY_STATUS, "temporarily-closed-to-accrual", "Temporarily Closed to Accrual"),
}
OVERALL: Final = Code(codes.STUDY_STATUS, "overall-study", "Overall study")
ACTUAL: Final = {"ACTUAL": True, "ESTIMATED": False}

_PHASES: Final = {
    ("NA",): ("n-a", "N/A"),
    ("EARLY_PHASE1",): ("early-phase-1", "Early Phase 1"),
    ("PHASE1",): ("phase-1", "Phase 1"),
    ("PHASE1", "PHASE2"): ("phase-1-phase-2", "Phase 1/Phase 2"),
    ("PHASE2",): ("phase-2", "Phase 2"),
    ("PHASE2", "PHASE3"): ("phase-2-phase-3", "Phase 2/Phase 3"),
    ("PHASE3",): ("phase-3", "Phase 3"),
    ("PHASE4",): ("phase-4", "Phase 4"),
}
PHASES: Final = {
    phases: (Code(codes.STUDY_PHASE, code, display), Code(codes.STUDY_PHASE_THO, code, display))
    for phases, (code, display) in _PHASES.items()
}

PURPOSES: Final = {
    name.upper().replace(" ", "_"): Code(codes.PURPOSE, name.lower().replace(" ", "-"), name)
    for name in (
        "Treatment",
        "Prevention",
        "Diagnostic",
        "Supportive Care",
        "Screening",
        "Health Services Research",
        "Basic Science",
        "Device Feasibility",
    )
}

DESIGNS: Final = {
    "INTERVENTIONAL": Code(codes.STUDY_DESIGN, "SEVCO:01001", "Interventional research"),
    "OBSERVATIONAL": Code(codes.STUDY_DESIGN, "SEVCO:01002", "Observational research"),
    "EXPANDED_ACCESS": Code(codes.STUDY_DESIGN, "SEVCO:01038", "Expanded Access study"),
    "RANDOMIZED": Code(codes.STUDY_DESIGN, "SEVCO:01003", "randomized assignment"),
    "NON_RANDOMIZED": Code(codes.STUDY_DESIGN, "SEVCO:01005", "Non-randomized assignment"),
    "PARALLEL": Code(codes.STUDY_DESIGN, "SEVCO:01011", "Parallel cohort design"),
    "CROSSOVER": Code(codes.STUDY_DESIGN, "SEVCO:01012", "Crossover cohort design"),
    "SINGLE_GROUP": Code(codes.STUDY_DESIGN, "SEVCO:01016", "Uncontrolled cohort design"),
    "CASE_CONTROL": Code(codes.STUDY_DESIGN, "SEVCO:01013", "Case control design"),
    "FAMILY_BASED": Code(codes.STUDY_DESIGN, "SEVCO:01020", "Family study design"),
    "ECOLOGIC_OR_COMMUNITY": Code(codes.STUDY_DESIGN, "SEVCO:01044", "Ecological design"),
    "CROSS_SECTIONAL": Code(codes.STUDY_DESIGN, "SEVCO:01027", "Cross sectional data collection "),
}
MASKED: Final = {
    "PARTICIPANT": Code(codes.STUDY_DESIGN, "SEVCO:01060", "Blinding of study participants"),
    "CARE_PROVIDER": Code(codes.STUDY_DESIGN, "SEVCO:01061", "Blinding of intervention providers"),
    "OUTCOMES_ASSESSOR": Code(codes.STUDY_DESIGN, "SEVCO:01062", "Blinding of outcome assessors"),
}

ARMS: Final = {
    "EXPERIMENTAL": Code(codes.ARM_TYPE, "experimental", "Experimental"),
    "ACTIVE_COMPARATOR": Code(codes.ARM_TYPE, "active-comparator", "Active Comparator"),
    "PLACEBO_COMPARATOR": Code(codes.ARM_TYPE, "placebo-comparator", "Placebo Comparator"),
    "SHAM_COMPARATOR": Code(codes.ARM_TYPE, "sham-comparator", "Sham Comparator"),
    "NO_INTERVENTION": Code(codes.ARM_TYPE, "no-intervention", "No Intervention"),
    "OTHER": Code(codes.ARM_TYPE, "other-arm-type", "Other Arm Type"),
}
COMPARATORS: Final = frozenset({"ACTIVE_COMPARATOR", "PLACEBO_COMPARATOR", "SHAM_COMPARATOR", "NO_INTERVENTION"})

AGENCIES: Final = {
    "NIH": Code(ORGANIZATION_TYPE, "nih", "NIH"),
    "FED": Code(ORGANIZATION_TYPE, "government", "Government"),
    "OTHER_GOV": Code(ORGANIZATION_TYPE, "government", "Government"),
    "INDUSTRY": Code(ORGANIZATION_TYPE, "industry", "Industry"),
}

PARAMETERS: Final = {
    "MEAN": codes.STATISTICS["mean"].codes,
    "MEDIAN": codes.STATISTICS["median"].codes,
    "COUNT_OF_PARTICIPANTS": codes.STATISTICS["count"].codes,
}
STANDARD_DEVIATION: Final = (Code(codes.ATTRIBUTE_TYPE, "C53322", "Standard deviation"),)
STANDARD_ERROR: Final = (Code(codes.ATTRIBUTE_TYPE, "0000037", "Standard error of the mean"),)

RATIOS: Final = {
    "hazard ratio (hr)": "hazard-ratio",
    "hazard ratio": "hazard-ratio",
    "cox proportional hazard": "hazard-ratio",
    "odds ratio (or)": "odds-ratio",
    "odds ratio": "odds-ratio",
    "risk ratio (rr)": "risk-ratio",
    "risk ratio": "risk-ratio",
    "relative risk": "risk-ratio",
}
METHODS: Final = {"Regression, Cox": "cox", "Fisher Exact": "fisher-exact", "Log Rank": "log-rank"}

OUTCOMES: Final = {
    "overall survival": "os",
    "event-free survival": "efs",
    "event free survival": "efs",
    "relapse-free survival": "rfs",
    "relapse free survival": "rfs",
    "disease-free survival": "dfs",
    "disease free survival": "dfs",
    "progression-free survival": "pfs",
    "progression free survival": "pfs",
}
"""Words in the title of an outcome measure -> what it is; anything else is another outcome."""


def outcome_code(title: str) -> str:
    """What an outcome measure measures, as far as its title says so beyond doubt."""
    lower = title.casefold()
    found = {code for phrase, code in OUTCOMES.items() if phrase in lower}
    return found.pop() if len(found) == 1 else "other"


UCUM: Final = {
    "years": "a",
    "year": "a",
    "months": "mo",
    "month": "mo",
    "weeks": "wk",
    "week": "wk",
    "days": "d",
    "day": "d",
    "hours": "h",
    "hour": "h",
    "minutes": "min",
    "minute": "min",
    "mg/l": "mg/L",
    "mg/dl": "mg/dL",
    "ng/ml": "ng/mL",
    "pg/ml": "pg/mL",
    "µg/ml": "ug/mL",
    "ug/ml": "ug/mL",
    "kg/m^2": "kg/m2",
    "kg/m2": "kg/m2",
    "kilograms": "kg",
    "kg": "kg",
    "cm": "cm",
    "mmhg": "mm[Hg]",
}
"""Units of measure, without capitals -> the code of UCUM (https://ucum.org), for those that are one."""
