"""Recovery codes: what stands in for a second factor on the day it is lost.

In charge of their text, and of what one is worth: once, a session at level 2 in place of the caller's own, by which
the lost factor can be removed.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from uuid import UUID

from backstay.errors import BackstayError
from backstay.models.auth.records import AuditEvent
from backstay.repositories.auth.factors import RecoveryCodeRepository
from backstay.services.auth.assurance import RECOVERY_METHOD, assured
from backstay.services.auth.audit import Audit
from backstay.services.auth.client import NOBODYS, Client
from backstay.services.auth.factors import THROTTLE
from backstay.services.auth.notices import notify
from backstay.services.auth.sessions import AuthSessions, Signed
from backstay.services.auth.throttles import Throttles
from backstay.services.context import Context
from backstay.services.mail.post import Post
from backstay.services.unit_of_work import UnitOfWork
from backstay.utils.clock import utc_now

CODES = 10
# 120 bits: from 112 on a code needs no slow hash (ASVS 5.0 6.5.2).
CODE_BYTES = 15

_GROUP = 6
_CODE = re.compile(r"[a-z2-7]{24}", re.ASCII)
_PURPOSE = b"backstay recovery codes, version 1"


class RecoveryCodes:
    """Makes and takes.

    Args:
        secret: the server's, under which codes are hashed.
    """

    def __init__(
        self,
        units: UnitOfWork,
        sessions: AuthSessions,
        throttles: Throttles,
        audit: Audit,
        post: Post,
        secret: bytes,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._units = units
        self._sessions = sessions
        self._throttles = throttles
        self._audit = audit
        self._post = post
        self._secret = hmac.digest(secret, _PURPOSE, hashlib.sha256)
        self._clock = clock

    async def make(self, context: Context, client: Client = NOBODYS) -> Sequence[str]:
        """Ten new codes, which nobody is shown again; earlier ones are good no more.

        Raises:
            BackstayError: `insufficient_aal`, `reauthentication_needed`.
        """
        codes = tuple(_new_code() for _ in range(CODES))
        async with self._units.begin(context) as session:
            own = await assured(session, context, self._sessions, self._clock())
            own.require_second_factor("AAL2 required to make recovery codes")
            own.require_recent()
            hashes = [self._hash(own.user.id, code.replace("-", "")) for code in codes]
            await RecoveryCodeRepository(session).replace(own.user.id, hashes)
            self._audit.record(
                session,
                context,
                AuditEvent.RECOVERY_CODES_MADE,
                user_id=own.user.id,
                session_id=own.row.id,
                count=len(codes),
            )
        notify(self._post, own.user, client)
        return codes

    async def use(self, context: Context, text: str, client: Client = NOBODYS) -> Signed:
        """A session at level 2 in place of the caller's, for one of their codes.

        Args:
            text: upper or lower case, with or without hyphens and spaces.

        Raises:
            BackstayError: `mfa_verification_failed`, `over_request_rate_limit`.
        """
        subject = str(context.caller.id)
        await self._throttles.spend(context, THROTTLE, subject)
        code = text.replace("-", "").replace(" ", "").strip().lower()
        async with self._units.begin(context) as session:
            own = await assured(session, context, self._sessions, self._clock())
            codes = RecoveryCodeRepository(session)
            accepted = _CODE.fullmatch(code) is not None and await codes.use(
                own.user.id, self._hash(own.user.id, code)
            )
            self._audit.record(
                session,
                context,
                AuditEvent.RECOVERY_CODE_USED if accepted else AuditEvent.FACTOR_REFUSED,
                user_id=own.user.id,
                session_id=own.row.id,
                left=await codes.count(own.user.id),
            )
            if accepted:
                signed = await self._sessions.raise_level(
                    session, context, own.user, own.row, RECOVERY_METHOD
                )
        if not accepted:
            raise BackstayError("mfa_verification_failed", "Invalid recovery code entered")
        self._sessions.forget((own.row.id,))
        await self._throttles.forgive(context, THROTTLE, subject)
        notify(self._post, own.user, client)
        return signed

    def _hash(self, user_id: UUID, code: str) -> bytes:
        return hmac.digest(self._secret, user_id.bytes + code.encode("ascii"), hashlib.sha256)


def _new_code() -> str:
    text = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode("ascii").lower()
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))
