"""Who may: rules read aloud, and what the database lacks to ask them fast."""
