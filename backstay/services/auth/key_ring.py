"""The keys that sign access tokens: made, sealed, rotated and revoked.

In charge of a key's life as pure values: each transition takes keys and returns keys, and the repository stores them.
A key is published as `next` before it signs as `current`, so that whoever verifies has seen it, and verifies as `old`
for as long as a token of its own may live. The server's secret seals each private half, and a key is trusted only when
its sealed half opens and belongs to its public one: a line that someone adds to the table makes no trusted key.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from joserfc.jwk import ECKey

from backstay.errors import BackstayError, ConfigurationError
from backstay.services.auth.sealing import Sealing
from backstay.services.auth.signatures import TokenKey

State = Literal["next", "current", "old", "revoked"]

ALGORITHM = "ES256"
# An old key verifies this much longer than its last token lives: 60 s for the most leeway the settings allow, and
# 60 s for a process that has not yet heard of the rotation and still signs with it.
GRACE_SECONDS = 120

_ORDER: Mapping[State, int] = {"current": 0, "next": 1, "old": 2, "revoked": 3}
_PURPOSE = b"backstay signing keys, sealed, version 1"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair as it is stored.

    Attributes:
        kid: the SHA-256 thumbprint of the public half (RFC 7638).
        public: the public half as a JWK (RFC 7517) of `kty`, `crv`, `x` and `y`.
        sealed_private: version byte, nonce and AES-256-GCM ciphertext; empty once the key is revoked.
        retired_at: when it stopped signing, for keys that are `old` or `revoked`.
    """

    kid: str
    algorithm: str
    public: Mapping[str, str]
    sealed_private: bytes
    state: State
    created_at: dt.datetime
    retired_at: dt.datetime | None = None

    def lives(self, now: dt.datetime, lifetime_seconds: int) -> bool:
        """True when it signs, will sign, or has signed tokens of this lifetime that may not have expired."""
        if self.state in ("next", "current"):
            return True
        if self.state == "revoked" or self.retired_at is None:
            return False
        return now < self.retired_at + dt.timedelta(seconds=lifetime_seconds + GRACE_SECONDS)


class KeyRing:
    """The stored keys, opened.

    Args:
        keys: all of them, in any order.
        secret: the server's, `tokens.secret`.

    Raises:
        ConfigurationError: there is not exactly one current key, or a key is not sealed with this secret.
    """

    def __init__(self, keys: Iterable[SigningKey], secret: bytes) -> None:
        usable = sorted((key for key in keys if key.state != "revoked"), key=lambda key: _ORDER[key.state])
        current = [key for key in usable if key.state == "current"]
        if len(current) != 1:
            raise ConfigurationError([f"tokens: {len(current)} signing keys are current; there must be one"])
        self.signing = current[0]
        self._keys = tuple(usable)
        self._opened = {key.kid: TokenKey(key.algorithm, self._trusted(key, secret)) for key in usable}

    def _trusted(self, key: SigningKey, secret: bytes) -> ECKey:
        private = open_private(key, secret)
        # Only the key that signs keeps its private half in memory.
        return private if key is self.signing else ECKey.import_key(_public_half(private))

    def verifying(self, now: dt.datetime, lifetime_seconds: int) -> dict[str | None, TokenKey]:
        """The keys to trust at this time, by `kid`; the one of `signing` can sign too.

        Args:
            lifetime_seconds: the longest that an access token lives.
        """
        return {key.kid: self._opened[key.kid] for key in self._keys if key.lives(now, lifetime_seconds)}

    def jwks(self, now: dt.datetime, lifetime_seconds: int) -> dict[str, list[dict[str, str]]]:
        """The same keys as a JWK set (RFC 7517 section 5) for the public, the current one first."""
        return {
            "keys": [
                {**key.public, "kid": key.kid, "use": "sig", "alg": key.algorithm}
                for key in self._keys
                if key.lives(now, lifetime_seconds)
            ]
        }


def new_key(secret: bytes, now: dt.datetime, state: State = "next") -> SigningKey:
    """A key pair on P-256, its private half sealed.

    Raises:
        ConfigurationError: the secret is shorter than 32 bytes.
    """
    pair = ECKey.generate_key("P-256")
    kid = pair.thumbprint()
    private = json.dumps(pair.as_dict(private=True)).encode("ascii")
    sealed = Sealing(secret, _PURPOSE).seal(private, kid.encode("ascii"))
    return SigningKey(kid, ALGORITHM, _public_half(pair), sealed, state, now)


def open_private(key: SigningKey, secret: bytes) -> ECKey:
    """The key pair, proven to be the one that was sealed under this `kid`.

    Raises:
        ConfigurationError: it was sealed with another secret, altered, or erased.
    """
    try:
        if key.algorithm != ALGORITHM:
            raise ValueError
        opened = Sealing(secret, _PURPOSE).open(key.sealed_private, key.kid.encode("utf-8"))
        pair = ECKey.import_key(json.loads(opened))
        if pair.thumbprint() != key.kid or _public_half(pair) != dict(key.public):
            raise ValueError
    except ValueError:
        # Without the cause: an error of parsing would carry what was opened.
        raise ConfigurationError(
            [f"tokens.secret: does not open the signing key {key.kid}; give the secret that sealed it"]
        ) from None
    return pair


def rotate(keys: Sequence[SigningKey], secret: bytes, now: dt.datetime) -> tuple[SigningKey, ...]:
    """The next key signs, the current one retires, a new one is next. Of no keys, it makes the first two."""
    upcoming = next((key for key in keys if key.state == "next"), None) or new_key(secret, now)
    rest = [_retired(key, "old", now) if key.state == "current" else key for key in keys]
    others = [key for key in rest if key.kid != upcoming.kid]
    return (replace(upcoming, state="current"), new_key(secret, now), *others)


def revoke(keys: Sequence[SigningKey], kid: str, secret: bytes, now: dt.datetime) -> tuple[SigningKey, ...]:
    """The key verifies nothing from now on and its private half is erased; one that signed is replaced at once.

    Raises:
        BackstayError: `not_found`.
    """
    key = next((key for key in keys if key.kid == kid), None)
    if key is None:
        raise BackstayError("not_found", "There is no signing key with this kid.")
    if key.state == "revoked":
        return tuple(keys)
    revoked = replace(_retired(key, "revoked", now), sealed_private=b"")
    left = tuple(revoked if other is key else other for other in keys)
    if key.state == "current":
        return rotate(left, secret, now)
    return (*left, new_key(secret, now)) if key.state == "next" else left


def without_dead(
    keys: Iterable[SigningKey], now: dt.datetime, lifetime_seconds: int
) -> tuple[SigningKey, ...]:
    """The keys that are still worth a line: those that live, and the revoked, which are kept as a record."""
    return tuple(key for key in keys if key.state == "revoked" or key.lives(now, lifetime_seconds))


def _retired(key: SigningKey, state: State, now: dt.datetime) -> SigningKey:
    return replace(key, state=state, retired_at=key.retired_at or now)


def _public_half(pair: ECKey) -> dict[str, Any]:
    return {
        name: value for name, value in pair.as_dict(private=False).items() if name in ("kty", "crv", "x", "y")
    }
