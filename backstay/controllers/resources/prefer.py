"""The `Prefer` header (RFC 7240): what it asks for, and the echo of what was honoured.

In charge of reading and echoing. Which preference means anything to which method is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast, get_args
from zoneinfo import available_timezones

from backstay.errors import BackstayError
from backstay.models.resources.request import Conflict, Count

Return = Literal["minimal", "headers-only", "representation"]
Missing = Literal["default", "null"]
Handling = Literal["strict", "lenient"]
Transaction = Literal["commit", "rollback"]

MAX_AFFECTED = 2**63 - 1

# What can be honoured, in the order of the echo. `tx` is, where a setting allows it.
HONOURED = (
    "resolution",
    "missing",
    "return",
    "count",
    "tx",
    "handling",
    "timezone",
    "max-affected",
    "cursor",
)

_CHOICES: dict[str, tuple[str, ...]] = {
    "resolution": tuple(Conflict),
    "missing": get_args(Missing),
    "return": get_args(Return),
    "count": tuple(Count),
    "tx": get_args(Transaction),
    "handling": get_args(Handling),
}
_FREE = frozenset({"cursor"})
# Read from the machine once: 600 names, of which a request may name any.
_ZONES = frozenset(available_timezones())


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the caller prefers; None for each preference that was not expressed.

    Attributes:
        max_affected: most rows that a write may touch; only ever set together with `handling=strict`.
        timezone: name of a time zone that this machine knows.
        cursor: of the page before; empty for the first page.
    """

    return_: Return | None = None
    count: Count | None = None
    resolution: Conflict | None = None
    missing: Missing | None = None
    handling: Handling | None = None
    max_affected: int | None = None
    tx: Transaction | None = None
    timezone: str | None = None
    cursor: str | None = None


NO_PREFERENCES = Preferences()


class PreferParser:
    """`parse_prefer`, remembering the last `cache_size` headers."""

    __slots__ = ("_cached",)

    def __init__(self, cache_size: int = 256) -> None:
        self._cached = lru_cache(cache_size)(parse_prefer)

    def parse(self, values: tuple[bytes, ...]) -> Preferences:
        """The same as `parse_prefer`."""
        return self._cached(values) if values else NO_PREFERENCES


def parse_prefer(values: Sequence[bytes]) -> Preferences:
    """The preferences in all `Prefer` headers of one request; of equal names the first valid one counts.

    Raises:
        BackstayError: PGRST122 when `handling=strict` and one of the preferences is unknown or has an unknown value.
    """
    found: dict[str, str] = {}
    invalid: list[str] = []
    for value in values:
        for text in value.decode("latin-1").split(","):
            # Parameters after ";" (RFC 7240 section 2) belong to no preference that is known here.
            name, _, choice = text.partition(";")[0].partition("=")
            name, choice = name.strip(" \t").lower(), choice.strip(" \t").strip('"')
            if not name:
                continue
            if _is_valid(name, choice):
                found.setdefault(name, choice)
            else:
                invalid.append(text.strip(" \t")[:100])
    if invalid and found.get("handling") == "strict":
        details = f"Invalid preferences: {', '.join(invalid[:20])}"
        raise BackstayError("PGRST122", details=details)
    return _preferences(found)


def applied_header(preferences: Preferences, honoured: Collection[str] = HONOURED) -> str | None:
    """The value of `Preference-Applied`: those expressed and among `honoured`, in the protocol's order; None if none.

    The return preference named in RFC 7240 is spelled `return` in `honoured`.
    """
    max_affected = preferences.max_affected
    expressed = {
        "resolution": preferences.resolution,
        "missing": preferences.missing,
        "return": preferences.return_,
        "count": preferences.count,
        "tx": preferences.tx,
        "timezone": preferences.timezone,
        "handling": preferences.handling,
        "max-affected": None if max_affected is None else str(max_affected),
    }
    echo = [f"{name}={expressed[name]}" for name in HONOURED if name in honoured and expressed.get(name)]
    if preferences.cursor is not None and "cursor" in honoured:
        echo.append("cursor")
    return ", ".join(echo) or None


def _is_valid(name: str, choice: str) -> bool:
    if name == "max-affected":
        return choice.isascii() and choice.isdecimal() and len(choice) <= 19 and int(choice) <= MAX_AFFECTED
    if name == "timezone":
        return choice in _ZONES
    return name in _FREE or choice in _CHOICES.get(name, ())


def _preferences(found: dict[str, str]) -> Preferences:
    strict = found.get("handling") == "strict"
    return Preferences(
        return_=cast("Return | None", found.get("return")),
        count=Count(found["count"]) if "count" in found else None,
        resolution=Conflict(found["resolution"]) if "resolution" in found else None,
        missing=cast("Missing | None", found.get("missing")),
        handling=cast("Handling | None", found.get("handling")),
        max_affected=int(found["max-affected"]) if strict and "max-affected" in found else None,
        tx=cast("Transaction | None", found.get("tx")),
        timezone=found.get("timezone"),
        cursor=found.get("cursor"),
    )
