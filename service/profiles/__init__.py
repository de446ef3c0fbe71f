"""StructureDefinitions compiled to checkers."""
