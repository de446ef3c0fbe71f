"""Bulk data: everything out of a registry, and into one (https://hl7.org/fhir/uv/bulkdata/)."""
