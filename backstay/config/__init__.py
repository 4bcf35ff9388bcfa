"""Frozen typed settings, one file per concern; `loader.py` alone reads the environment."""
