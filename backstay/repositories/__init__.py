"""Every door to the outside. No permissions decided here, nothing committed, no vendor's error let through."""
