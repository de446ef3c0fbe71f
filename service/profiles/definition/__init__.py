"""StructureDefinitions as they are read: chains, trees of elements, snapshots."""
