"""Identifiers: time-ordered UUIDs (RFC 9562 section 5.7) and random opaque strings."""

from __future__ import annotations

import os
import secrets
import time
from uuid import UUID


def uuid7() -> UUID:
    """A version 7 UUID: 48 bits of Unix milliseconds, then 74 random bits; sorts by creation time."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def opaque(bits: int = 192) -> str:
    """A URL-safe random string of at least `bits` bits of entropy."""
    return secrets.token_urlsafe((bits + 7) // 8)
