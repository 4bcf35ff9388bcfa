"""How sure we are of a caller: their user, session and second factors as the database has them now.

In charge of the tests that changing second factors has to pass. A token alone proves none of it: it may be older than
what happened since.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from backstay.errors import BackstayError
from backstay.models.auth.factor import VERIFIED, Factor
from backstay.models.auth.session import AuthSession
from backstay.models.auth.user import User
from backstay.repositories.auth.factors import FactorRepository
from backstay.repositories.auth.sessions import SessionRepository
from backstay.repositories.auth.users import UserRepository
from backstay.repositories.database.sessions import Session
from backstay.services.auth.sessions import AuthSessions, session_of
from backstay.services.context import Context

TOTP_METHOD = "totp"
RECOVERY_METHOD = "recovery_code"
# Entries of `amr` that are a second factor.
SECOND_METHODS = frozenset({TOTP_METHOD, RECOVERY_METHOD})
# How somebody signs in is changed only by whoever has proven something within this time (ASVS 5.0 7.5.1).
RECENT = dt.timedelta(hours=24)
# A factor that was begun this long ago and never proven is as if it were not there.
UNVERIFIED_LIFE = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Assured:
    """A caller, their living session, and their factors without those that were never proven in time.

    Attributes:
        level: authenticator assurance level that both token and session have.
    """

    user: User
    row: AuthSession
    factors: Sequence[Factor]
    level: int
    now: dt.datetime

    @property
    def has_second_factor(self) -> bool:
        """True when a factor was proven once."""
        return any(factor.status == VERIFIED for factor in self.factors)

    def factor(self, factor_id: UUID) -> Factor:
        """One of the caller's factors.

        Raises:
            BackstayError: `mfa_factor_not_found`, for those of others too.
        """
        for factor in self.factors:
            if factor.id == factor_id:
                return factor
        raise BackstayError("mfa_factor_not_found")

    def require_second_factor(self, message: str) -> None:
        """Refuse a session that has not proven one.

        Raises:
            BackstayError: `insufficient_aal`.
        """
        if self.level < 2:
            raise BackstayError("insufficient_aal", message)

    def require_recent(self) -> None:
        """Refuse a session that has proven nothing for a day.

        Raises:
            BackstayError: `reauthentication_needed`.
        """
        proven = max((entry["timestamp"] for entry in self.row.methods), default=0)
        if self.now.timestamp() - proven > RECENT.total_seconds():
            raise BackstayError(
                "reauthentication_needed", "Sign in again, or verify a factor, to change second factors"
            )


async def assured(session: Session, context: Context, sessions: AuthSessions, now: dt.datetime) -> Assured:
    """The caller of a use case, whose factors nobody else changes until its transaction ends.

    Raises:
        BackstayError: `no_authorization` for a caller that is no user, `session_not_found` when the session or the
            user is gone, `user_banned`.
    """
    user_id, session_id = context.caller.id, session_of(context)
    if user_id is None:
        raise BackstayError("no_authorization")
    factors = FactorRepository(session)
    user = await UserRepository(session).lock(user_id)
    row = None if session_id is None else await SessionRepository(session).find(session_id)
    if user is None or row is None or row.user_id != user.id or sessions.is_over(row, now):
        raise BackstayError("session_not_found")
    if user.is_banned(now):
        raise BackstayError("user_banned")
    living = [
        factor
        for factor in await factors.of_user(user.id)
        if factor.status == VERIFIED or now - factor.created_at < UNVERIFIED_LIFE
    ]
    return Assured(user, row, living, min(context.caller.aal, row.level), now)
