"""The results table that the registry gives out: its columns, its rows, and what is known to read one."""
