"""Letters that an administrator causes: invitations, and links of every kind to hand over by other means.

In charge of who may be written to. What a link means when it comes back is the same whoever asked for it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from backstay.errors import BackstayError
from backstay.models.auth.account import Account
from backstay.models.auth.addresses import Address, read_address
from backstay.models.auth.records import AuditEvent
from backstay.models.auth.user import User
from backstay.repositories.auth.roles import RoleRepository
from backstay.repositories.auth.users import IdentityRepository, UserRepository
from backstay.repositories.database.sessions import Session
from backstay.services.auth.accounts import email_identity, new_user
from backstay.services.auth.audit import Audit
from backstay.services.auth.client import Client
from backstay.services.auth.letters import (
    EMAIL_CHANGE_CURRENT,
    EMAIL_CHANGE_NEW,
    INVITE,
    MAGIC_LINK,
    RECOVERY,
    SIGN_UP,
    Letter,
    Letters,
)
from backstay.services.auth.password_policy import PasswordPolicy
from backstay.services.auth.passwords import Passwords
from backstay.services.auth.roles import require_held
from backstay.services.context import Context
from backstay.services.mail.post import Post
from backstay.services.unit_of_work import UnitOfWork, once_more
from backstay.utils.clock import utc_now

KINDS: Mapping[str, str] = {
    "signup": SIGN_UP,
    "invite": INVITE,
    "magiclink": MAGIC_LINK,
    "recovery": RECOVERY,
    "email_change_current": EMAIL_CHANGE_CURRENT,
    "email_change_new": EMAIL_CHANGE_NEW,
}


@dataclass(frozen=True, slots=True)
class WantedLink:
    """A link that an administrator asks for.

    Attributes:
        kind: one of `KINDS`.
        password: of a sign-up.
        new_email: of a change of address.
    """

    kind: str
    email: str
    password: str | None = field(default=None, repr=False)
    new_email: str | None = None
    metadata: Mapping[str, Any] | None = None


class Invitations:
    """Writes them."""

    def __init__(
        self,
        units: UnitOfWork,
        letters: Letters,
        post: Post,
        passwords: Passwords,
        policy: PasswordPolicy,
        audit: Audit,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._units = units
        self._letters = letters
        self._post = post
        self._passwords = passwords
        self._policy = policy
        self._audit = audit
        self._clock = clock

    async def invite(
        self,
        context: Context,
        email: str,
        metadata: Mapping[str, Any],
        client: Client,
        redirect_to: str,
    ) -> Account:
        """A user who has yet to say yes, and the letter that asks.

        Raises:
            BackstayError: `email_exists`, `email_address_invalid`, `email_provider_disabled`.
        """
        self._post.require()
        account, letter = await self.link(
            context, WantedLink("invite", email, metadata=metadata), client, redirect_to
        )
        self._post.send(letter.mail)
        return account

    async def link(
        self, context: Context, wanted: WantedLink, client: Client, redirect_to: str
    ) -> tuple[Account, Letter]:
        """A letter that is handed to the administrator instead of being sent.

        Raises:
            BackstayError: `validation_failed`, `user_not_found`, `email_exists`, `weak_password`, `forbidden`.
        """
        purpose = KINDS.get(wanted.kind)
        if purpose is None:
            raise BackstayError("validation_failed", f"type: must be one of {', '.join(KINDS)}")
        address = read_address(wanted.email)
        hashed = await self._password(wanted, address)
        return await once_more(
            lambda: self._written(context, wanted, purpose, address, hashed, client, redirect_to)
        )

    async def _written(
        self,
        context: Context,
        wanted: WantedLink,
        purpose: str,
        address: Address,
        hashed: str | None,
        client: Client,
        redirect_to: str,
    ) -> tuple[Account, Letter]:
        async with self._units.begin(context) as session:
            user = await self._recipient(session, context, purpose, address, wanted)
            if hashed is not None:
                user.password_hash = hashed
            to, key = await self._place(session, user, purpose, wanted)
            letter = await self._letters.write(
                session, user, purpose, to=to, address=key, client=client, redirect_to=redirect_to
            )
            event = AuditEvent.USER_INVITED if purpose == INVITE else AuditEvent.CODE_SENT
            self._audit.record(session, context, event, user_id=user.id, purpose=purpose)
            return await UserRepository(session).account(user), letter

    async def _password(self, wanted: WantedLink, address: Address) -> str | None:
        if wanted.kind != "signup":
            return None
        if not wanted.password:
            raise BackstayError("validation_failed", "password: is needed for a sign-up")
        self._policy.check(wanted.password, address=address)
        return await self._passwords.hash(wanted.password)

    async def _recipient(
        self, session: Session, context: Context, purpose: str, address: Address, wanted: WantedLink
    ) -> User:
        users = UserRepository(session)
        user = await users.by_key(address.key)
        if user is not None:
            if purpose in (SIGN_UP, INVITE) and user.email_confirmed_at is not None:
                raise BackstayError("email_exists")
            # Whoever has the link can sign in with it.
            roles, permissions = await RoleRepository(session).of_user(user.id)
            require_held(context.caller, permissions, roles)
        elif purpose in (SIGN_UP, INVITE, MAGIC_LINK):
            user = new_user(address, wanted.metadata or {}, self._clock())
            await users.add(user)
            await IdentityRepository(session).add(email_identity(user, self._clock()))
            await RoleRepository(session).grant_default(user.id)
        else:
            raise BackstayError("user_not_found")
        if purpose == INVITE:
            user.invited_at = self._clock()
        return user

    async def _place(self, session: Session, user: User, purpose: str, wanted: WantedLink) -> tuple[str, str]:
        """Where the letter would go, and the key of that."""
        if purpose in (EMAIL_CHANGE_CURRENT, EMAIL_CHANGE_NEW):
            if not wanted.new_email:
                raise BackstayError("validation_failed", "new_email: is needed for a change of address")
            new = read_address(wanted.new_email)
            if new.key != user.new_email_key:
                user.new_email, user.new_email_key = new.typed, new.key
                user.email_change_confirmed = 0
                user.email_change_sent_at = self._clock()
            if purpose == EMAIL_CHANGE_NEW:
                return new.typed, new.key
        await UserRepository(session).save()
        return user.email or "", user.email_key or ""
