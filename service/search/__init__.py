"""Search: queries, index rows and what they are made of."""
