"""One effect per file; the order is the one list in this file."""
