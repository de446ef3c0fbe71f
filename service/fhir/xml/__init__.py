"""The XML format of resources, to and from JSON: https://hl7.org/fhir/R5/xml.html."""

from service.fhir.xml.reading import from_xml
from service.fhir.xml.writing import to_xml

__all__ = ["from_xml", "to_xml"]
