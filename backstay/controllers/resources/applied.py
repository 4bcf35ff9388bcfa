"""`Preference-Applied`: which preferences each kind of answer honours, and the header that says so."""

from __future__ import annotations

from backstay.config.rest import RestSettings
from backstay.controllers.http import Header
from backstay.controllers.resources.prefer import NO_PREFERENCES, Preferences, applied_header

READ_PREFERENCES = ("count", "handling", "timezone", "cursor")
WRITE_PREFERENCES = ("return", "count", "handling", "timezone", "max-affected")
INSERT_PREFERENCES = ("resolution", "missing", *WRITE_PREFERENCES)
ROW_READ_PREFERENCES = ("handling", "timezone")
ROW_WRITE_PREFERENCES = ("return", *ROW_READ_PREFERENCES)


def applied(preferences: Preferences, honoured: tuple[str, ...], settings: RestSettings) -> list[Header]:
    """The header, if any of the preferences that were sent is honoured; `tx` is, where the settings allow it."""
    if preferences is NO_PREFERENCES:
        return []
    header = applied_header(preferences, (*honoured, "tx") if settings.tx_override else honoured)
    return [] if header is None else [(b"preference-applied", header.encode())]
