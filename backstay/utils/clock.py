"""The time of day."""

from __future__ import annotations

import datetime as dt


def utc_now() -> dt.datetime:
    """Now, in UTC and with its zone."""
    return dt.datetime.now(dt.UTC)
