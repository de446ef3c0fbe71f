"""Invented records in the form of ClinicalTrials.gov's API v2: one with everything in it, one with little."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]


def small(nct: str = "NCT00000001", **protocol: Any) -> Json:
    """A record with no more than every study has; ``protocol`` are modules to add or to replace."""
    return {
        "protocolSection": {
            "identificationModule": {"nctId": nct, "briefTitle": "A small invented study"},
            "statusModule": {"overallStatus": "RECRUITING"},
            "sponsorCollaboratorsModule": {"leadSponsor": {"name": "Invented Institute", "class": "OTHER"}},
            "designModule": {"studyType": "OBSERVATIONAL"},
            "eligibilityModule": {"sex": "ALL", "eligibilityCriteria": "Anyone."},
            **protocol,
        },
        "hasResults": False,
    }


def large() -> Json:
    """A record with every member that the description of the API has, and with every trap."""
    record: Json = json.loads(json.dumps(_LARGE))  # and no part of it is the same object as another
    return record


def counts(**values: str) -> list[Json]:
    """Denominators or achievements by group."""
    return [{"groupId": group, "value": value} for group, value in values.items()]


_GROUP_A = {"title": "Mabinvent", "description": "Given by infusion for 28 days."}
_GROUP_B = {"title": "Standard care", "description": "Chemotherapy as the centre chose."}

_IDENTIFICATION: Json = {
    "nctId": "NCT00000002",
    "nctIdAliases": ["NCT00000003"],
    "orgStudyIdInfo": {"id": "INV-203", "type": "NIH", "link": "https://example.org/inv-203"},
    "secondaryIdInfos": [
        {"id": "2099-123456-78", "type": "EUDRACT_NUMBER"},
        {"id": "U00XX", "type": "OTHER_GRANT", "domain": "Invented Fund", "link": "https://example.org/grant"},
    ],
    "briefTitle": "Mabinvent Against Standard Care",
    "officialTitle": "A Randomized Study of Mabinvent in an Invented Leukemia",
    "acronym": "INVENT",
    "organization": {"fullName": "Invented Network", "class": "NETWORK"},
}
_STATUS: Json = {
    "statusVerifiedDate": "2031-01",
    "overallStatus": "TERMINATED",
    "lastKnownStatus": "RECRUITING",
    "delayedPosting": True,
    "whyStopped": "The sponsor ran out of inventions.",
    "expandedAccessInfo": {"hasExpandedAccess": True, "nctId": "NCT00000004", "statusForNctId": "AVAILABLE"},
    "startDateStruct": {"date": "2030-01", "type": "ACTUAL"},
    "primaryCompletionDateStruct": {"date": "2030-06-01", "type": "ACTUAL"},
    "completionDateStruct": {"date": "2031-12", "type": "ESTIMATED"},
    "studyFirstSubmitDate": "2029-01-01",
    "studyFirstSubmitQcDate": "2029-01-02",
    "studyFirstPostDateStruct": {"date": "2029-01-03", "type": "ESTIMATED"},
    "resultsFirstSubmitDate": "2030-09-01",
    "resultsFirstSubmitQcDate": "2030-09-02",
    "resultsFirstPostDateStruct": {"date": "2030-09-03", "type": "ACTUAL"},
    "dispFirstSubmitDate": "2030-08-01",
    "dispFirstSubmitQcDate": "2030-08-02",
    "dispFirstPostDateStruct": {"date": "2030-08-03", "type": "ACTUAL"},
    "lastUpdateSubmitDate": "2031-01-01",
    "lastUpdatePostDateStruct": {"date": "2031-01-02", "type": "ACTUAL"},
}
_SPONSORS: Json = {
    "responsibleParty": {
        "type": "PRINCIPAL_INVESTIGATOR",
        "investigatorFullName": "Invented Person",
        "investigatorTitle": "Professor",
        "investigatorAffiliation": "Invented University",
        "oldNameTitle": "Older Person",
        "oldOrganization": "Older University",
    },
    "leadSponsor": {"name": "Invented Pharma", "class": "INDUSTRY"},
    "collaborators": [{"name": "National Institute of Invention", "class": "NIH"}],
}
_DESIGN: Json = {
    "studyType": "INTERVENTIONAL",
    "nPtrsToThisExpAccNctId": 3,
    "expandedAccessTypes": {"individual": True, "intermediate": False, "treatment": True},
    "patientRegistry": False,
    "targetDuration": "12 Months",
    "phases": ["PHASE2", "PHASE3"],
    "designInfo": {
        "allocation": "RANDOMIZED",
        "interventionModel": "PARALLEL",
        "interventionModelDescription": "Two arms side by side",
        "primaryPurpose": "TREATMENT",
        "observationalModel": "COHORT",
        "timePerspective": "PROSPECTIVE",
        "maskingInfo": {
            "masking": "DOUBLE",
            "maskingDescription": "Bags of one colour",
            "whoMasked": ["PARTICIPANT", "INVESTIGATOR"],
        },
    },
    "bioSpec": {"retention": "SAMPLES_WITH_DNA", "description": "Blood and marrow"},
    "enrollmentInfo": {"count": 20, "type": "ACTUAL"},
}
_ARMS: Json = {
    "armGroups": [
        {
            "label": "Mabinvent",
            "type": "EXPERIMENTAL",
            "description": "Four cycles",
            "interventionNames": ["Biological: Mabinvent"],
        },
        {
            "label": "Standard care",
            "type": "ACTIVE_COMPARATOR",
            "description": "As the centre chose",
            "interventionNames": ["Diagnostic Test: Watching"],
        },
    ],
    "interventions": [
        {
            "type": "BIOLOGICAL",
            "name": "Mabinvent",
            "description": "An antibody",
            "armGroupLabels": ["Mabinvent"],
            "otherNames": ["MT000", "Inventomab"],
        },
        {"type": "DIAGNOSTIC_TEST", "name": "Watching", "armGroupLabels": ["Standard care"]},
    ],
}
_OUTCOMES: Json = {
    "primaryOutcomes": [{"measure": "Overall Survival", "description": "Until death", "timeFrame": "18 months"}],
    "secondaryOutcomes": [{"measure": "Depth of Answer", "description": "On a scale", "timeFrame": "6 weeks"}],
    "otherOutcomes": [{"measure": "Mood", "description": "Asked weekly", "timeFrame": "1 year"}],
}
_ELIGIBILITY: Json = {
    "eligibilityCriteria": (
        "Inclusion Criteria:\n\n* Invented leukemia\n  in remission\n* Age of reason\n\n"
        "Exclusion Criteria:\n\n1. Earlier inventions"
    ),
    "healthyVolunteers": False,
    "sex": "FEMALE",
    "genderBased": True,
    "genderDescription": "Women only",
    "minimumAge": "18 Years",
    "maximumAge": "65 Years",
    "stdAges": ["ADULT", "OLDER_ADULT"],
    "studyPopulation": "People of an invented town",
    "samplingMethod": "PROBABILITY_SAMPLE",
}
_CONTACT: Json = {
    "name": "Invented Contact",
    "role": "CONTACT",
    "phone": "000",
    "phoneExt": "1",
    "email": "a@b.example",
}
_PLACES: Json = {
    "centralContacts": [_CONTACT],
    "overallOfficials": [{"name": "Invented Official", "affiliation": "Her House", "role": "STUDY_CHAIR"}],
    "locations": [
        {
            "facility": "Invented Hospital",
            "status": "RECRUITING",
            "city": "Nowhere",
            "state": "Utopia",
            "zip": "00000",
            "country": "Erewhon",
            "contacts": [_CONTACT],
            "geoPoint": {"lat": 47, "lon": 15},
        }
    ],
}
_REFERENCES: Json = {
    "references": [
        {
            "pmid": "99999999",
            "type": "RESULT",
            "citation": "Author A. An invented article. Inv J. 2031.",
            "retractions": [{"pmid": "99999998", "source": "Inv J. 2032."}],
        },
        {"type": "BACKGROUND", "citation": "Author B. A book without a number."},
    ],
    "seeAlsoLinks": [{"label": "About the study", "url": "https://example.org/about"}],
    "availIpds": [{"id": "IPD-1", "type": "Data set", "url": "https://example.org/ipd", "comment": "On request"}],
}
_SHARING: Json = {
    "ipdSharing": "YES",
    "description": "All of it",
    "infoTypes": ["STUDY_PROTOCOL", "CSR"],
    "timeFrame": "After a year",
    "accessCriteria": "Whoever asks",
    "url": "https://example.org/sharing",
}
_FLOW: Json = {
    "preAssignmentDetails": "Two left before.",
    "recruitmentDetails": "In one town.",
    "typeUnitsAnalyzed": "Eyes",
    "groups": [{"id": "FG000", **_GROUP_A}, {"id": "FG001", **_GROUP_B}],
    "periods": [
        {
            "title": "Overall Study",
            "milestones": [
                {
                    "type": "STARTED",
                    "comment": "All who were assigned",
                    "achievements": [
                        {"groupId": "FG000", "numSubjects": "12", "comment": "One late", "numUnits": "24"},
                        {"groupId": "FG001", "numSubjects": "8"},
                    ],
                }
            ],
            "dropWithdraws": [
                {
                    "type": "Adverse Event",
                    "comment": "Of any kind",
                    "reasons": [{"groupId": "FG001", "numSubjects": "3", "comment": "One by choice", "numUnits": "6"}],
                }
            ],
        }
    ],
}
_BASELINE: Json = {
    "populationDescription": "All who began",
    "typeUnitsAnalyzed": "Eyes",
    "groups": [{"id": "BG000", **_GROUP_A}, {"id": "BG001", **_GROUP_B}],
    "denoms": [
        {"units": "Participants", "counts": counts(BG000="12", BG001="8")},
        {"units": "Eyes", "counts": counts(BG000="24", BG001="16")},
    ],
    "measures": [
        {
            "title": "Age",
            "description": "At the beginning",
            "populationDescription": "Who told it",
            "paramType": "MEAN",
            "dispersionType": "STANDARD_DEVIATION",
            "unitOfMeasure": "years",
            "calculatePct": False,
            "denomUnitsSelected": "Participants",
            "denoms": [{"units": "Participants", "counts": counts(BG000="11")}],
            "classes": [
                {
                    "title": "All ages",
                    "denoms": [{"units": "Participants", "counts": counts(BG000="10")}],
                    "categories": [
                        {
                            "title": "Known",
                            "measurements": [
                                {"groupId": "BG000", "value": "44.60", "spread": "16.4"},
                                {"groupId": "BG001", "value": "NA", "spread": "NA", "comment": "Only one was asked."},
                            ],
                        }
                    ],
                }
            ],
        }
    ],
}
_SURVIVAL: Json = {
    "type": "PRIMARY",
    "title": "Overall Survival",
    "description": "From the first infusion",
    "populationDescription": "Everybody",
    "reportingStatus": "POSTED",
    "anticipatedPostingDate": "2031-05",
    "timeFrame": "18 months",
    "paramType": "MEDIAN",
    "dispersionType": "96.85% Confidence Interval",
    "unitOfMeasure": "months",
    "calculatePct": False,
    "typeUnitsAnalyzed": "Lesions",
    "denomUnitsSelected": "Participants",
    # The ids begin anew, and here they are the other way round.
    "groups": [{"id": "OG000", **_GROUP_B}, {"id": "OG001", **_GROUP_A}],
    "denoms": [
        {"units": "Participants", "counts": counts(OG000="8", OG001="12")},
        {"units": "Lesions", "counts": counts(OG000="31", OG001="43")},
    ],
    "classes": [
        {
            "title": "Younger",
            "denoms": [{"units": "Participants", "counts": counts(OG000="5", OG001="7")}],
            "categories": [
                {
                    "title": "All",
                    "measurements": [
                        {"groupId": "OG000", "value": "NA", "comment": "The median was not reached."},
                        {
                            "groupId": "OG001",
                            "value": "36.50",
                            "lowerLimit": "19.2",
                            "upperLimit": "NA",
                            "comment": "Too few deaths for an upper limit.",
                        },
                    ],
                }
            ],
        }
    ],
    "analyses": [
        {
            "groupIds": ["OG000", "OG001"],
            "groupDescription": "The younger ones",
            "paramType": "Hazard Ratio (HR)",
            "paramValue": "0.710",
            "dispersionType": "STANDARD_ERROR_OF_MEAN",
            "dispersionValue": "0.05",
            "statisticalMethod": "Regression, Cox",
            "statisticalComment": "Stratified by town",
            "pValue": "<0.0001",
            "pValueComment": "Not adjusted",
            "ciNumSides": "TWO_SIDED",
            "ciPctValue": "96.85",
            "ciLowerLimit": "0.55",
            "ciUpperLimit": "0.93",
            "ciLowerLimitComment": "Exact",
            "ciUpperLimitComment": "Approximate",
            "estimateComment": "Mabinvent over standard care",
            "testedNonInferiority": False,
            "nonInferiorityType": "SUPERIORITY_OR_OTHER",
            "nonInferiorityComment": "No margin",
            "otherAnalysisDescription": "Planned",
        },
        {"groupIds": ["OG000", "OG001"], "statisticalMethod": "Log Rank", "pValue": "=0.247"},
    ],
}
_NOT_POSTED: Json = {
    "type": "SECONDARY",
    "title": "Depth of Answer",
    "reportingStatus": "NOT_POSTED",
    "anticipatedPostingDate": "2032-01",
    "timeFrame": "6 weeks",
}
_STATS: Json = {"groupId": "EG000", "numEvents": 5, "numAffected": 4, "numAtRisk": 12}
_HARMS: Json = {
    "frequencyThreshold": "5",
    "timeFrame": "Until day 30",
    "description": "By asking",
    "allCauseMortalityComment": "Counted by the towns",
    "eventGroups": [
        {
            "id": "EG000",
            **_GROUP_A,
            "deathsNumAffected": 2,
            "deathsNumAtRisk": 12,
            "seriousNumAffected": 4,
            "seriousNumAtRisk": 12,
            "otherNumAffected": 9,
            "otherNumAtRisk": 12,
        }
    ],
    "seriousEvents": [
        {
            "term": "Invented fever",
            "organSystem": "General disorders",
            "sourceVocabulary": "InvDRA 1.0",
            "assessmentType": "SYSTEMATIC_ASSESSMENT",
            "notes": "Above 39",
            "stats": [_STATS],
        }
    ],
    "otherEvents": [
        {
            "term": "Invented headache",
            "organSystem": "Nervous system disorders",
            "sourceVocabulary": "InvDRA 1.0",
            "assessmentType": "NON_SYSTEMATIC_ASSESSMENT",
            "notes": "Mild",
            "stats": [{**_STATS, "numAffected": 6, "numEvents": 9}],
        }
    ],
}
_MORE: Json = {
    "limitationsAndCaveats": {"description": "It is invented."},
    "certainAgreement": {
        "piSponsorEmployee": False,
        "restrictionType": "LTE60",
        "restrictiveAgreement": True,
        "otherDetails": "Sixty days",
    },
    "pointOfContact": {
        "title": "Desk",
        "organization": "Invented Pharma",
        "email": "c@d.example",
        "phone": "000",
        "phoneExt": "2",
    },
}
_LARGE: Json = {
    "protocolSection": {
        "identificationModule": _IDENTIFICATION,
        "statusModule": _STATUS,
        "sponsorCollaboratorsModule": _SPONSORS,
        "oversightModule": {
            "oversightHasDmc": True,
            "isFdaRegulatedDrug": True,
            "isFdaRegulatedDevice": False,
            "isUnapprovedDevice": False,
            "isPpsd": False,
            "isUsExport": True,
            "fdaaa801Violation": False,
        },
        "descriptionModule": {"briefSummary": "A short story.", "detailedDescription": "A longer story."},
        "conditionsModule": {"conditions": ["Invented leukemia"], "keywords": ["antibody"]},
        "designModule": _DESIGN,
        "armsInterventionsModule": _ARMS,
        "outcomesModule": _OUTCOMES,
        "eligibilityModule": _ELIGIBILITY,
        "contactsLocationsModule": _PLACES,
        "referencesModule": _REFERENCES,
        "ipdSharingStatementModule": _SHARING,
    },
    "resultsSection": {
        "participantFlowModule": _FLOW,
        "baselineCharacteristicsModule": _BASELINE,
        "outcomeMeasuresModule": {"outcomeMeasures": [_SURVIVAL, _NOT_POSTED]},
        "adverseEventsModule": _HARMS,
        "moreInfoModule": _MORE,
    },
    "annotationSection": {
        "annotationModule": {
            "unpostedAnnotation": {
                "unpostedResponsibleParty": "Invented Pharma",
                "unpostedEvents": [{"type": "RESET", "date": "2031-02-02", "dateUnknown": False}],
            },
            "violationAnnotation": {
                "violationEvents": [
                    {
                        "type": "VIOLATION_IDENTIFIED",
                        "description": "Too late",
                        "creationDate": "2031-02-03",
                        "issuedDate": "2031-02-04",
                        "releaseDate": "2031-02-05",
                        "postedDate": "2031-02-06",
                    }
                ]
            },
        }
    },
    "documentSection": {
        "largeDocumentModule": {
            "noSap": True,
            "largeDocs": [
                {
                    "typeAbbrev": "Prot_SAP",
                    "hasProtocol": True,
                    "hasSap": False,
                    "hasIcf": False,
                    "label": "Protocol",
                    "date": "2029-01-01",
                    "uploadDate": "2030-01-01T00:00",
                    "filename": "Prot_000.pdf",
                    "size": 12345,
                }
            ],
        }
    },
    "derivedSection": {
        "miscInfoModule": {"versionHolder": "2031-01-09"},
        "conditionBrowseModule": {"meshes": [{"id": "D000000", "term": "Invented"}]},
    },
    "hasResults": True,
}
