"""Tables that bind an address to a controller. No logic."""
