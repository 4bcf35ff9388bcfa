"""Business logic, where there is some."""
