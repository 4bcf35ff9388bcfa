"""A change of address: agreed to by the old mailbox and by the new one, and only then made.

In charge of the letters to both and of the moment at which the address changes. An address that belongs to somebody
else is found out then, by whoever has proven to read both mailboxes, and by nobody before.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

from backstay.errors import BackstayError
from backstay.models.auth.identity import EMAIL_PROVIDER
from backstay.models.auth.one_time import OneTimeToken
from backstay.models.auth.records import AuditEvent
from backstay.models.auth.user import User
from backstay.repositories.auth.one_time import OneTimeRepository
from backstay.repositories.auth.users import IdentityRepository, UserRepository
from backstay.repositories.database.sessions import Session
from backstay.repositories.mail import Mail
from backstay.services.auth.accounts import email_identity, make_known
from backstay.services.auth.audit import Audit
from backstay.services.auth.client import Client
from backstay.services.auth.flows import Challenge, Flows
from backstay.services.auth.letters import EMAIL_CHANGE_CURRENT, EMAIL_CHANGE_NEW, Letters
from backstay.services.context import Context
from backstay.utils.clock import utc_now

# Bits of `User.email_change_confirmed`.
SIDES: Mapping[str, int] = {EMAIL_CHANGE_CURRENT: 1, EMAIL_CHANGE_NEW: 2}


class EmailChange:
    """Writes to both sides, hears them and makes the change."""

    def __init__(
        self, letters: Letters, flows: Flows, audit: Audit, clock: Callable[[], dt.datetime] = utc_now
    ) -> None:
        self._letters = letters
        self._flows = flows
        self._audit = audit
        self._clock = clock

    async def letters(
        self,
        session: Session,
        user: User,
        client: Client,
        redirect_to: str,
        challenge: Challenge | None,
    ) -> Sequence[Mail]:
        """Letters to both addresses of a change that is under way; an address that nobody confirmed has no say."""
        if user.new_email is None or user.new_email_key is None:
            return ()
        sides = [(EMAIL_CHANGE_NEW, user.new_email, user.new_email_key)]
        if user.email is not None and user.email_key is not None and user.email_confirmed_at is not None:
            sides.append((EMAIL_CHANGE_CURRENT, user.email, user.email_key))
        mails = []
        for purpose, to, key in sides:
            flow_id = await self._flows.open_for_mail(session, challenge)
            letter = await self._letters.write(
                session,
                user,
                purpose,
                to=to,
                address=key,
                client=client,
                redirect_to=redirect_to,
                flow_id=flow_id,
            )
            mails.append(letter.mail)
        return mails

    async def agree(self, session: Session, context: Context, user: User, used: OneTimeToken) -> bool | None:
        """One side agrees: True once that was enough and the address is changed, None when it agrees to nothing.

        Raises:
            BackstayError: `email_exists`.
        """
        expected = user.email_key if used.purpose == EMAIL_CHANGE_CURRENT else user.new_email_key
        if user.new_email is None or used.address != expected:
            return None
        needed = 3 if user.email_confirmed_at is not None and user.email is not None else 2
        user.email_change_confirmed |= SIDES[used.purpose]
        if user.email_change_confirmed & needed != needed:
            return False
        await self.apply(session, context, user)
        return True

    async def apply(self, session: Session, context: Context, user: User) -> None:
        """The new address is the user's from now on.

        Raises:
            BackstayError: `email_exists`.
        """
        users = UserRepository(session)
        if user.new_email_key is not None:
            other = await users.by_key(user.new_email_key)
            if other is not None and other.id != user.id:
                raise BackstayError("email_exists")
        user.email, user.email_key = user.new_email, user.new_email_key
        user.new_email = user.new_email_key = None
        user.email_change_confirmed = 0
        user.email_confirmed_at = self._clock()
        await users.save()
        await OneTimeRepository(session).drop(user.id)
        await self._keep_identity(session, user)
        self._audit.record(session, context, AuditEvent.EMAIL_CHANGED, user_id=user.id)

    async def _keep_identity(self, session: Session, user: User) -> None:
        """The identity of the address follows it; somebody who had none gets one, and is anonymous no more."""
        identities = IdentityRepository(session)
        own = [one for one in await identities.of_user(user.id) if one.provider == EMAIL_PROVIDER]
        made = own[0] if own else email_identity(user, self._clock())
        made.email = user.email
        made.data = {**made.data, "email": user.email, "email_verified": True}
        if not own:
            await identities.add(made)
            providers = [*user.app_metadata.get("providers", ()), EMAIL_PROVIDER]
            user.app_metadata = {"provider": EMAIL_PROVIDER, **user.app_metadata, "providers": providers}
        await make_known(session, user)
