"""Workloads that show what the registry does on this machine."""
