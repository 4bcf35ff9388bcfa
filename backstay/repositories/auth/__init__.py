"""The door to users and what proves them."""
