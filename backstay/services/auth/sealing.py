"""Sealing: what the server has to read again but a stolen database must not give away.

In charge of one form of sealed bytes, AES-256-GCM under a key that is derived from the server's secret for one
purpose. What is only compared is not sealed but hashed.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backstay.errors import ConfigurationError
from backstay.services.auth.signatures import MIN_SECRET_BYTES

_VERSION = b"\x01"
_NONCE_BYTES = 12


class Sealing:
    """Seals and opens for one purpose.

    Args:
        secret: the server's, at least 32 random bytes.
        purpose: keeps uses of the secret apart; what one purpose sealed no other one opens.

    Raises:
        ConfigurationError: the secret is shorter.
    """

    def __init__(self, secret: bytes, purpose: bytes) -> None:
        if len(secret) < MIN_SECRET_BYTES:
            raise ConfigurationError([f"tokens.secret: needs at least {MIN_SECRET_BYTES} random bytes"])
        # No salt: the secret is uniformly random already (RFC 5869 section 3.1).
        self._cipher = AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret))

    def seal(self, clear: bytes, owner: bytes) -> bytes:
        """Version byte, nonce and ciphertext.

        Args:
            owner: whose it is; it opens for nobody else, so that a line copied to another one is worth nothing.
        """
        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + self._cipher.encrypt(nonce, clear, owner)

    def open(self, sealed: bytes, owner: bytes) -> bytes:
        """What was sealed.

        Raises:
            ValueError: it was sealed with another secret, for another purpose or owner, or altered.
        """
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            if sealed[:1] != _VERSION:
                raise ValueError
            return self._cipher.decrypt(nonce, ciphertext, owner)
        except (InvalidTag, ValueError):
            raise ValueError("the sealed bytes do not open") from None
