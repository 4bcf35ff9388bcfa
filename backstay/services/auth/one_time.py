"""Codes and links that are mailed and used once: how they are made, and how one is recognised.

In charge of their text, of what of it is stored, and of how long they are good. What using one means is decided by
whoever asked for it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from backstay.models.auth.one_time import OneTimeToken
from backstay.repositories.auth.one_time import OneTimeRepository
from backstay.utils.clock import utc_now

CODE_DIGITS = 8
CODE_MINUTES = 10
LINK_MINUTES = 60
INVITE_MINUTES = 24 * 60
# Eight digits and five tries are one in twenty million; a new code is a new mail, which is throttled.
CODE_ATTEMPTS = 5
LINK_BYTES = 32
PKCE_PREFIX = "pkce_"

_CODE = re.compile(rf"[0-9]{{{CODE_DIGITS}}}", re.ASCII)
_LINK = re.compile(r"(?:pkce_)?[A-Za-z0-9_-]{43}", re.ASCII)
_PURPOSE = b"backstay one-time codes, version 1"


@dataclass(frozen=True, slots=True)
class Mailed:
    """What a mail has to say."""

    code: str = field(repr=False)
    link_token: str = field(repr=False)
    minutes: int


class OneTimeCodes:
    """Makes and recognises.

    Args:
        secret: the server's.
    """

    def __init__(self, secret: bytes, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._secret = hmac.digest(secret, _PURPOSE, hashlib.sha256)
        self._clock = clock

    async def issue(
        self,
        tokens: OneTimeRepository,
        user_id: UUID,
        purpose: str,
        address: str,
        *,
        flow_id: UUID | None = None,
        link_minutes: int = LINK_MINUTES,
    ) -> Mailed:
        """A code and a link for a user, instead of the earlier ones of that purpose.

        Args:
            address: the key of the address that the mail goes to.
            flow_id: of the client that asked, when it wants to finish by PKCE.
        """
        now = self._clock()
        code = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))
        link = ("" if flow_id is None else PKCE_PREFIX) + secrets.token_urlsafe(LINK_BYTES)
        token = OneTimeToken(
            user_id=user_id,
            purpose=purpose,
            address=address,
            link_hash=_digest(link),
            code_hash=self._code_hash(user_id, code),
            attempts_left=CODE_ATTEMPTS,
            flow_id=flow_id,
            created_at=now,
            code_expires_at=now + dt.timedelta(minutes=CODE_MINUTES),
            link_expires_at=now + dt.timedelta(minutes=link_minutes),
        )
        await tokens.replace(token)
        return Mailed(code, link, CODE_MINUTES)

    async def owner(self, tokens: OneTimeRepository, link: str) -> UUID | None:
        """Whose link that is, for whoever changes the user by it."""
        return await tokens.owner(_digest(link)) if _LINK.fullmatch(link) else None

    async def use_link(self, tokens: OneTimeRepository, link: str) -> OneTimeToken | None:
        """The token of a link, used by this call; None when there is none, or no more."""
        if _LINK.fullmatch(link) is None:
            return None
        return await tokens.use_link(_digest(link), self._clock())

    async def use_code(
        self, tokens: OneTimeRepository, user_id: UUID, purposes: Sequence[str], address: str, code: str
    ) -> OneTimeToken | None:
        """The token of a code, used by this call; None after counting the failure, which has to be kept."""
        if _CODE.fullmatch(code) is not None:
            hashed = self._code_hash(user_id, code)
            token = await tokens.use_code(user_id, purposes, address, hashed, self._clock())
            if token is not None:
                return token
        await tokens.count_failure(user_id, purposes)
        return None

    def _code_hash(self, user_id: UUID, code: str) -> bytes:
        return hmac.digest(self._secret, user_id.bytes + code.encode("ascii"), hashlib.sha256)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("ascii")).digest()
