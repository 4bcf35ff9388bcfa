"""Sessions: begun by a sign-in, renewed by refresh tokens, ended by their owner, an administrator or time.

In charge of what a session gives its client, and of judging refresh tokens that come back. Whether somebody may sign
in is decided by whoever calls `begin`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from backstay.config.auth import AuthSettings
from backstay.config.tokens import TokenSettings
from backstay.errors import BackstayError
from backstay.models.auth.account import Account
from backstay.models.auth.records import AuditEvent
from backstay.models.auth.session import MAX_AGENT_LENGTH, AuthSession
from backstay.models.auth.user import User
from backstay.repositories.auth.one_time import FlowRepository
from backstay.repositories.auth.revocations import RevocationRepository
from backstay.repositories.auth.sessions import SessionRepository
from backstay.repositories.auth.sign_ins import SignInRepository
from backstay.repositories.auth.users import Standing, UserRepository
from backstay.repositories.database.sessions import Session
from backstay.services.auth.audit import Audit
from backstay.services.auth.authority import Authority
from backstay.services.auth.client import NOBODYS, Client
from backstay.services.auth.refresh_tokens import (
    RefreshToken,
    RefreshTokens,
    judge,
    new_session_key,
    not_found,
)
from backstay.services.auth.throttles import Throttles
from backstay.services.auth.tokens import AccessTokens
from backstay.services.context import Context
from backstay.services.unit_of_work import UnitOfWork
from backstay.utils.clock import utc_now
from backstay.utils.ids import uuid7

Scope = Literal["global", "local", "others"]
REUSE_CAUSE = "fail-to-save"
RACE_CAUSE = "concurrent-refresh"
_MOST_METHODS = 10


@dataclass(frozen=True, slots=True)
class Signed:
    """What a client holds after a sign-in or a refresh.

    Attributes:
        expires_in: seconds that the access token lives.
        expires_at: the same as Unix time.
        session_key: proves cookies of the session; never leaves.
        reuse_cause: why a spent refresh token was answered all the same; empty when none was.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    expires_at: int
    session_id: UUID
    session_key: bytes = field(repr=False)
    account: Account
    reuse_cause: str = ""


class AuthSessions:
    """Begins, renews, lists and ends."""

    def __init__(
        self,
        units: UnitOfWork,
        sign_ins: SignInRepository,
        access: AccessTokens,
        refresh: RefreshTokens,
        authority: Authority,
        throttles: Throttles,
        audit: Audit,
        auth: AuthSettings,
        tokens: TokenSettings,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._units = units
        self._sign_ins = sign_ins
        self._access = access
        self._refresh = refresh
        self._authority = authority
        self._throttles = throttles
        self._audit = audit
        self._auth = auth
        self._tokens = tokens
        self._clock = clock

    async def begin(
        self,
        session: Session,
        context: Context,
        user: User,
        method: str,
        *,
        client: Client = NOBODYS,
        provider: str | None = None,
    ) -> Signed:
        """A new session for a user who has just proven to be one, within the transaction that used the proof.

        Args:
            method: of `amr`, such as `otp`.

        Raises:
            BackstayError: `user_banned`.
        """
        row = self._new(context, user, method, client, provider)
        user.last_sign_in_at = row.created_at
        self._audit.record(
            session, context, AuditEvent.USER_SIGNED_IN, user_id=user.id, session_id=row.id, method=method
        )
        # The three of them are written together, with this.
        await SessionRepository(session).add(row)
        return self._signed(await UserRepository(session).standing(user), row)

    async def begin_by_password(
        self, context: Context, standing: Standing, hashed: str, client: Client
    ) -> Signed | None:
        """A new session for a user whose password was right, in a transaction of its own.

        Args:
            standing: of the user, as it was before the password was looked at.
            hashed: the password's hash from now on.

        Returns:
            None when the password, or what tokens say of the user, has changed since.

        Raises:
            BackstayError: `user_banned`.
        """
        user = standing.user
        row = self._new(context, user, "password", client)
        line = self._audit.line(
            context, AuditEvent.USER_SIGNED_IN, user_id=user.id, session_id=row.id, method="password"
        )
        if not await self._sign_ins.keep(user, hashed, row, line):
            return None
        self._audit.kept(line)
        user.last_sign_in_at = row.created_at
        return self._signed(standing, row)

    def _new(
        self, context: Context, user: User, method: str, client: Client, provider: str | None = None
    ) -> AuthSession:
        now = self._clock()
        if user.is_banned(now):
            raise BackstayError("user_banned")
        return AuthSession(
            id=uuid7(),
            user_id=user.id,
            key=new_session_key(),
            counter=0,
            level=1,
            methods=[method_entry(method, now, provider)],
            client_ip=context.client_ip,
            user_agent=client.agent[:MAX_AGENT_LENGTH],
            created_at=now,
            renewed_at=now,
            expires_at=now + dt.timedelta(days=self._auth.session_days),
        )

    async def raise_level(
        self, session: Session, context: Context, user: User, row: AuthSession, method: str
    ) -> Signed:
        """A new session at level 2 in place of this one, whose user has just proven a second factor.

        With the old one its cookie, refresh token and access tokens end (ASVS 5.0 7.2.4); `forget` it once that is
        kept. How long the session may last at most stays as it was.

        Raises:
            BackstayError: `session_not_found`, when it has ended meanwhile.
        """
        sessions, now = SessionRepository(session), self._clock()
        if not await sessions.end(row.id):
            raise BackstayError("session_not_found")
        await RevocationRepository(session).session(row.id)
        earlier = [entry for entry in row.methods if entry["method"] != method]
        raised = AuthSession(
            user_id=user.id,
            key=new_session_key(),
            counter=0,
            level=2,
            methods=[method_entry(method, now), *earlier][:_MOST_METHODS],
            client_ip=row.client_ip,
            user_agent=row.user_agent,
            created_at=row.created_at,
            renewed_at=now,
            expires_at=row.expires_at,
        )
        await sessions.add(raised)
        return await self.sign(session, user, raised)

    async def sign(self, session: Session, user: User, row: AuthSession, reuse_cause: str = "") -> Signed:
        """Tokens of a session as it is now."""
        users = UserRepository(session)
        await users.save()
        return self._signed(await users.standing(user), row, reuse_cause)

    def _signed(self, standing: Standing, row: AuthSession, reuse_cause: str = "") -> Signed:
        token = self._access.mint(
            standing.user.id,
            roles=standing.roles,
            permissions=standing.permissions,
            aal=row.level,
            amr=row.methods,
            session_id=row.id,
            **said_of(standing.user),
        )
        lifetime = self._tokens.lifetime_seconds
        return Signed(
            access_token=token,
            refresh_token=self._refresh.mint(row.id, row.counter, row.key),
            expires_in=lifetime,
            expires_at=int(self._clock().timestamp()) + lifetime,
            session_id=row.id,
            session_key=row.key,
            account=standing.account,
            reuse_cause=reuse_cause,
        )

    async def renew(self, context: Context, text: str) -> Signed:
        """New tokens for a refresh token, which is spent with this.

        Raises:
            BackstayError: `refresh_token_not_found`, `refresh_token_already_used` (the session has ended then),
                `session_expired`, `user_banned`, `over_request_rate_limit`.
        """
        token = self._refresh.read(text)
        await self._throttles.spend(context, "refresh", str(token.session_id))
        async with self._units.begin(context) as session:
            outcome = await self._renewed(session, context, token)
        if isinstance(outcome, Signed):
            return outcome
        self._authority.session_ended(token.session_id)
        raise outcome

    async def _renewed(
        self, session: Session, context: Context, token: RefreshToken
    ) -> Signed | BackstayError:
        """The answer; or, after the session was ended, the refusal, which must not undo that."""
        sessions = SessionRepository(session)
        now = self._clock()
        # Twice at most: who loses the race for the active token finds it spent a moment ago.
        for _ in range(2):
            row = await sessions.find(token.session_id)
            if row is None or not self._refresh.verify(token, row.key):
                raise not_found()
            user = await UserRepository(session).by_id(row.user_id)
            if user is None:
                raise not_found()
            if user.is_banned(now):
                raise BackstayError("user_banned")
            if self.is_over(row, now):
                return await self._ended(session, context, row, "session_expired")
            judgement = judge(token.counter, row.counter, (now - row.renewed_at).total_seconds())
            if judgement == "reused":
                return await self._ended(session, context, row, "refresh_token_already_used")
            if judgement == "repeat":
                cause = REUSE_CAUSE if token.counter == row.counter - 1 else RACE_CAUSE
                # After the user, so that a level which was lowered meanwhile is not told with the newer authority.
                row = await sessions.find(row.id)
                return not_found() if row is None else await self.sign(session, user, row, cause)
            if await sessions.renew(row.id, row.counter, now):
                row = await sessions.find(row.id)
                if row is not None:
                    return await self.sign(session, user, row)
        raise BackstayError("conflict")

    def is_over(self, row: AuthSession, now: dt.datetime) -> bool:
        """Whether the session has outlived one of its two lifetimes."""
        return now >= row.expires_at or now - row.renewed_at >= dt.timedelta(days=self._auth.idle_days)

    async def _ended(self, session: Session, context: Context, row: AuthSession, code: str) -> BackstayError:
        await SessionRepository(session).end(row.id)
        await RevocationRepository(session).session(row.id)
        event = (
            AuditEvent.TOKEN_REUSED if code == "refresh_token_already_used" else AuditEvent.SESSION_REVOKED
        )
        self._audit.record(session, context, event, user_id=row.user_id, session_id=row.id, reason=code)
        return BackstayError(code)

    async def list(self, context: Context, user_id: UUID) -> Sequence[AuthSession]:
        """A user's sessions, the newest first."""
        async with self._units.begin(context, reading=True) as session:
            return await SessionRepository(session).of_user(user_id)

    async def sign_out(self, context: Context, scope: Scope) -> None:
        """End the caller's sessions: all of them, this one, or the others."""
        user_id, own = context.caller.id, session_of(context)
        if user_id is None:
            raise BackstayError("no_authorization")
        async with self._units.begin(context) as session:
            ended = await self.end_all(
                session,
                context,
                user_id,
                but=own if scope == "others" else None,
                only=own if scope == "local" else None,
            )
            self._audit.record(
                session, context, AuditEvent.SIGNED_OUT, user_id=user_id, session_id=own, scope=scope
            )
        self.forget(ended)

    async def end_one(self, context: Context, user_id: UUID, session_id: UUID) -> None:
        """End one session of a user.

        Raises:
            BackstayError: `session_not_found`.
        """
        async with self._units.begin(context) as session:
            ended = await self.end_all(session, context, user_id, only=session_id)
            if not ended:
                raise BackstayError("session_not_found", "There is no such session.")
        self.forget(ended)

    async def end_all(
        self,
        session: Session,
        context: Context,
        user_id: UUID,
        *,
        but: UUID | None = None,
        only: UUID | None = None,
    ) -> Sequence[UUID]:
        """End sessions within a transaction; `forget` what it returns once that is kept.

        Of all, also those that a code is still to begin.
        """
        if but is None and only is None:
            await FlowRepository(session).drop(user_id)
        ended = await SessionRepository(session).end_of_user(user_id, but=but, only=only)
        revocations = RevocationRepository(session)
        for session_id in ended:
            await revocations.session(session_id)
            self._audit.record(
                session, context, AuditEvent.SESSION_REVOKED, user_id=user_id, session_id=session_id
            )
        return ended

    def forget(self, ended: Sequence[UUID]) -> None:
        """Refuse the access tokens of these sessions from now on; the other processes follow within a second."""
        for session_id in ended:
            self._authority.session_ended(session_id)


def said_of(user: User) -> dict[str, Any]:
    """What every access token of a user says of them, whatever the session."""
    return {
        "email": user.email,
        "app_metadata": user.app_metadata,
        "user_metadata": user.user_metadata,
        "is_anonymous": user.is_anonymous,
        "authority": user.authority,
    }


def session_of(context: Context) -> UUID | None:
    """The session of the caller's token, if it names one."""
    value = context.caller.claims.get("session_id")
    return UUID(value) if isinstance(value, str) else None


def method_entry(method: str, now: dt.datetime, provider: str | None = None) -> Mapping[str, Any]:
    """An entry of `amr`."""
    entry: dict[str, Any] = {"method": method, "timestamp": int(now.timestamp())}
    return entry if provider is None else {**entry, "provider": provider}
