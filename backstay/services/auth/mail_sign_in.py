"""Sign-in by mail: one-time codes, magic links, recovery, and the use of whatever was mailed.

In charge of who gets which letter, and of what a code or link means when it comes back. Whoever asks for a letter is
told nothing: the answer is given before anything is looked up.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from backstay.config.auth import AuthSettings
from backstay.errors import BackstayError
from backstay.models.auth.addresses import Address, read_address
from backstay.models.auth.identity import EMAIL_PROVIDER
from backstay.models.auth.one_time import OneTimeToken
from backstay.models.auth.records import AuditEvent
from backstay.models.auth.user import DISPUTED, User
from backstay.repositories.auth.one_time import OneTimeRepository
from backstay.repositories.auth.roles import RoleRepository
from backstay.repositories.auth.users import IdentityRepository, UserRepository
from backstay.repositories.database.sessions import Session
from backstay.repositories.mail import Mail
from backstay.services.auth.accounts import checked_metadata, email_identity, new_user
from backstay.services.auth.audit import Audit
from backstay.services.auth.client import Client
from backstay.services.auth.email_change import SIDES, EmailChange
from backstay.services.auth.flows import Challenge, Flows
from backstay.services.auth.letters import (
    EMAIL_CHANGE_CURRENT,
    EMAIL_CHANGE_NEW,
    INVITE,
    MAGIC_LINK,
    RECOVERY,
    SIGN_UP,
    Letters,
)
from backstay.services.auth.one_time import OneTimeCodes
from backstay.services.auth.sessions import AuthSessions, Signed
from backstay.services.auth.throttles import Throttles
from backstay.services.context import Context
from backstay.services.mail.post import Post
from backstay.services.unit_of_work import UnitOfWork, once_more
from backstay.utils.clock import utc_now

# What `type` of `/verify` may stand for. Whoever signed up by asking for a code calls that a sign-up, too; the last two
# are what links for administrators are called.
PURPOSES: Mapping[str, Sequence[str]] = {
    "signup": (SIGN_UP, MAGIC_LINK),
    "invite": (INVITE,),
    "magiclink": (MAGIC_LINK, SIGN_UP),
    "recovery": (RECOVERY,),
    "email": (SIGN_UP, MAGIC_LINK),
    "email_change": (EMAIL_CHANGE_CURRENT, EMAIL_CHANGE_NEW),
    "email_change_current": (EMAIL_CHANGE_CURRENT,),
    "email_change_new": (EMAIL_CHANGE_NEW,),
}
_METHODS: Mapping[str, str] = {
    SIGN_UP: "email/signup",
    INVITE: "invite",
    MAGIC_LINK: "otp",
    RECOVERY: "recovery",
    EMAIL_CHANGE_CURRENT: "email_change",
    EMAIL_CHANGE_NEW: "email_change",
}


@dataclass(frozen=True, slots=True)
class HalfChanged:
    """One of the two addresses of a change has agreed to it; the other has yet to."""


@dataclass(frozen=True, slots=True)
class FlowCode:
    """The client that asked for the letter finishes by exchanging this code."""

    code: str = field(repr=False)


class MailSignIn:
    """Asks for letters and uses them."""

    def __init__(
        self,
        units: UnitOfWork,
        sessions: AuthSessions,
        codes: OneTimeCodes,
        letters: Letters,
        post: Post,
        flows: Flows,
        changes: EmailChange,
        throttles: Throttles,
        audit: Audit,
        settings: AuthSettings,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._units = units
        self._sessions = sessions
        self._codes = codes
        self._letters = letters
        self._post = post
        self._flows = flows
        self._changes = changes
        self._throttles = throttles
        self._audit = audit
        self._settings = settings
        self._clock = clock

    async def ask_for_code(
        self,
        context: Context,
        email: str,
        client: Client,
        redirect_to: str,
        challenge: Challenge | None = None,
        *,
        create: bool = True,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """A code and a link that sign in, if the address has an account or may get one by this."""
        checked = checked_metadata(metadata or {})
        may_create = create and self._settings.sign_up

        async def write(address: Address) -> Sequence[Mail]:
            async with self._units.begin(context) as session:
                users = UserRepository(session)
                user = await users.by_key(address.key)
                if user is None:
                    if not may_create:
                        return ()
                    user = new_user(address, checked, self._clock())
                    await users.add(user)
                    await IdentityRepository(session).add(email_identity(user, self._clock()))
                    await RoleRepository(session).grant_default(user.id)
                    self._audit.record(session, context, AuditEvent.USER_SIGNED_UP, user_id=user.id)
                user.confirmation_sent_at = self._clock()
                return await self._letter(session, context, user, MAGIC_LINK, client, redirect_to, challenge)

        await self._ask(context, email, write)

    async def ask_for_recovery(
        self, context: Context, email: str, client: Client, redirect_to: str, challenge: Challenge | None
    ) -> None:
        """A code and a link that let somebody in who does not know the password any more."""

        async def write(address: Address) -> Sequence[Mail]:
            async with self._units.begin(context) as session:
                user = await UserRepository(session).by_key(address.key)
                if user is None:
                    return ()
                user.recovery_sent_at = self._clock()
                self._audit.record(session, context, AuditEvent.RECOVERY_REQUESTED, user_id=user.id)
                return await self._letter(session, context, user, RECOVERY, client, redirect_to, challenge)

        await self._ask(context, email, write)

    async def resend(
        self,
        context: Context,
        kind: str,
        email: str,
        client: Client,
        redirect_to: str,
        challenge: Challenge | None,
    ) -> None:
        """The letter of a sign-up or a change of address once more, if one is awaited.

        Args:
            kind: `signup` or `email_change`.
        """

        async def write(address: Address) -> Sequence[Mail]:
            async with self._units.begin(context) as session:
                user = await UserRepository(session).by_key(address.key)
                if user is None:
                    return ()
                if kind == "signup":
                    if user.email_confirmed_at is not None:
                        return ()
                    user.confirmation_sent_at = self._clock()
                    return await self._letter(session, context, user, SIGN_UP, client, redirect_to, challenge)
                return await self._changes.letters(session, user, client, redirect_to, challenge)

        await self._ask(context, email, write)

    async def _ask(
        self, context: Context, email: str, write: Callable[[Address], Awaitable[Sequence[Mail]]]
    ) -> None:
        address = read_address(email)
        self._post.require()
        await self._throttles.spend(context, "mail", address.mailbox)
        self._post.write_later(once_more(lambda: write(address)))

    async def _letter(
        self,
        session: Session,
        context: Context,
        user: User,
        purpose: str,
        client: Client,
        redirect_to: str,
        challenge: Challenge | None,
    ) -> Sequence[Mail]:
        if user.email is None or user.email_key is None or user.is_banned(self._clock()):
            return ()
        flow_id = await self._flows.open_for_mail(session, challenge)
        self._audit.record(session, context, AuditEvent.CODE_SENT, user_id=user.id, purpose=purpose)
        letter = await self._letters.write(
            session,
            user,
            purpose,
            to=user.email,
            address=user.email_key,
            client=client,
            redirect_to=redirect_to,
            flow_id=flow_id,
        )
        return (letter.mail,)

    async def use_code(
        self, context: Context, kind: str, email: str, code: str, client: Client
    ) -> Signed | HalfChanged:
        """A session for the code of a letter to this address.

        Raises:
            BackstayError: `otp_expired` for whatever is wrong with it, `user_banned`, `over_request_rate_limit`.
        """
        purposes = PURPOSES.get(kind)
        if purposes is None:
            raise BackstayError("validation_failed", "type: is none that a code is used for")
        address = read_address(email)
        await self._throttles.spend(context, "verify", address.key)
        async with self._units.begin(context) as session:
            user = await self._addressed(session, address.key, purposes)
            user_id = None if user is None else user.id
            # Of nobody for an unknown address, as above.
            tokens = OneTimeRepository(session)
            used = await self._codes.use_code(tokens, user_id or uuid4(), purposes, address.key, code)
            if used is None:
                self._audit.record(session, context, AuditEvent.CODE_REFUSED, user_id=user_id, purpose=kind)
            result = await self._used(session, context, used, client) if used is not None else None
        if used is not None:
            await self._throttles.forgive(context, "verify", address.key)
        told = _told(result)
        if isinstance(told, FlowCode):
            raise BackstayError("otp_expired")
        return told

    async def use_link(
        self, context: Context, kind: str, link: str, client: Client, *, may_finish_elsewhere: bool = False
    ) -> Signed | HalfChanged | FlowCode:
        """A session for the token of a link; or a code, when another client waits for one.

        Raises:
            BackstayError: `otp_expired`, `user_banned`, `over_request_rate_limit`.
        """
        purposes = PURPOSES.get(kind)
        if purposes is None:
            raise BackstayError("validation_failed", "type: is none that a link is used for")
        await self._throttles.spend(context, "verify", None)
        async with self._units.begin(context) as session:
            tokens = OneTimeRepository(session)
            owner = await self._codes.owner(tokens, link)
            if owner is not None:
                # The user first and then what is theirs, as everywhere: or two would wait for each other.
                await UserRepository(session).lock(owner)
            used = await self._codes.use_link(tokens, link)
            result: Signed | HalfChanged | FlowCode | BackstayError | None = None
            if used is not None and used.purpose in purposes:
                result = await self._used(
                    session, context, used, client, may_finish_elsewhere=may_finish_elsewhere
                )
        return _told(result)

    async def _addressed(self, session: Session, key: str, purposes: Sequence[str]) -> User | None:
        """Whom a code for this address belongs to: its user, or one who changes to it. Nobody else changes them.

        The same statements for an unknown address, of nobody: they take the same time.
        """
        users = UserRepository(session)
        user = await users.by_key(key)
        if user is None and EMAIL_CHANGE_NEW in purposes:
            user = await users.by_new_key(key)
        return await users.lock(uuid4() if user is None else user.id)

    async def _used(
        self,
        session: Session,
        context: Context,
        used: OneTimeToken,
        client: Client,
        *,
        may_finish_elsewhere: bool = False,
    ) -> Signed | HalfChanged | FlowCode | BackstayError | None:
        """What a token that was good leads to; it is used whatever that is."""
        user = await UserRepository(session).by_id(used.user_id)
        if user is None:
            return None
        if user.is_banned(self._clock()):
            return BackstayError("user_banned")
        if used.purpose in SIDES:
            agreed = await self._changes.agree(session, context, user, used)
            if agreed is not True:
                return HalfChanged() if agreed is False else None
        elif used.address != user.email_key:
            return None
        elif user.email_confirmed_at is None:
            await self._confirm(session, context, user, used.purpose)
        method = _METHODS[used.purpose]
        if used.flow_id is not None and may_finish_elsewhere:
            return FlowCode(await self._flows.give_code(session, used.flow_id, user.id, method))
        return await self._sessions.begin(session, context, user, method, client=client)

    async def _confirm(self, session: Session, context: Context, user: User, purpose: str) -> None:
        """The address is its owner's. A password that somebody set before that is theirs only if the letter says so."""
        user.email_confirmed_at = self._clock()
        if user.password_hash == DISPUTED:
            user.password_hash = None
        if purpose != SIGN_UP:
            user.password_hash = None
            self._sessions.forget(await self._sessions.end_all(session, context, user.id))
        await OneTimeRepository(session).drop(user.id)
        for identity in await IdentityRepository(session).of_user(user.id):
            if identity.provider == EMAIL_PROVIDER:
                identity.data = {**identity.data, "email_verified": True}
        self._audit.record(session, context, AuditEvent.EMAIL_CONFIRMED, user_id=user.id)


def _told(result: Signed | HalfChanged | FlowCode | BackstayError | None) -> Signed | HalfChanged | FlowCode:
    """The result of a use that has been kept; a refusal is raised only now, so that the use stays kept."""
    if result is None:
        raise BackstayError("otp_expired")
    if isinstance(result, BackstayError):
        raise result
    return result
