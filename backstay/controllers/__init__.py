"""Translators: one HTTP request, one service call, one rendering."""
