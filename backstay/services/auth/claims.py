"""What a proven token says: its claims checked, one by one, and turned into a caller.

In charge of the meaning of payloads, of which there are two kinds: access tokens of users (`at+jwt`, RFC 9068) and the
legacy API keys of the protocol, which are JWTs of an anonymous or a service role. The type of the header tells them
apart, so that no other token signed by the same key passes for either. Signatures are not its business
(`signatures.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from backstay.config.tokens import TokenSettings
from backstay.errors import BackstayError
from backstay.models.access.caller import ANONYMOUS, SERVICE, Caller
from backstay.services.auth.signatures import parse_object, undecodable

ACCESS_MEDIA_TYPE = "at+jwt"
USER_ROLE = "authenticated"
LEVELS = {"aal1": 1, "aal2": 2}
MAX_NAMES = 100
MAX_NAME_LENGTH = 100

_MAX_TIME = 2**53
_KEY_TYPE = "jwt"
_KEY_CLAIMS = frozenset({"role", "iss", "ref", "iat", "exp", "nbf", "jti"})
_KEY_CALLERS = {"anon": ANONYMOUS, "service_role": SERVICE}


def read_caller(media_type: str, payload: bytes, settings: TokenSettings, now: float) -> tuple[Caller, float]:
    """The caller that a proven payload names, and the Unix time in seconds from which it is no longer valid.

    Raises:
        BackstayError: `PGRST301` when the payload is no JSON object or of a foreign type, `PGRST303` when a claim
            is missing, malformed, or not for us, now.
    """
    claims = parse_object(payload)
    if claims is None or media_type not in (ACCESS_MEDIA_TYPE, _KEY_TYPE):
        raise undecodable()
    expires = _check_times(claims, settings.leeway_seconds, now)
    if claims.get("iss") != settings.issuer:
        raise _refused("JWT not from this issuer")
    if media_type == _KEY_TYPE:
        return _key_caller(claims), expires
    _check_audience(claims.get("aud"), settings.audience)
    return _user_caller(claims), expires


def expired() -> BackstayError:
    """The answer to a token that was good."""
    return _refused("JWT expired")


def _check_times(claims: Mapping[str, Any], leeway: int, now: float) -> float:
    expires = _seconds(claims, "exp") + leeway
    if now >= expires:
        raise expired()
    if "nbf" in claims and _seconds(claims, "nbf") > now + leeway:
        raise _refused("JWT not yet valid")
    if "iat" in claims and _seconds(claims, "iat") > now + leeway:
        raise _refused("JWT issued at future")
    return expires


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    # `type`, since True is an int to isinstance. Fractions are allowed by RFC 7519 but never issued by us.
    if type(value) is not int or not 0 <= value <= _MAX_TIME:
        raise _malformed(name)
    return value


def _check_audience(audience: Any, expected: str) -> None:
    if isinstance(audience, str):
        audience = [audience]
    if not isinstance(audience, list) or not all(isinstance(name, str) for name in audience):
        raise _malformed("aud")
    if expected not in audience:
        raise _refused("JWT not in audience")


def _key_caller(claims: Mapping[str, Any]) -> Caller:
    if not claims.keys() <= _KEY_CLAIMS:
        raise _refused("JWT is not an API key")
    role = claims.get("role")
    if not isinstance(role, str) or role not in _KEY_CALLERS:
        raise _malformed("role")
    return _KEY_CALLERS[role]


def _user_caller(claims: dict[str, Any]) -> Caller:
    if claims.get("role") != USER_ROLE:
        raise _malformed("role")
    level = claims.get("aal", "aal1")
    if not isinstance(level, str) or level not in LEVELS:
        raise _malformed("aal")
    metadata = claims.pop("user_metadata", {})
    if not isinstance(metadata, dict):
        raise _malformed("user_metadata")
    if "session_id" in claims:
        _id(claims, "session_id")
    if type(claims.get("authority", 0)) is not int:
        raise _malformed("authority")
    return Caller(
        id=_id(claims, "sub"),
        role=USER_ROLE,
        roles=_names(claims, "roles"),
        permissions=_names(claims, "permissions"),
        # One caller serves many requests of one token: read-only, so that none can write into the next.
        claims=MappingProxyType(claims),
        unverified_metadata=MappingProxyType(metadata),
        aal=LEVELS[level],
    )


def _id(claims: Mapping[str, Any], name: str) -> UUID:
    text = claims.get(name)
    if isinstance(text, str) and len(text) == 36:
        try:
            read = UUID(text)
        except ValueError:
            pass
        else:
            # UUID() also reads braces, `urn:` and foreign digits.
            if str(read) == text.lower():
                return read
    raise _malformed(name)


def _names(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    values = claims.get(name, [])
    if not isinstance(values, list) or not are_names(values):
        raise _malformed(name)
    return frozenset(values)


def are_names(values: list[Any]) -> bool:
    """Whether these may be roles or permissions of a token: at most 100 strings of at most 100 characters."""
    return len(values) <= MAX_NAMES and all(
        isinstance(value, str) and len(value) <= MAX_NAME_LENGTH for value in values
    )


def _malformed(name: str) -> BackstayError:
    return _refused(f"The JWT '{name}' claim is missing or malformed")


def _refused(message: str) -> BackstayError:
    return BackstayError("PGRST303", message)
