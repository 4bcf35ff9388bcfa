"""Access tokens: minted for a user, verified once, remembered until they expire.

In charge of the life of a token in this process. What makes a signature good is in `signatures.py`, what the claims
mean in `claims.py`, and what stopped being true before a token expired in `revoked.py`.
"""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from joserfc import jws

from backstay.config.tokens import TokenSettings
from backstay.errors import BackstayError, ConfigurationError
from backstay.models.access.caller import Caller
from backstay.services.auth.claims import (
    ACCESS_MEDIA_TYPE,
    LEVELS,
    MAX_NAME_LENGTH,
    MAX_NAMES,
    USER_ROLE,
    are_names,
    expired,
    read_caller,
)
from backstay.services.auth.revoked import Revoked
from backstay.services.auth.signatures import MAX_TOKEN_BYTES, TokenKey, TokenKeys, open_token, undecodable

# Together 8 MiB of token text: ten thousand of the usual size, a thousand of the largest.
MAX_REMEMBERED = 10_000
MAX_REMEMBERED_BYTES = 8 * 1024 * 1024


class AccessTokens:
    """Mints and verifies. Belongs to one event loop; nothing in it waits.

    Args:
        settings: issuer, audience, leeway, lifetime and, unless `keys` are given, the HS256 secret.
        clock: Unix time in seconds.
        keys: the trusted keys by `kid`, instead of the secret; the one under None is for tokens without `kid`.
        signing_kid: which of the keys signs new tokens.
        revoked: what is true no longer.

    Raises:
        ConfigurationError: there is no key, or one that must not be trusted.
    """

    def __init__(
        self,
        settings: TokenSettings,
        clock: Callable[[], float] = time.time,
        *,
        keys: TokenKeys | None = None,
        signing_kid: str | None = None,
        revoked: Revoked | None = None,
    ) -> None:
        self._revoked = revoked or Revoked()
        self._settings = settings
        self._clock = clock
        self._keys: TokenKeys = _keys_of(settings) if keys is None else dict(keys)
        self._signing_kid = signing_kid
        # Token -> (caller, expiry), the least recently used first. Only proven tokens enter, so a stranger can
        # neither fill it nor learn from it; keyed by the token itself, as a digest would cost more than the lookup.
        self._remembered: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()
        self._remembered_bytes = 0

    def use(self, keys: TokenKeys, signing_kid: str) -> None:
        """Trust these keys from now on, beside the secret for tokens without `kid`."""
        secret: dict[str | None, TokenKey] = {kid: key for kid, key in self._keys.items() if kid is None}
        self._keys = secret | dict(keys)
        self._signing_kid = signing_kid
        self.forget()

    def forget(self, user_id: UUID | None = None, session_id: UUID | None = None) -> None:
        """Look at tokens anew when they come again: those of a user, of a session, or all."""
        session = None if session_id is None else str(session_id)
        for token, (caller, _) in list(self._remembered.items()):
            if (
                (user_id is None and session is None)
                or (user_id is not None and caller.id == user_id)
                or (session is not None and caller.claims.get("session_id") == session)
            ):
                del self._remembered[token]
                self._remembered_bytes -= len(token)

    def verify(self, token: bytes | str) -> Caller:
        """The user whose access token this is; the same object for as long as the token is remembered.

        Raises:
            BackstayError: `PGRST301` when it cannot be decoded or its signature is not ours, `PGRST303` when it
                has expired, is not for us, or is no user's.
        """
        caller = self.resolve(token)
        if caller.id is None:
            raise BackstayError("PGRST303", "JWT is not an access token")
        return caller

    def resolve(self, token: bytes | str) -> Caller:
        """Like `verify`, and also takes an API key that is a JWT; its caller has no id.

        Raises:
            BackstayError: as `verify`.
        """
        if isinstance(token, str):
            if not token.isascii():
                raise undecodable()
            token = token.encode("ascii")
        entry = self._remembered.get(token)
        if entry is None:
            return self._resolve_new(token)
        now = self._clock()
        if now >= self._revoked.trusted_until and entry[0].id is not None:
            raise _unsure()
        if now >= entry[1]:
            del self._remembered[token]
            self._remembered_bytes -= len(token)
            raise expired()
        self._remembered.move_to_end(token)
        return entry[0]

    def _resolve_new(self, token: bytes) -> Caller:
        media_type, payload = open_token(token, self._keys)
        now = self._clock()
        caller, expires = read_caller(media_type, payload, self._settings, now)
        if now >= self._revoked.trusted_until and caller.id is not None:
            raise _unsure()
        entry = self._revoked.applied(caller), expires
        self._remembered[token] = entry
        self._remembered_bytes += len(token)
        while self._remembered_bytes > MAX_REMEMBERED_BYTES or len(self._remembered) > MAX_REMEMBERED:
            oldest, _ = self._remembered.popitem(last=False)
            self._remembered_bytes -= len(oldest)
        return entry[0]

    def mint(
        self,
        user_id: UUID,
        *,
        email: str | None = None,
        phone: str | None = None,
        roles: Sequence[str] = (),
        permissions: Sequence[str] = (),
        aal: int = 1,
        amr: Sequence[Mapping[str, Any]] = (),
        session_id: UUID | None = None,
        app_metadata: Mapping[str, Any] | None = None,
        user_metadata: Mapping[str, Any] | None = None,
        is_anonymous: bool = False,
        authority: int = 0,
        lifetime_seconds: int | None = None,
    ) -> str:
        """A signed access token of type `at+jwt` (RFC 9068 section 2.1).

        Args:
            amr: `{method, timestamp, provider?}`, the newest first.
            authority: of the user, `User.authority`.
            lifetime_seconds: instead of the configured lifetime.

        Raises:
            BackstayError: `unprocessable`, when the claims would make a token that `verify` refuses.
        """
        now = int(self._clock())
        lifetime = self._settings.lifetime_seconds if lifetime_seconds is None else lifetime_seconds
        claims: dict[str, Any] = {
            "iss": self._settings.issuer,
            "sub": str(user_id),
            "aud": self._settings.audience,
            "exp": now + lifetime,
            "iat": now,
            "nbf": now,
            "jti": str(uuid4()),
            "email": email or "",
            "phone": phone or "",
            "app_metadata": dict(app_metadata or {}),
            "user_metadata": dict(user_metadata or {}),
            "role": USER_ROLE,
            "roles": _checked_names("roles", roles),
            "permissions": _checked_names("permissions", permissions),
            "aal": _checked_level(aal),
            "amr": [dict(method) for method in amr],
            "is_anonymous": is_anonymous,
            "authority": authority,
        }
        if session_id is not None:
            claims["session_id"] = str(session_id)
        return self._sign(_encode(claims))

    def _sign(self, payload: bytes) -> str:
        key = self._keys.get(self._signing_kid)
        if key is None:
            raise ConfigurationError(["tokens: none of the keys is the signing key"])
        header = {"alg": key.algorithm, "typ": ACCESS_MEDIA_TYPE}
        if self._signing_kid is not None:
            header["kid"] = self._signing_kid
        token = jws.serialize_compact(header, payload, key.key, algorithms=[key.algorithm])
        if len(token) > MAX_TOKEN_BYTES:
            raise BackstayError("unprocessable", f"The access token would exceed {MAX_TOKEN_BYTES} bytes.")
        return token


def _unsure() -> BackstayError:
    """The database could not be asked for too long whether the token is still good."""
    return BackstayError("not_ready", "Access tokens cannot be checked at the moment.", retry_after_seconds=1)


def _keys_of(settings: TokenSettings) -> TokenKeys:
    if settings.secret is None:
        raise ConfigurationError(["tokens.secret: is not set; give at least 32 random bytes"])
    return {None: TokenKey.from_secret(settings.secret.get_secret_value().encode("utf-8"))}


def _checked_names(name: str, values: Sequence[str]) -> list[str]:
    names = list(values)
    if isinstance(values, str) or not are_names(names):
        raise BackstayError(
            "unprocessable",
            f"A token holds at most {MAX_NAMES} {name} of at most {MAX_NAME_LENGTH} characters.",
        )
    return names


def _checked_level(level: int) -> str:
    name = f"aal{level}"
    if name not in LEVELS:
        raise BackstayError("unprocessable", "The authenticator assurance level is 1 or 2.")
    return name


def _encode(claims: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(claims, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
    except (TypeError, ValueError, RecursionError):
        raise BackstayError("unprocessable", "The access token's claims are not JSON.") from None
