"""Why our errors and the HL7 validator's differ, kind by kind, with the page of R5 that decides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

EXPLAINED: Final[Mapping[str, tuple[str, str]]] = {
    "ours: ele-1": (
        "an element with nothing but an id has no content; HL7's engine never says so",
        "element.html#invs",
    ),
    "ours: dom-[245]": (
        "holds for every DomainResource; HL7's engine takes constraints from the snapshots of the package, where those "
        "of Citation, Evidence, CodeSystem and others lack what they inherit",
        "domainresource.html#invs",
    ),
    "ours: reference": (
        "the type in a literal reference is not permitted; HL7's engine looks at targets only where it can fetch them",
        "references.html#literal",
    ),
    "ours: target": (
        "the same for the targetProfile of a profile",
        "elementdefinition-definitions.html#ElementDefinition.type.targetProfile",
    ),
    "ours: bundle": (
        "a fullUrl that is not the URL of its resource; HL7's engine reports it at the first entry, whichever has it",
        "bundle.html#bundle-unique",
    ),
    "HL7: BUNDLE_ENTRY_URL_MATCHES_TYPE_ID": (
        "the other side of the same",
        "bundle.html#bundle-unique",
    ),
    "HL7: BUNDLE_BUNDLE_ENTRY_NOTFOUND_CANNOT": (
        "a relative reference from an entry with a wrong fullUrl, which still has the form of a RESTful one: its "
        "base leads to the entry",
        "bundle.html#references",
    ),
    "ours: slicing": (
        "slices without a discriminator, or with one that leads nowhere; HL7's engine looks for it in the snapshot",
        "profiling.html#discriminator",
    ),
    "ours: extension": (
        "an extension under HL7's own URL that no package defines; HL7's engine says so in a message that is not "
        "compared, because much of what it cannot find is in packages that it does not have",
        "extensibility.html#Extension",
    ),
    "HL7: Display_Name_for__should_be_one_of__instead_of": (
        "a display that the code system does not have is a warning here: what follows from it is left to the server",
        "codesystem-operation-validate-code.html",
    ),
    "HL7: CONCEPTMAP_GROUP_*_CODE_INVALID": (
        "a code of an HL7 v3 system that is not known here, which is a warning",
        "conceptmap-definitions.html#ConceptMap.group.target",
    ),
    "HL7: MEASURE_M_CRITERIA_CQL_NO_LIB": (
        "that criteria in CQL need a library is in no constraint, and CQL is not run here",
        "measure-definitions.html#Measure.group.population.criteria",
    ),
    "HL7: Extension_EXTP_Context_Wrong_VER": (
        "contexts for some versions of FHIR only, in a package of extensions that is newer than the examples",
        "defining-extensions.html#context",
    ),
    "HL7: EXTENSION_FHIR_VERSION_LATEST": (
        "the same for a whole extension",
        "defining-extensions.html#context",
    ),
    "HL7: ED_INVARIANT_EXPRESSION_ERROR": (
        "eld-11 of R5 asks a collection what only one string has; here it is reported as not evaluated",
        "elementdefinition.html#invs",
    ),
    "HL7: ED_INVARIANT_KEY_ALREADY_USED": (
        "depends on what the engine has read before; keys are unique within one definition",
        "elementdefinition-definitions.html#ElementDefinition.constraint.key",
    ),
    "HL7: SD_ED_TYPE_PROFILE_WRONG": (
        "a section with a profile of Composition: what a profile names is looked up when the profile is used",
        "elementdefinition-definitions.html#ElementDefinition.type.profile",
    ),
    "HL7: SD_PATH_NOT_VALID": (
        "the same fault as our slicing, found in the snapshot and not in the differential",
        "profiling.html#discriminator",
    ),
    "HL7: The element Composition.date:IssueDate*": (
        "the same fault as our slicing, found in the snapshot and not in the differential",
        "profiling.html#discriminator",
    ),
    "HL7*: ERROR_GENERATING_SNAPSHOT": (
        "a choice whose path lacks [x], or a code or date that both report: HL7's engine then also says, at the "
        "definition, that it cannot make the snapshot",
        "profiling.html#snapshot",
    ),
    "HL7*: CODESYSTEM_PROPERTY_*": (
        "the types of the properties of concepts are in no constraint, and are not compared here",
        "codesystem-definitions.html#CodeSystem.concept.property.value_x_",
    ),
    "HL7 after a fault of form: ele-1": (
        "the value of a quantity is no number, which both report; HL7's engine stumbles over it again when it asks "
        "whether the quantity has content, and takes that for the violation",
        "element.html#invs",
    ),
    **dict.fromkeys(
        (f"HL7 after a fault of form: {key}" for key in ("bdl-15", "bdl-3a", "tr-7")),
        (
            "an empty object, which both report: HL7's engine leaves it out for exists(), not for all(); here it is "
            "left out for both",
            "json.html#rules",
        ),
    ),
    "HL7 after a fault of form: rng-2": (
        "the unit in words is an array, so that there is none; HL7's engine then does not compare by the codes",
        "datatypes.html#Range",
    ),
    "HL7 after a fault of form: tr-18": (
        "1.0 in quotation marks: both report that; HL7's engine then does not find a whole number",
        "datatypes.html#decimal",
    ),
    "HL7 after a fault of form: Terminology_TX_NoValid_1_CC": (
        "a number as the display of a right code, which both report; HL7's engine then takes the code for wrong",
        "codesystem-operation-validate-code.html",
    ),
    "ours after a fault of form: binding": (
        "the system of a coding is an array, so that there is none: a code without a system is in no value set; HL7's "
        "engine guesses one where the value set has but one (in one case: an index that HL7's engine counts otherwise)",
        "terminologies.html#required",
    ),
    "HL7 after a fault of form: Validation_VAL_Profile_NotAllowed": (
        "a value of another type than the profile permits, which both report; HL7's engine also what is in it",
        "elementdefinition-definitions.html#ElementDefinition.type",
    ),
    "HL7 after a fault of form: CodeSystem_CS_VS_WrongSystem": (
        "the wrong URL of a code system, which both report, is not that in its value set, another resource",
        "codesystem-definitions.html#CodeSystem.valueSet",
    ),
    "HL7 after a fault of form: CONTAINED_ORPHAN_DOM3": (
        "a contained resource without an id, which both report, is pointed to by nothing; dom-3 is about ids",
        "domainresource.html#invs",
    ),
    "* after a fault of form: *": (
        "both report the value of the wrong form; HL7's engine goes on without it, so that what refers to it or is "
        "counted with it elsewhere is different",
        "json.html#rules",
    ),
    "HL7: Unknown_Code_in_Version": (
        "both report the concept that breaks its binding; HL7's engine also the code that its system lacks",
        "terminologies.html#required",
    ),
}
"""Kind, as a pattern -> why only one of the two has it, and the page below https://hl7.org/fhir/R5/ that decides."""
