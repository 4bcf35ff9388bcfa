"""Who you are, as tables."""
