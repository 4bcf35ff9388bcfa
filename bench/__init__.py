"""Backstay beside the same endpoints written by hand, measured in one run. Start with `python -m bench --help`."""
