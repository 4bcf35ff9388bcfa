"""Queries written by hand, where the generated ones do not reach."""
