"""Sites as Locations, without their contacts
(https://clinicaltrials.gov/data-api/about-api/study-data-structure#contactsLocationsModule)."""

from __future__ import annotations

from fhir.resources.address import Address
from fhir.resources.location import Location, LocationPosition
from fhir.resources.reference import Reference

from service.registry.ctgov.record import Node
from service.registry.ctgov.trial import Import
from service.registry.ctgov.vocabulary import words
from service.registry.elements import reference


def build_locations(trial: Import, module: Node) -> list[Reference]:
    """The Locations of the study; returns the references to them."""
    found = [_location(trial, each) for each in module.each("locations")]
    trial.locations += found
    return [reference("Location", str(each.id)) for each in found]


def _location(trial: Import, node: Node) -> Location:
    facility, city = node.read("facility"), node.read("city")
    state, code, country = node.read("state"), node.read("zip"), node.read("country")
    status = node.read("status")
    point = node.at("geoPoint")
    longitude, latitude = point.value.get("lon"), point.value.get("lat")
    position = None
    if longitude is not None and latitude is not None:
        east, north = point.decimal("lon"), point.decimal("lat")
        if east is not None and north is not None:
            position = LocationPosition(longitude=east, latitude=north)
    return Location(
        id=trial.id("site", facility or city or "site", facility, city, state, code, country),
        meta=trial.meta(),
        status="active",
        name=facility or city,
        description=f"Recruitment: {words(status)}" if status else None,
        mode="instance",
        address=Address(city=city, state=state, postalCode=code, country=country) if city or country else None,
        position=position,
    )
