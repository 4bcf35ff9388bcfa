"""Nouns: mapped tables, frozen values, the catalog. No I/O, no configuration."""
