"""The three environments an application runs in."""

from enum import StrEnum


class Environment(StrEnum):
    """Where the application runs. Production refuses what is unsafe; staging does what production does."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"
