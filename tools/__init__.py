"""Scripts that derive and check what the project ships."""
