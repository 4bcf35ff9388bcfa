"""Accounts: made by sign-up, proven by a password, read and changed by their owner.

In charge of the rules for a password and its use. A stranger learns nothing of who has an account: the known and the
unknown address take the same steps, cost the same hashes and get the same answer.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import UUID

from backstay.config.auth import AuthSettings
from backstay.errors import BackstayError
from backstay.models.auth.account import Account
from backstay.models.auth.addresses import Address, read_address
from backstay.models.auth.identity import EMAIL_PROVIDER, Identity
from backstay.models.auth.records import AuditEvent
from backstay.models.auth.user import DISPUTED, User
from backstay.repositories.auth.roles import RoleRepository
from backstay.repositories.auth.sign_ins import Found, SignInRepository
from backstay.repositories.auth.users import IdentityRepository, UserRepository
from backstay.repositories.database.sessions import Session
from backstay.repositories.mail import Mail
from backstay.services.auth.audit import Audit
from backstay.services.auth.client import Client
from backstay.services.auth.flows import Challenge, Flows
from backstay.services.auth.letters import SIGN_UP, Letters
from backstay.services.auth.password_policy import PasswordPolicy
from backstay.services.auth.passwords import Passwords, Turn
from backstay.services.auth.sessions import AuthSessions, Signed
from backstay.services.auth.throttles import Throttles
from backstay.services.context import Context
from backstay.services.mail.post import Post
from backstay.services.unit_of_work import UnitOfWork, once_more
from backstay.utils.clock import utc_now
from backstay.utils.ids import uuid7

MAX_METADATA_BYTES = 4096
# In which the rows of a sign-up are written, or nothing is.
_WRITING_SECONDS = 0.025
# A sign-in is kept only if nothing about the user changed while the password was looked at.
_MOST_TRIES = 5


@dataclass(frozen=True, slots=True)
class _Given:
    """The password of a sign-up.

    Attributes:
        earlier: the hash of an earlier sign-up's, as it was found.
    """

    hashed: str = field(repr=False)
    earlier: str | None = field(repr=False)


class Accounts:
    """Sign-up and sign-in by password, and an owner's view of their account."""

    def __init__(
        self,
        units: UnitOfWork,
        sign_ins: SignInRepository,
        sessions: AuthSessions,
        passwords: Passwords,
        policy: PasswordPolicy,
        letters: Letters,
        post: Post,
        flows: Flows,
        throttles: Throttles,
        audit: Audit,
        settings: AuthSettings,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._units = units
        self._sign_ins = sign_ins
        self._sessions = sessions
        self._passwords = passwords
        self._policy = policy
        self._letters = letters
        self._post = post
        self._flows = flows
        self._throttles = throttles
        self._audit = audit
        self._settings = settings
        self._clock = clock

    async def sign_up(
        self,
        context: Context,
        email: str,
        password: str,
        metadata: Mapping[str, Any],
        client: Client,
        redirect_to: str,
        challenge: Challenge | None,
    ) -> Signed | Account:
        """A new account: with a session if addresses are taken without a mail, otherwise to be confirmed by one.

        An address that has an account already gets the same answer, and its owner a mail that says so; only where
        no mail is sent the answer tells.

        Raises:
            BackstayError: `signup_disabled`, `email_address_invalid`, `weak_password`, `user_already_exists`,
                `over_request_rate_limit`, `over_email_send_rate_limit`.
        """
        if not self._settings.sign_up:
            raise BackstayError("signup_disabled")
        address = read_address(email)
        metadata = checked_metadata(metadata)
        self._policy.check(password, address=address)
        async with self._passwords.turn() as turn:
            await self._throttles.spend(context, "sign_up", address.key)
            if not self._settings.autoconfirm:
                self._post.require()
                await self._throttles.spend(context, "mail", address.mailbox)
            given = await self._given(address, password, turn)
            since = monotonic()
            answer, mail = await once_more(
                lambda: self._signed_up(context, address, given, metadata, client, redirect_to, challenge)
            )
        if mail is not None:
            # To write a new account takes 8 ms more than to write none, which would tell of the address.
            await asyncio.sleep(since + _WRITING_SECONDS - monotonic())
            self._post.send(mail)
        return answer

    async def _given(self, address: Address, password: str, turn: Turn) -> _Given:
        """What becomes of the password; one hash, whoever has the address."""
        found = await self._sign_ins.find(address.key)
        earlier = None if found is None or found.is_confirmed else found.password_hash
        if earlier is None:
            return _Given(await turn.hash(password), None)
        is_same = (await turn.verify(earlier, password)).ok
        return _Given(earlier if is_same else DISPUTED, earlier)

    async def _signed_up(
        self,
        context: Context,
        address: Address,
        given: _Given,
        metadata: Mapping[str, Any],
        client: Client,
        redirect_to: str,
        challenge: Challenge | None,
    ) -> tuple[Signed | Account, Mail | None]:
        async with self._units.begin(context) as session:
            users = UserRepository(session)
            known = await users.by_key(address.key)
            if known is not None and known.email_confirmed_at is not None:
                if self._settings.autoconfirm:
                    raise BackstayError("user_already_exists")
                mail = self._post.write("known_address", known.email or address.typed, client.language)
                return self._pretended(address, metadata), mail
            user = await self._pending(session, known, address, given, metadata)
            self._audit.record(session, context, AuditEvent.USER_SIGNED_UP, user_id=user.id)
            if self._settings.autoconfirm:
                user.email_confirmed_at = self._clock()
                return await self._sessions.begin(session, context, user, "password", client=client), None
            flow_id = await self._flows.open_for_mail(session, challenge)
            letter = await self._letters.write(
                session,
                user,
                SIGN_UP,
                to=address.typed,
                address=address.key,
                client=client,
                redirect_to=redirect_to,
                flow_id=flow_id,
            )
            # Of one who has yet to confirm, the id would be the same each time, and tell so of the address.
            answer = await users.account(user) if known is None else self._pretended(address, metadata)
            return answer, letter.mail

    async def _pending(
        self,
        session: Session,
        known: User | None,
        address: Address,
        given: _Given,
        metadata: Mapping[str, Any],
    ) -> User:
        """The user who has yet to confirm: a new one, or the one who has not done so, taken over by this sign-up.

        When the one before gave another password, nobody knows whose the letter is that will be followed, and neither
        password is good: else a stranger who signs up a second time would have the account of who confirms it.
        """
        now = self._clock()
        users = UserRepository(session)
        if known is None:
            known = new_user(address, metadata, now)
            known.password_hash = given.hashed
            known.confirmation_sent_at = None if self._settings.autoconfirm else now
            await users.add(known)
            await IdentityRepository(session).add(email_identity(known, now))
            await RoleRepository(session).grant_default(known.id)
            return known
        # Not the one that was looked at: another sign-up came between.
        is_disputed = known.password_hash not in (None, given.earlier)
        known.email, known.password_hash = address.typed, DISPUTED if is_disputed else given.hashed
        known.user_metadata = dict(metadata)
        known.confirmation_sent_at = now
        await users.save()
        return known

    def _pretended(self, address: Address, metadata: Mapping[str, Any]) -> Account:
        """What a new account looks like, of nobody."""
        now = self._clock()
        user = new_user(address, metadata, now)
        user.id = uuid7()
        user.authority = 0
        user.confirmation_sent_at = now
        identity = email_identity(user, now)
        identity.id = uuid7()
        return Account(user, (identity,), ())

    async def sign_up_anonymously(
        self, context: Context, metadata: Mapping[str, Any], client: Client
    ) -> Signed:
        """A user without an address, who may get one later.

        Raises:
            BackstayError: `anonymous_provider_disabled`, `over_request_rate_limit`.
        """
        if not (self._settings.anonymous and self._settings.sign_up):
            raise BackstayError("anonymous_provider_disabled")
        await self._throttles.spend(context, "anonymous", None)
        now = self._clock()
        async with self._units.begin(context) as session:
            user = User(
                is_anonymous=True,
                authority=0,
                user_metadata=checked_metadata(metadata),
                app_metadata={},
                created_at=now,
            )
            await UserRepository(session).add(user)
            self._audit.record(session, context, AuditEvent.USER_SIGNED_UP, user_id=user.id)
            return await self._sessions.begin(session, context, user, "anonymous", client=client)

    async def sign_in(self, context: Context, email: str, password: str, client: Client) -> Signed:
        """A session for whoever knows the password.

        Raises:
            BackstayError: `invalid_credentials` for all that must not be told apart; only after the right password
                `email_not_confirmed` and `user_banned`; `over_request_rate_limit`, `overloaded`.
        """
        try:
            address = read_address(email)
        except BackstayError:
            address = None
        async with self._passwords.turn() as turn:
            return await self._signed_in(context, address, password, client, turn)

    async def _signed_in(
        self, context: Context, address: Address | None, password: str, client: Client, turn: Turn
    ) -> Signed:
        await self._throttles.spend(context, "password", address.key if address else "")
        found = await self._sign_ins.find(address.key) if address else None
        verdict = await turn.verify(found.password_hash if found else None, password)
        signed = None
        if verdict.ok and found is not None and address is not None:
            renewed = await turn.hash(password) if verdict.needs_rehash else None
            signed = await self._begun(context, address, found, renewed, client)
        if signed is None or address is None:
            async with self._units.begin(context) as session:
                self._audit.record(
                    session, context, AuditEvent.SIGN_IN_FAILED, user_id=found.user_id if found else None
                )
            raise BackstayError("invalid_credentials")
        await self._throttles.forgive(context, "password", address.key)
        return signed

    async def _begun(
        self, context: Context, address: Address, found: Found, renewed: str | None, client: Client
    ) -> Signed | None:
        """A session for whoever was found; None when their password is not the one that was looked at any more."""
        known_hash = found.password_hash
        now: Found | None = found
        for _ in range(_MOST_TRIES):
            if now is None or known_hash is None or now.password_hash != known_hash:
                return None
            standing = now.standing()
            self._require_usable(standing.user)
            signed = await self._sessions.begin_by_password(context, standing, renewed or known_hash, client)
            if signed is not None:
                return signed
            now = await self._sign_ins.find(address.key)
        raise BackstayError("conflict")

    def _require_usable(self, user: User) -> None:
        if user.is_banned(self._clock()):
            raise BackstayError("user_banned")
        if user.email_confirmed_at is None:
            raise BackstayError("email_not_confirmed")

    async def get(self, context: Context, user_id: UUID) -> Account:
        """A user's own account.

        Raises:
            BackstayError: `session_not_found`, when the user is gone.
        """
        async with self._units.begin(context, reading=True) as session:
            users = UserRepository(session)
            user = await users.by_id(user_id)
            if user is None or user.deleted_at is not None:
                raise BackstayError("session_not_found", "User from sub claim in JWT does not exist")
            return await users.account(user)


def new_user(address: Address, metadata: Mapping[str, Any], now: dt.datetime) -> User:
    """A user with an address that nobody has confirmed yet."""
    return User(
        email=address.typed,
        email_key=address.key,
        user_metadata=checked_metadata(metadata),
        app_metadata={"provider": EMAIL_PROVIDER, "providers": [EMAIL_PROVIDER]},
        is_anonymous=False,
        created_at=now,
        updated_at=now,
    )


async def make_known(session: Session, user: User) -> None:
    """Somebody who can be recognised again from now on: who was anonymous gets what everybody gets at the sign-up."""
    if user.is_anonymous:
        user.is_anonymous = False
        await RoleRepository(session).grant_default(user.id)


def email_identity(user: User, now: dt.datetime) -> Identity:
    """The identity of somebody whose address we keep ourselves."""
    data = {"sub": str(user.id), "email": user.email, "email_verified": False, "phone_verified": False}
    return Identity(
        user_id=user.id,
        provider=EMAIL_PROVIDER,
        issuer=EMAIL_PROVIDER,
        subject=str(user.id),
        email=user.email,
        data=data,
        last_sign_in_at=now,
        created_at=now,
        updated_at=now,
    )


def checked_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata, if it is small enough to travel in a token.

    Raises:
        BackstayError: `validation_failed`.
    """
    if len(json.dumps(metadata).encode()) > MAX_METADATA_BYTES:
        raise BackstayError("validation_failed", f"data: must be at most {MAX_METADATA_BYTES} bytes of JSON")
    return dict(metadata)
