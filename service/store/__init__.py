"""Storage: one protocol and its implementations."""
