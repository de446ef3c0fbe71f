"""A record of ClinicalTrials.gov as FHIR (https://clinicaltrials.gov/data-api/about-api/study-data-structure)."""
