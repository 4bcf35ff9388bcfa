"""The signature layer of tokens: which keys are trusted, and what a compact JWS must look like to be opened.

In charge of everything up to a proven payload: size, spelling, header, key, signature. Not in charge of what the
payload says (`claims.py`). The envelope is read here rather than by a library because it must be stricter than
RFC 7515 asks: one spelling per token, no duplicate member, no header parameter that could steer the choice of a key.
The algorithms themselves are joserfc's.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping
from typing import Any, cast

from joserfc.errors import JoseError
from joserfc.jwk import Key, OctKey, RSAKey
from joserfc.jws import JWSRegistry

from backstay.errors import BackstayError, ConfigurationError

MAX_TOKEN_BYTES = 8192
MIN_SECRET_BYTES = 32
MIN_RSA_BITS = 2048

ALGORITHMS = frozenset(
    f"{family}{bits}" for family in ("HS", "RS", "PS", "ES") for bits in (256, 384, 512)
) | {"EdDSA", "Ed25519", "Ed448"}

# `jku`, `x5u`, `jwk` and `x5c` name a key, `crit`, `b64` and `zip` change the meaning of the rest: an allow-list
# refuses these and whatever is registered after them.
_HEADER_NAMES = frozenset({"alg", "typ", "kid"})
_KEY_FILE_MARKS = (b"--begin", b"ssh-rsa", b"ssh-dss", b"ssh-ed25519", b"ecdsa-sha2-", b'"kty"', b'"keys"')


class TokenKey:
    """A key bound to its one algorithm (RFC 8725 section 3.1).

    Raises:
        ConfigurationError: the algorithm is unknown, or the key is of another type, curve, use or too short.
    """

    __slots__ = ("_model", "algorithm", "key")

    def __init__(self, algorithm: str, key: Key) -> None:
        if algorithm not in ALGORITHMS:
            raise ConfigurationError([f"tokens: the algorithm {algorithm!r} is not supported"])
        model = JWSRegistry.algorithms[algorithm]
        try:
            model.check_key(key)
            key.check_key_op("verify")
        except JoseError as error:
            raise ConfigurationError([f"tokens: the key does not fit {algorithm}: {error}"]) from error
        if isinstance(key, OctKey):
            # RFC 7518 section 3.2: at least as long as the hash.
            _check_secret(key.raw_value, int(algorithm[2:]) // 8)
        if isinstance(key, RSAKey) and key.raw_value.key_size < MIN_RSA_BITS:
            raise ConfigurationError([f"tokens: an RSA key needs at least {MIN_RSA_BITS} bits"])
        self.algorithm = algorithm
        self.key = key
        self._model = model

    @classmethod
    def from_secret(cls, secret: bytes) -> TokenKey:
        """An HS256 key of these bytes."""
        # Before the import too, which has its own errors for what it finds in the bytes.
        _check_secret(secret, MIN_SECRET_BYTES)
        return cls("HS256", OctKey.import_key(secret))

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """True when `signature` is this key's signature of `message`."""
        return self._model.verify(message, signature, self.key)


TokenKeys = Mapping[str | None, TokenKey]
"""The trusted keys by `kid`; the one under None is for tokens that carry no `kid`."""


def open_token(token: bytes, keys: TokenKeys) -> tuple[str, bytes]:
    """The media type and the payload of a compact JWS (RFC 7515 section 7.1), once its signature is proven.

    The type is the `typ` header in lower case without `application/`, empty when there is none.

    Raises:
        BackstayError: `PGRST301`, the same for whatever is wrong, and with nothing of the token in it.
    """
    opened = _open(token, keys)
    if opened is None:
        raise undecodable()
    return opened


def parse_object(text: bytes) -> dict[str, Any] | None:
    """A JSON object of UTF-8, or None: duplicate members, NaN, infinities and lone surrogates are refused."""
    try:
        # Decoded first, since json.loads would guess UTF-16 and UTF-32 from bytes.
        value = _DECODER.decode(text.decode("utf-8"))
        if b"\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def undecodable() -> BackstayError:
    """The answer to a token that could not be opened."""
    return BackstayError("PGRST301")


def _open(token: bytes, keys: TokenKeys) -> tuple[str, bytes] | None:
    # The error is raised by the caller, outside of any handler: a parser's exception carries the text that it
    # parsed, and as a context it would travel with ours into logs.
    if len(token) > MAX_TOKEN_BYTES or token.count(b".") != 2:
        return None
    signed, _, signature_segment = token.rpartition(b".")
    header_segment, _, payload_segment = signed.partition(b".")
    try:
        header = parse_object(_decode_segment(header_segment))
        payload = _decode_segment(payload_segment)
        signature = _decode_segment(signature_segment)
        if header is None:
            return None
        key = _choose_key(header, keys)
        if key is None or not key.verifies(signed, signature):
            return None
    except Exception:  # noqa: BLE001 - whatever a parser or an algorithm raises on hostile input, it is no token
        return None
    return _media_type(header), payload


def _decode_segment(segment: bytes) -> bytes:
    raw = base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    # The decoder skips foreign characters and ignores unused bits; only the canonical spelling comes back equal.
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != segment:
        raise ValueError
    return raw


def _choose_key(header: dict[str, Any], keys: TokenKeys) -> TokenKey | None:
    if not header.keys() <= _HEADER_NAMES or not all(isinstance(value, str) for value in header.values()):
        return None
    key = keys.get(header.get("kid"))
    return key if key is not None and key.algorithm == header.get("alg") else None


def _media_type(header: dict[str, Any]) -> str:
    return cast(str, header.get("typ", "")).lower().removeprefix("application/")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError
    return members


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _no_constant(text: str) -> None:
    raise ValueError


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_no_constant)


def _check_secret(secret: bytes, minimum: int) -> None:
    # Refuses what is short, and what is a file that others may hold, such as a public key, in any packaging.
    if len(secret) < minimum:
        raise ConfigurationError([f"tokens.secret: needs at least {minimum} random bytes"])
    if any(_is_key_file(value) for value in (secret, _unarmoured(secret))):
        raise ConfigurationError(["tokens.secret: looks like a PEM, DER, SSH or JWK key; use random bytes"])


def _unarmoured(secret: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(secret.split()).replace(b"-", b"+").replace(b"_", b"/") + b"==")
    except binascii.Error:
        return b""


def _is_key_file(value: bytes) -> bool:
    squeezed = b"".join(value.split()).lower()
    if any(mark in squeezed for mark in _KEY_FILE_MARKS):
        return True
    # joserfc tries every loader of public keys and certificates on what is to be an HMAC key. Values below the
    # minimum hold no key, and it warns of them.
    if len(value) < MIN_SECRET_BYTES:
        return False
    try:
        OctKey.import_key(value)
    except ValueError:
        return True
    return False
