"""The search parameter types, one file each."""
