"""Whose account an identity at a provider opens, and how identities come to an account and go.

In charge of the linking table of docs/decisions/0018-oauth-login.md. The way to a provider and back is in `oauth.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import Any
from uuid import UUID

from backstay.config.auth import AuthSettings
from backstay.errors import BackstayError
from backstay.models.auth.account import Account
from backstay.models.auth.addresses import Address, read_address
from backstay.models.auth.identity import EMAIL_PROVIDER, Identity
from backstay.models.auth.one_time import Flow
from backstay.models.auth.records import AuditEvent
from backstay.models.auth.user import User
from backstay.repositories.auth.one_time import FlowRepository, OneTimeRepository
from backstay.repositories.auth.providers import ProvenIdentity
from backstay.repositories.auth.roles import RoleRepository
from backstay.repositories.auth.sessions import SessionRepository
from backstay.repositories.auth.users import IdentityRepository, UserRepository
from backstay.repositories.database.sessions import Session
from backstay.services.auth.accounts import checked_metadata, make_known, new_user
from backstay.services.auth.audit import Audit
from backstay.services.auth.sessions import AuthSessions, session_of
from backstay.services.context import Context
from backstay.services.unit_of_work import UnitOfWork
from backstay.utils.clock import utc_now


class Linking:
    """Finds, adds and removes."""

    def __init__(
        self,
        units: UnitOfWork,
        sessions: AuthSessions,
        audit: Audit,
        settings: AuthSettings,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._units = units
        self._sessions = sessions
        self._audit = audit
        self._settings = settings
        self._clock = clock

    async def user_of(
        self, session: Session, context: Context, name: str, proven: ProvenIdentity, ended: list[UUID]
    ) -> User:
        """The account of an identity: the table of docs/decisions/0018-oauth-login.md, row by row."""
        users, identities = UserRepository(session), IdentityRepository(session)
        known = await identities.find(proven.issuer, proven.subject)
        if known is not None:
            await identities.signed_in(known.id, self._clock())
            user = await users.by_id(known.user_id)
            if user is None:
                raise BackstayError("user_not_found")
            return user
        address = _address(proven)
        local = await users.by_key(address.key) if address is not None else None
        if local is None or not proven.email_verified:
            user = await self._new(session, context, address if local is None else None, proven)
        else:
            user = local
            if local.email_confirmed_at is None:
                ended += await self._take_over(session, context, local)
        await self._add(session, context, user, name, proven)
        return user

    async def _new(
        self, session: Session, context: Context, address: Address | None, proven: ProvenIdentity
    ) -> User:
        """An account of its own; with the address only if the provider vouches for it and nobody has it."""
        if not self._settings.sign_up:
            raise BackstayError("signup_disabled")
        now = self._clock()
        if address is not None and proven.email_verified:
            user = new_user(address, _shown(proven), now)
            user.email_confirmed_at = now
        else:
            user = User(user_metadata=_shown(proven), is_anonymous=False, created_at=now)
        user.app_metadata = {}
        await UserRepository(session).add(user)
        await RoleRepository(session).grant_default(user.id)
        self._audit.record(session, context, AuditEvent.USER_SIGNED_UP, user_id=user.id)
        return user

    async def _take_over(self, session: Session, context: Context, user: User) -> list[UUID]:
        """Somebody signed up with this address and never proved it: nothing of theirs stays."""
        user.password_hash = None
        user.user_metadata = {}
        user.email_confirmed_at = self._clock()
        await OneTimeRepository(session).drop(user.id)
        await UserRepository(session).delete_proofs(user.id)
        await RoleRepository(session).grant_default(user.id)
        ended = await self._sessions.end_all(session, context, user.id)
        user.app_metadata = {}
        return list(ended)

    async def require_may_link(self, context: Context) -> UUID:
        """The caller, who may add a way to sign in: it is worth as much as the ways there are.

        Raises:
            BackstayError: `no_authorization`, `user_not_found`, `insufficient_aal`.
        """
        user_id = context.caller.id
        if user_id is None or session_of(context) is None:
            raise BackstayError("no_authorization")
        async with self._units.begin(context, reading=True) as session:
            users = UserRepository(session)
            user = await users.by_id(user_id)
            if user is None:
                raise BackstayError("user_not_found")
            if (await users.account(user)).has_second_factor and context.caller.aal < 2:
                raise BackstayError("insufficient_aal", "AAL2 required to link an identity")
        return user_id

    async def require_session(self, session: Session, session_id: UUID) -> UUID:
        """Whose session it is that left to link an identity, as long as it lives; a new factor would have ended it.

        Raises:
            BackstayError: `session_not_found`.
        """
        row = await SessionRepository(session).find(session_id)
        if row is None or self._sessions.is_over(row, self._clock()):
            raise BackstayError("session_not_found")
        return row.user_id

    async def link(
        self, session: Session, context: Context, user_id: UUID, name: str, proven: ProvenIdentity
    ) -> User:
        """The user, with the identity as one of theirs.

        Raises:
            BackstayError: `user_not_found`, `identity_already_exists`.
        """
        user, is_linked = await self._linkable(session, user_id, proven)
        if not is_linked:
            await self._add(session, context, user, name, proven)
            await make_known(session, user)
        return user

    async def promise(self, session: Session, flow: Flow, user_id: UUID, proven: ProvenIdentity) -> User:
        """The user, whose the identity becomes with the code of the flow.

        Raises:
            BackstayError: those of `link`.
        """
        user, _ = await self._linkable(session, user_id, proven)
        await FlowRepository(session).keep(flow.id, {**flow.data, "identity": asdict(proven)})
        return user

    async def _linkable(self, session: Session, user_id: UUID, proven: ProvenIdentity) -> tuple[User, bool]:
        user = await UserRepository(session).by_id(user_id)
        if user is None:
            raise BackstayError("user_not_found")
        known = await IdentityRepository(session).find(proven.issuer, proven.subject)
        if known is not None and known.user_id != user_id:
            raise BackstayError("identity_already_exists")
        return user, known is not None

    async def _add(
        self, session: Session, context: Context, user: User, name: str, proven: ProvenIdentity
    ) -> None:
        now = self._clock()
        data: dict[str, Any] = {
            **proven.claims,
            "sub": proven.subject,
            "email": proven.email,
            "email_verified": proven.email_verified,
        }
        identity = Identity(
            user_id=user.id,
            provider=name,
            issuer=proven.issuer,
            subject=proven.subject,
            email=proven.email,
            data=data,
            last_sign_in_at=now,
            created_at=now,
        )
        await IdentityRepository(session).add(identity)
        await self._name_providers(session, user)
        self._audit.record(session, context, AuditEvent.IDENTITY_LINKED, user_id=user.id, provider=name)

    async def _name_providers(self, session: Session, user: User) -> None:
        """Say in the metadata how the user signs in."""
        found = await IdentityRepository(session).of_user(user.id)
        names = list(dict.fromkeys(one.provider for one in found))
        rest = {
            key: value for key, value in user.app_metadata.items() if key not in ("provider", "providers")
        }
        first = user.app_metadata.get("provider")
        user.app_metadata = {**rest, "provider": first if first in names else names[0], "providers": names}

    async def unlink(self, context: Context, user_id: UUID, identity_id: UUID) -> Account:
        """Remove one of the caller's identities, as long as another one is left.

        Raises:
            BackstayError: `identity_not_found`, `single_identity_not_deletable`, `insufficient_aal`.
        """
        async with self._units.begin(context) as session:
            users, identities = UserRepository(session), IdentityRepository(session)
            # Of two that are unlinked at once, the second is counted after the first has gone.
            user = await users.lock(user_id)
            found = await identities.of_user(user_id)
            if user is None or all(one.id != identity_id for one in found):
                raise BackstayError("identity_not_found")
            if len(found) < 2:
                raise BackstayError("single_identity_not_deletable")
            if (await users.account(user)).has_second_factor and context.caller.aal < 2:
                raise BackstayError("insufficient_aal", "AAL2 required to unlink an identity")
            gone = next(one for one in found if one.id == identity_id)
            if gone.provider == EMAIL_PROVIDER:
                user.password_hash = None
            await identities.delete(identity_id)
            await self._name_providers(session, user)
            self._audit.record(
                session, context, AuditEvent.IDENTITY_UNLINKED, user_id=user_id, provider=gone.provider
            )
            return await users.account(user)


def _shown(proven: ProvenIdentity) -> dict[str, Any]:
    """What a provider tells of the person, unless it is more than a token can carry."""
    try:
        return checked_metadata(proven.claims)
    except BackstayError:
        return {}


def _address(proven: ProvenIdentity) -> Address | None:
    with suppress(BackstayError):
        return read_address(proven.email or "")
    return None
