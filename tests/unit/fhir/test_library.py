"""Canonical URLs: https://hl7.org/fhir/R5/references.html#canonical."""

import pytest

from service.fhir.library import Library, newer


def value_set(version: str | None = None, status: str = "active") -> dict[str, str]:
    """A value set of this version and status, with nothing in it."""
    found = {"resourceType": "ValueSet", "url": "http://example.org/vs", "status": status}
    return found if version is None else {**found, "version": version}


def test_a_version_that_is_asked_for_is_that_one_and_no_other() -> None:
    """url|version refers to that version; another is no substitute."""
    library = Library()
    library.add(value_set("1.0"))
    assert library.find("ValueSet", "http://example.org/vs|1.0") == value_set("1.0")
    assert library.find("ValueSet", "http://example.org/vs|1") is None
    assert library.find("CodeSystem", "http://example.org/vs") is None


def test_without_a_version_the_newest_active_one_is_meant() -> None:
    """A reference without version is to the latest that the server has, numbers compared as numbers."""
    library = Library()
    for each in (value_set("1.10.0"), value_set("1.9.0"), value_set("2.0.0", "draft"), value_set()):
        library.add(each)
    assert library.find("ValueSet", "http://example.org/vs") == value_set("1.10.0")


@pytest.mark.parametrize(
    ("later", "earlier"),
    [("1.10", "1.9"), ("1.0.1", "1.0"), ("1.0.0", "1.0.0-ballot"), ("2024-10-01", "2023-12-31"), ("1", "")],
)
def test_versions_are_ordered_as_people_mean_them(later: str, earlier: str) -> None:
    """Semantic versions and dates are ordered by their numbers; a pre-release is before its release."""
    assert newer(later, earlier)
    assert not newer(earlier, later)


def test_an_upper_layer_stands_before_the_lower() -> None:
    """What a layer has hides the same URL below it; a version that it lacks is still looked for below."""
    below = Library()
    below.add(value_set("3.0"))
    library = Library(below)
    library.add(value_set("1.0"))
    assert library.find("ValueSet", "http://example.org/vs") == value_set("1.0")
    assert library.find("ValueSet", "http://example.org/vs|3.0") == value_set("3.0")
    assert [each["version"] for each in library.of_type("ValueSet")] == ["1.0", "3.0"]


def test_every_change_is_a_new_generation() -> None:
    """What was compiled from a library is stale after any change to it or to what lies below."""
    below = Library()
    library = Library(below)
    generations = [library.generation()]
    below.add(value_set("1.0"))
    generations.append(library.generation())
    library.add(value_set("2.0"))
    generations.append(library.generation())
    library.remove(value_set("2.0"))
    generations.append(library.generation())
    assert len(set(generations)) == len(generations)
    assert library.generation("ValueSet") == library.generation() != library.generation("CodeSystem") == 0
    assert library.find("ValueSet", "http://example.org/vs") == value_set("1.0")
    with pytest.raises(KeyError):
        library.remove(value_set("2.0"))


def supplement(of: str, url: str = "http://example.org/more", version: str = "1") -> dict[str, str]:
    """A supplement of a code system."""
    return {"resourceType": "CodeSystem", "url": url, "version": version, "content": "supplement", "supplements": of}


def test_supplements_are_found_by_what_they_supplement() -> None:
    """codesystem.html#supplements: of any version of the system, in any layer, for as long as they are there."""
    system, other = "http://example.org/cs", "http://example.org/other"
    below = Library()
    below.add(supplement(f"{system}|2"))
    below.add(supplement(other, "http://example.org/others"))
    library = Library(below)
    library.add(supplement(system, version="2"))
    library.add({**supplement(system, "http://example.org/no"), "content": "complete"})
    assert [each["version"] for each in library.supplements(system)] == ["2", "1"]
    library.add(supplement(other, version="1"))
    assert [each["version"] for each in library.supplements(system)] == ["2"], "what an upper layer has hides the rest"
    library.remove(supplement(system, version="2"))
    assert library.supplements(system) == []
    assert len(library.supplements(other)) == 2
