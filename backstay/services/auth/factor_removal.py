"""How second factors go: removed by their owner, or by an administrator for somebody who has lost theirs.

In charge of what ends with a proven factor: every other session of the user, and what is left of level 2 in the
owner's own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from backstay.errors import BackstayError
from backstay.models.auth.factor import VERIFIED, Factor
from backstay.models.auth.records import AuditEvent
from backstay.repositories.auth.factors import FactorRepository, RecoveryCodeRepository
from backstay.repositories.auth.revocations import RevocationRepository
from backstay.repositories.auth.roles import RoleRepository
from backstay.repositories.auth.sessions import SessionRepository
from backstay.repositories.auth.users import UserRepository
from backstay.repositories.database.sessions import Session
from backstay.services.auth.assurance import SECOND_METHODS, Assured, assured
from backstay.services.auth.audit import Audit
from backstay.services.auth.authority import Authority
from backstay.services.auth.client import NOBODYS, Client
from backstay.services.auth.notices import notify
from backstay.services.auth.sessions import AuthSessions
from backstay.services.context import Context
from backstay.services.mail.post import Post
from backstay.services.unit_of_work import UnitOfWork
from backstay.utils.clock import utc_now


class FactorRemoval:
    """Removes."""

    def __init__(
        self,
        units: UnitOfWork,
        sessions: AuthSessions,
        authority: Authority,
        audit: Audit,
        post: Post,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._units = units
        self._sessions = sessions
        self._authority = authority
        self._audit = audit
        self._post = post
        self._clock = clock

    async def remove(self, context: Context, factor_id: UUID, client: Client = NOBODYS) -> None:
        """Remove one of the caller's factors. If it was proven, their other sessions end and this one is at level 1.

        Raises:
            BackstayError: `mfa_factor_not_found`; for a proven one `insufficient_aal` and `reauthentication_needed`.
        """
        now = self._clock()
        ended: Sequence[UUID] = ()
        changed: tuple[UUID, int, dict[str, Any]] | None = None
        async with self._units.begin(context) as session:
            own = await assured(session, context, self._sessions, now)
            factor = own.factor(factor_id)
            was_verified = factor.status == VERIFIED
            if was_verified:
                own.require_second_factor("AAL2 required to unenroll verified factor")
                own.require_recent()
            await _drop(session, own.user.id, factor, own.factors)
            self._audit.record(
                session,
                context,
                AuditEvent.FACTOR_REMOVED,
                user_id=own.user.id,
                session_id=own.row.id,
                factor=str(factor_id),
            )
            if was_verified:
                ended = await self._sessions.end_all(session, context, own.user.id, but=own.row.id)
                changed = await _lower(session, own)
        self._sessions.forget(ended)
        if changed is not None:
            self._authority.user_changed(*changed)
            notify(self._post, own.user, client)

    async def delete_for(self, context: Context, user_id: UUID, factor_id: UUID) -> None:
        """Remove a user's factor for them. If it was proven, all their sessions end.

        Raises:
            BackstayError: `user_not_found`, `mfa_factor_not_found`.
        """
        ended: Sequence[UUID] = ()
        async with self._units.begin(context) as session:
            repository = FactorRepository(session)
            user = await UserRepository(session).lock(user_id)
            if user is None:
                raise BackstayError("user_not_found")
            factors = await repository.of_user(user_id)
            factor = next((one for one in factors if one.id == factor_id), None)
            if factor is None:
                raise BackstayError("mfa_factor_not_found")
            await _drop(session, user_id, factor, factors)
            self._audit.record(
                session, context, AuditEvent.FACTOR_REMOVED, user_id=user_id, factor=str(factor_id)
            )
            if factor.status == VERIFIED:
                ended = await self._sessions.end_all(session, context, user_id)
        self._sessions.forget(ended)
        if factor.status == VERIFIED:
            notify(self._post, user, NOBODYS)


async def _drop(session: Session, user_id: UUID, factor: Factor, factors: Sequence[Factor]) -> None:
    """Remove the factor, and the recovery codes with the last one that was proven."""
    await FactorRepository(session).delete(user_id, factor.id)
    if not any(one.status == VERIFIED and one.id != factor.id for one in factors):
        await RecoveryCodeRepository(session).drop(user_id)


async def _lower(session: Session, own: Assured) -> tuple[UUID, int, dict[str, Any]]:
    """The session is at level 1, and so are its tokens: they are read anew rather than refused, since the answer to
    the removal has no room for others."""
    first = [entry for entry in own.row.methods if entry["method"] not in SECOND_METHODS]
    await SessionRepository(session).lower(own.row.id, first)
    authority = await UserRepository(session).raise_authority(own.user.id)
    roles, permissions = await RoleRepository(session).of_user(own.user.id)
    grants = {"roles": roles, "permissions": permissions, "aal": 1}
    await RevocationRepository(session).user(own.user.id, authority, grants)
    return own.user.id, authority, grants
