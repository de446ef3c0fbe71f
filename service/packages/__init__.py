"""FHIR packages (https://hl7.org/fhir/R5/packages.html): found, read with care, and made a library."""
