"""The trial registry: a FHIR R5 server whose studies, arms and results are data."""
