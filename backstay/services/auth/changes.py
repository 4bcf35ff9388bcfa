"""What owners change of their accounts: password, address, data.

In charge of who has to prove what again before a change, and of what a change ends. How an address changes hands is in
`email_change.py`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from backstay.config.auth import AuthSettings
from backstay.errors import BackstayError
from backstay.models.auth.account import Account
from backstay.models.auth.addresses import Address, read_address
from backstay.models.auth.records import AuditEvent
from backstay.models.auth.user import User
from backstay.repositories.auth.one_time import OneTimeRepository
from backstay.repositories.auth.users import UserRepository
from backstay.repositories.database.sessions import Session
from backstay.repositories.mail import Mail
from backstay.services.auth.accounts import checked_metadata
from backstay.services.auth.audit import Audit
from backstay.services.auth.client import Client
from backstay.services.auth.email_change import EmailChange
from backstay.services.auth.flows import Challenge
from backstay.services.auth.letters import REAUTHENTICATION, Letters
from backstay.services.auth.one_time import OneTimeCodes
from backstay.services.auth.password_policy import PasswordPolicy
from backstay.services.auth.passwords import Passwords
from backstay.services.auth.sessions import AuthSessions, session_of
from backstay.services.auth.throttles import Throttles
from backstay.services.context import Context
from backstay.services.mail.post import Post
from backstay.services.unit_of_work import UnitOfWork
from backstay.utils.clock import utc_now

# Whoever has proven something this short a time ago need not do so again to set a password.
FRESH = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Change:
    """What an owner wants to be different; None leaves it as it is.

    Attributes:
        metadata: merged into what is there; null removes a member.
        current_password, nonce: proofs for a new password, of which one is enough.
    """

    metadata: Mapping[str, Any] | None = None
    email: str | None = None
    password: str | None = field(default=None, repr=False)
    current_password: str | None = field(default=None, repr=False)
    nonce: str | None = field(default=None, repr=False)


class AccountChanges:
    """Makes them."""

    def __init__(
        self,
        units: UnitOfWork,
        sessions: AuthSessions,
        passwords: Passwords,
        policy: PasswordPolicy,
        codes: OneTimeCodes,
        letters: Letters,
        post: Post,
        emails: EmailChange,
        throttles: Throttles,
        audit: Audit,
        settings: AuthSettings,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._units = units
        self._sessions = sessions
        self._passwords = passwords
        self._policy = policy
        self._codes = codes
        self._letters = letters
        self._post = post
        self._emails = emails
        self._throttles = throttles
        self._audit = audit
        self._settings = settings
        self._clock = clock

    async def update(
        self,
        context: Context,
        change: Change,
        client: Client,
        redirect_to: str,
        challenge: Challenge | None = None,
    ) -> Account:
        """The account after the change; an address changes later, by letters.

        Raises:
            BackstayError: `session_not_found`, `insufficient_aal`, `weak_password`, `same_password`,
                `reauthentication_needed`, `reauthentication_not_valid`, `current_password_invalid`,
                `email_address_invalid`, `email_exists`, `validation_failed`, and those of throttles.
        """
        user_id = _require_user(context)
        known = await self._known(context, user_id, change)
        address = await self._new_address(context, known, change)
        hashed = None if change.password is None else await self._new_hash(context, known, address, change)
        mails: list[Mail] = []
        ended: Sequence[UUID] = ()
        async with self._units.begin(context) as session:
            user = await UserRepository(session).lock(user_id)
            if user is None or user.password_hash != known.password_hash:
                raise BackstayError("conflict")
            if change.metadata is not None:
                user.user_metadata = merged(user.user_metadata, change.metadata)
            if hashed is not None:
                ended = await self._set_password(session, context, user, hashed)
                mails += self._notice(user, client)
            if address is not None:
                mails += await self._set_address(
                    session, context, user, address, client, redirect_to, challenge
                )
            self._audit.record(session, context, AuditEvent.USER_UPDATED, user_id=user_id)
            account = await UserRepository(session).account(user)
        self._sessions.forget(ended)
        if mails:
            self._post.send(*mails)
        return account

    async def _known(self, context: Context, user_id: UUID, change: Change) -> User:
        async with self._units.begin(context, reading=True) as session:
            users = UserRepository(session)
            user = await users.by_id(user_id)
            if user is None:
                raise BackstayError("session_not_found")
            account = await users.account(user)
        if (change.email or change.password) and account.has_second_factor and context.caller.aal < 2:
            # Knowing a password must not be enough to replace the way in.
            raise BackstayError(
                "insufficient_aal",
                "AAL2 session is required to update email or password when MFA is enabled.",
            )
        return user

    async def _new_address(self, context: Context, user: User, change: Change) -> Address | None:
        if not change.email:
            return None
        address = read_address(change.email)
        if address.key == user.email_key:
            return None
        if self._settings.autoconfirm:
            # It changes at once, with no letter to the old one; with a password, the same is asked for that.
            if user.email is not None and change.password is None:
                await self._prove_again(context, user, change)
        else:
            self._post.require()
            await self._throttles.spend(context, "mail", address.mailbox)
        return address

    async def _new_hash(self, context: Context, user: User, address: Address | None, change: Change) -> str:
        password = change.password or ""
        self._policy.check(password, address=read_address(user.email) if user.email else address)
        if user.email is None and not (address and self._settings.autoconfirm):
            raise BackstayError("validation_failed", "password: needs a confirmed email address first")
        await self._prove_again(context, user, change)
        if user.password_hash is not None and (await self._passwords.verify(user.password_hash, password)).ok:
            raise BackstayError("same_password")
        return await self._passwords.hash(password)

    async def _prove_again(self, context: Context, user: User, change: Change) -> None:
        """Somebody at an unlocked screen must not be able to keep the account for good (ASVS 5.0 6.2.3)."""
        if change.nonce:
            await self._use_nonce(context, user, change.nonce)
        elif change.current_password is not None:
            # Not counted with sign-ins: strangers use those up, and this is for somebody who is signed in.
            await self._throttles.spend(context, "reauthenticate", str(user.id))
            if not (await self._passwords.verify(user.password_hash, change.current_password)).ok:
                raise BackstayError("current_password_invalid")
        elif not is_fresh(context, self._clock()):
            raise BackstayError("reauthentication_needed")

    async def _use_nonce(self, context: Context, user: User, nonce: str) -> None:
        await self._throttles.spend(context, "reauthenticate", str(user.id))
        async with self._units.begin(context) as session:
            used = await self._codes.use_code(
                OneTimeRepository(session), user.id, (REAUTHENTICATION,), user.email_key or "", nonce
            )
        if used is None:
            raise BackstayError("reauthentication_not_valid")

    async def _set_password(
        self, session: Session, context: Context, user: User, hashed: str
    ) -> Sequence[UUID]:
        user.password_hash = hashed
        await UserRepository(session).save()
        await OneTimeRepository(session).drop(user.id)
        ended = await self._sessions.end_all(session, context, user.id, but=session_of(context))
        self._audit.record(session, context, AuditEvent.PASSWORD_CHANGED, user_id=user.id)
        return ended

    async def _set_address(
        self,
        session: Session,
        context: Context,
        user: User,
        address: Address,
        client: Client,
        redirect_to: str,
        challenge: Challenge | None,
    ) -> Sequence[Mail]:
        user.new_email, user.new_email_key = address.typed, address.key
        user.email_change_confirmed = 0
        user.email_change_sent_at = self._clock()
        if self._settings.autoconfirm:
            await self._emails.apply(session, context, user)
            return ()
        await UserRepository(session).save()
        self._audit.record(session, context, AuditEvent.EMAIL_CHANGE_REQUESTED, user_id=user.id)
        return await self._emails.letters(session, user, client, redirect_to, challenge)

    def _notice(self, user: User, client: Client) -> Sequence[Mail]:
        """A word to the owner, who should know (ASVS 5.0 6.3.7)."""
        if user.email is None or not self._post.can_send:
            return ()
        return (self._post.write("security_notice", user.email, client.language),)

    async def ask_for_nonce(self, context: Context, client: Client, redirect_to: str) -> None:
        """A code to the caller's address that stands for being its owner.

        Raises:
            BackstayError: `session_not_found`, `validation_failed`, `over_email_send_rate_limit`.
        """
        user_id = _require_user(context)
        self._post.require()
        await self._throttles.spend(context, "mail", str(user_id))
        async with self._units.begin(context) as session:
            user = await UserRepository(session).by_id(user_id)
            if user is None:
                raise BackstayError("session_not_found")
            if user.email is None or user.email_key is None:
                raise BackstayError("validation_failed", "email: this user has none")
            user.reauthentication_sent_at = self._clock()
            letter = await self._letters.write(
                session,
                user,
                REAUTHENTICATION,
                to=user.email,
                address=user.email_key,
                client=client,
                redirect_to=redirect_to,
            )
        self._post.send(letter.mail)


def is_fresh(context: Context, now: dt.datetime) -> bool:
    """Whether the caller's session has proven something a short time ago."""
    methods = context.caller.claims.get("amr")
    proven = [entry.get("timestamp", 0) for entry in methods] if isinstance(methods, list) else []
    return bool(proven) and now.timestamp() - max(proven) <= FRESH.total_seconds()


def merged(metadata: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata with members replaced, and without those that are null.

    Raises:
        BackstayError: `validation_failed`, when it becomes too large.
    """
    return checked_metadata(
        {key: value for key, value in {**metadata, **change}.items() if value is not None}
    )


def _require_user(context: Context) -> UUID:
    if context.caller.id is None:
        raise BackstayError("no_authorization")
    return context.caller.id
