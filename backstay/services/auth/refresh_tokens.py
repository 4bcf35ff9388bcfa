"""Refresh tokens that describe themselves: the session, how often it was renewed, and a proof of both.

In charge of a token's text and of what presenting one means. A session stores one counter and one secret, so that no
token is ever at rest; the server's own secret is in the proof too, so that reading the table makes no token. Which
session there is, whether it lives, and counting up in one statement belong to whoever stores it.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import os
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

from backstay.errors import BackstayError, ConfigurationError
from backstay.services.auth.signatures import MIN_SECRET_BYTES

Judgement = Literal["rotate", "repeat", "reused"]

# Seconds in which a spent token is still answered, for clients that refresh twice at once.
TOLERANCE_SECONDS: Final = 10.0
# How far behind such a token may be: what raced a moment ago, not what was stolen long before.
MOST_BEHIND: Final = 3
KEY_BYTES: Final = 32
# What a `bigint` column holds.
MAX_COUNTER: Final = 2**63 - 1

_VERSION: Final = b"\x01"
_PURPOSE: Final = b"backstay refresh tokens, version 1"
_ID_BYTES: Final = 16
_COUNTER_BYTES: Final = 8
_MAC_BYTES: Final = 16
_CHECKSUM_BYTES: Final = 4
_SIGNED_BYTES: Final = len(_VERSION) + _ID_BYTES + _COUNTER_BYTES
# 45 bytes are 60 characters without padding or spare bits: each token has one spelling.
_TOKEN_LENGTH: Final = (_SIGNED_BYTES + _MAC_BYTES + _CHECKSUM_BYTES) * 4 // 3


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a token says of itself, not proven until `RefreshTokens.verify` agrees.

    Attributes:
        counter: renewals of the session before this token was made; 0 for the one of sign-in.
        mac: 128 bits.
    """

    session_id: UUID
    counter: int
    mac: bytes = field(repr=False)


class RefreshTokens:
    """Makes tokens and proves them.

    Args:
        secret: the server's, at least 32 random bytes.

    Raises:
        ConfigurationError: the secret is shorter.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) < MIN_SECRET_BYTES:
            raise ConfigurationError([f"tokens.secret: needs at least {MIN_SECRET_BYTES} random bytes"])
        self._secret = hmac.digest(secret, _PURPOSE, hashlib.sha256)

    def mint(self, session_id: UUID, counter: int, key: bytes) -> str:
        """The session's token with this counter, the same each time: 60 characters of the URL-safe alphabet.

        Args:
            counter: 0 to `MAX_COUNTER`.
            key: the session's own, as `new_session_key` makes it.

        Raises:
            ValueError: the counter or the key has another size.
        """
        if not 0 <= counter <= MAX_COUNTER:
            raise ValueError("the counter of a refresh token is out of range")
        signed = _signed(session_id, counter)
        body = signed + self._mac(signed, key)
        return urlsafe_b64encode(body + _checksum(body)).decode("ascii")

    def read(self, text: str) -> RefreshToken:
        """What the text says, if it is a token's.

        Raises:
            BackstayError: `refresh_token_not_found`.
        """
        if len(text) != _TOKEN_LENGTH or not text.isascii():
            raise not_found()
        try:
            raw = urlsafe_b64decode(text)
        except binascii.Error:
            raise not_found() from None
        # The decoder skips characters outside its alphabet and takes `+` for `-`; encoding again shows it.
        if urlsafe_b64encode(raw) != text.encode("ascii") or not raw.startswith(_VERSION):
            raise not_found()
        body, checksum = raw[:-_CHECKSUM_BYTES], raw[-_CHECKSUM_BYTES:]
        counter = int.from_bytes(body[len(_VERSION) + _ID_BYTES : _SIGNED_BYTES], "big")
        if checksum != _checksum(body) or counter > MAX_COUNTER:
            raise not_found()
        session_id = UUID(bytes=body[len(_VERSION) : len(_VERSION) + _ID_BYTES])
        return RefreshToken(session_id, counter, body[_SIGNED_BYTES:])

    def verify(self, token: RefreshToken, key: bytes) -> bool:
        """True when this server made the token for the session that has this key. In constant time."""
        return hmac.compare_digest(token.mac, self._mac(_signed(token.session_id, token.counter), key))

    def _mac(self, signed: bytes, key: bytes) -> bytes:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key of a session has {KEY_BYTES} bytes")
        own = hmac.digest(self._secret, key, hashlib.sha256)
        return hmac.digest(own, signed, hashlib.sha256)[:_MAC_BYTES]


def new_session_key() -> bytes:
    """What a session stores beside its counter. Without it none of its tokens is good any more."""
    return os.urandom(KEY_BYTES)


def judge(
    presented: int, active: int, rotated_seconds_ago: float, tolerance: float = TOLERANCE_SECONDS
) -> Judgement:
    """What becomes of a proven token.

    Args:
        presented: the token's counter.
        active: the session's.
        rotated_seconds_ago: since the session's last renewal, by the clock that wrote it down; never negative for
            one clock, and a negative one tolerates nothing.

    Returns:
        `rotate`: it is the active one, and is spent now. `repeat`: it is spent, and the active token is the answer
        again, either because its answer may have been lost (the direct parent, at any time) or because clients race.
        `reused`: the session ends. A counter ahead of the session's means that a renewal was lost or undone.
    """
    if presented == active:
        return "rotate"
    is_recent = active - MOST_BEHIND <= presented < active and 0 <= rotated_seconds_ago < tolerance
    if presented == active - 1 or is_recent:
        return "repeat"
    return "reused"


def not_found() -> BackstayError:
    """One error for a malformed token, an unknown session and a proof that is not ours."""
    return BackstayError("refresh_token_not_found")


def _signed(session_id: UUID, counter: int) -> bytes:
    return _VERSION + session_id.bytes + counter.to_bytes(_COUNTER_BYTES, "big")


def _checksum(body: bytes) -> bytes:
    # Tells a typo from a forgery before anything is looked up; it proves nothing.
    return zlib.crc32(body).to_bytes(_CHECKSUM_BYTES, "big")
