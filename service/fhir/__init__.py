"""FHIR itself: JSON, types, dates, references, outcomes."""
