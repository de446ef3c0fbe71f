"""FHIR interactions, one file each."""
