"""The rules a checker is made of, one file each."""
