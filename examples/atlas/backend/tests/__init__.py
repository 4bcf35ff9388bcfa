"""Tests of the atlas: `python -m pytest backend/tests` in its folder."""
