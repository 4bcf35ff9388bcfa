"""What administrators do with accounts: make, find, change, ban and delete them, and invite people.

In charge of what each change ends. An account that is banned, deleted or given a new password loses its sessions; one
whose tokens say what is true no longer loses those.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from backstay.config.auth import AuthSettings
from backstay.errors import BackstayError
from backstay.models.auth.account import Account
from backstay.models.auth.addresses import Address, read_address
from backstay.models.auth.identity import EMAIL_PROVIDER
from backstay.models.auth.records import AuditEvent
from backstay.models.auth.user import User
from backstay.repositories.auth.one_time import OneTimeRepository
from backstay.repositories.auth.revocations import RevocationRepository
from backstay.repositories.auth.roles import RoleRepository
from backstay.repositories.auth.users import IdentityRepository, UserRepository
from backstay.repositories.database.sessions import Session
from backstay.services.auth.accounts import checked_metadata, email_identity, make_known, new_user
from backstay.services.auth.audit import Audit
from backstay.services.auth.authority import Authority
from backstay.services.auth.changes import merged
from backstay.services.auth.password_policy import PasswordPolicy
from backstay.services.auth.passwords import Passwords, is_bearable
from backstay.services.auth.roles import require_held
from backstay.services.auth.sessions import AuthSessions
from backstay.services.context import Context
from backstay.services.unit_of_work import UnitOfWork, once_more
from backstay.utils.clock import utc_now

MAX_PAGE = 1000
# PostgreSQL's `bigint` at its end: every token of a user who is gone was made under less.
_GONE = 2**63 - 1
_FOREVER = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)
_DURATION = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,9})?(?:h|m|s|ms|us|ns))+", re.ASCII)
_PART = re.compile(r"([0-9.]+)(h|ms|m|s|us|ns)", re.ASCII)
_SECONDS: Mapping[str, float] = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


@dataclass(frozen=True, slots=True)
class UserValues:
    """What an administrator says of a user; None leaves it as it is.

    Attributes:
        password_hash: instead of a password, an Argon2id hash in PHC form from elsewhere.
        email_confirmed: take the address as its owner's.
        ban_duration: `none`, or a time such as `24h` or `1h30m`.
    """

    id: UUID | None = None
    email: str | None = None
    password: str | None = field(default=None, repr=False)
    password_hash: str | None = field(default=None, repr=False)
    email_confirmed: bool | None = None
    user_metadata: Mapping[str, Any] | None = None
    app_metadata: Mapping[str, Any] | None = None
    ban_duration: str | None = None


class Administration:
    """The users of the application, for those who look after them."""

    def __init__(
        self,
        units: UnitOfWork,
        sessions: AuthSessions,
        passwords: Passwords,
        policy: PasswordPolicy,
        authority: Authority,
        audit: Audit,
        settings: AuthSettings,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._units = units
        self._sessions = sessions
        self._passwords = passwords
        self._policy = policy
        self._authority = authority
        self._audit = audit
        self._settings = settings
        self._clock = clock

    async def create(self, context: Context, values: UserValues) -> Account:
        """A new user, who is mailed nothing.

        Raises:
            BackstayError: `email_exists`, `email_address_invalid`, `weak_password`, `validation_failed`.
        """
        if not values.email:
            raise BackstayError("validation_failed", "email: is needed")
        address = read_address(values.email)
        hashed = await self._hash(values, address)
        return await once_more(lambda: self._created(context, values, address, hashed))

    async def _created(
        self, context: Context, values: UserValues, address: Address, hashed: str | None
    ) -> Account:
        now = self._clock()
        async with self._units.begin(context) as session:
            users = UserRepository(session)
            await self._require_free(session, address, None)
            if values.id is not None and await users.by_id(values.id) is not None:
                raise BackstayError("conflict", "There is a user with this id.")
            user = new_user(address, values.user_metadata or {}, now)
            if values.id is not None:
                user.id = values.id
            user.app_metadata = {**user.app_metadata, **checked_metadata(values.app_metadata or {})}
            user.password_hash = hashed
            user.email_confirmed_at = now if values.email_confirmed or self._settings.autoconfirm else None
            user.banned_until = banned_until(values.ban_duration, now)
            await users.add(user)
            identity = email_identity(user, now)
            identity.data = {**identity.data, "email_verified": user.email_confirmed_at is not None}
            await IdentityRepository(session).add(identity)
            await RoleRepository(session).grant_default(user.id)
            self._audit.record(session, context, AuditEvent.USER_CREATED, user_id=user.id)
            return await users.account(user)

    async def page(self, context: Context, page: int, per_page: int) -> tuple[Sequence[Account], int]:
        """Accounts, the newest first, and how many there are in all.

        Args:
            page: from 1.
            per_page: at most 1,000.
        """
        async with self._units.begin(context, reading=True) as session:
            users = UserRepository(session)
            found, count = await users.page((page - 1) * per_page, per_page)
            return [await users.account(user) for user in found], count

    async def get(self, context: Context, user_id: UUID) -> Account:
        """One account.

        Raises:
            BackstayError: `user_not_found`.
        """
        async with self._units.begin(context, reading=True) as session:
            return await UserRepository(session).account(await self._found(session, user_id))

    async def by_email(self, context: Context, email: str) -> Account:
        """The account of an address.

        Raises:
            BackstayError: `user_not_found`.
        """
        async with self._units.begin(context, reading=True) as session:
            users = UserRepository(session)
            user = await users.by_key(read_address(email).key)
            if user is None:
                raise BackstayError("user_not_found")
            return await users.account(user)

    async def update(self, context: Context, user_id: UUID, values: UserValues) -> Account:
        """The account after the change.

        Raises:
            BackstayError: `user_not_found`, and those of `create`.
        """
        address = read_address(values.email) if values.email else None
        hashed = await self._hash(values, address)
        ended: Sequence[UUID] = ()
        authority: int | None = None
        async with self._units.begin(context) as session:
            await UserRepository(session).lock(user_id)
            user = await self._governed(session, context, user_id)
            says_less = self._set_data(user, values)
            if address is not None and address.key != user.email_key:
                await self._set_address(session, user, address)
                says_less = True
            if values.email_confirmed and user.email_confirmed_at is None:
                user.email_confirmed_at = self._clock()
            if hashed is not None:
                user.password_hash = hashed
                self._audit.record(session, context, AuditEvent.PASSWORD_CHANGED, user_id=user_id)
            if values.ban_duration is not None:
                user.banned_until = banned_until(values.ban_duration, self._clock())
                event = AuditEvent.USER_BANNED if user.banned_until else AuditEvent.USER_UNBANNED
                self._audit.record(session, context, event, user_id=user_id)
            await UserRepository(session).save()
            is_out = user.is_banned(self._clock())
            if hashed is not None or is_out:
                await OneTimeRepository(session).drop(user_id)
                ended = await self._sessions.end_all(session, context, user_id)
            if says_less or is_out:
                authority = await self._disown(session, user_id)
            self._audit.record(session, context, AuditEvent.USER_UPDATED, user_id=user_id)
            account = await UserRepository(session).account(user)
        self._tell(user_id, authority, ended)
        return account

    def _set_data(self, user: User, values: UserValues) -> bool:
        """Change metadata; True when tokens say what is true no longer."""
        if values.user_metadata is not None:
            user.user_metadata = merged(user.user_metadata, values.user_metadata)
        if values.app_metadata is None:
            return False
        user.app_metadata = merged(user.app_metadata, values.app_metadata)
        return True

    async def _set_address(self, session: Session, user: User, address: Address) -> None:
        await self._require_free(session, address, user.id)
        user.email, user.email_key = address.typed, address.key
        user.new_email = user.new_email_key = None
        await make_known(session, user)
        user.email_confirmed_at = self._clock()
        await OneTimeRepository(session).drop(user.id)
        identities = IdentityRepository(session)
        own = [one for one in await identities.of_user(user.id) if one.provider == EMAIL_PROVIDER]
        if own:
            own[0].email = address.typed
            own[0].data = {**own[0].data, "email": address.typed, "email_verified": True}
        else:
            await identities.add(email_identity(user, self._clock()))

    async def delete(self, context: Context, user_id: UUID, *, keep_row: bool = False) -> None:
        """Remove an account with its sessions, identities and factors.

        Args:
            keep_row: for rows of the application that point at it; the address is free again all the same.

        Raises:
            BackstayError: `user_not_found`, or `23503` when rows of the application point at it.
        """
        async with self._units.begin(context) as session:
            user = await self._governed(session, context, user_id)
            ended = await self._sessions.end_all(session, context, user_id)
            await RevocationRepository(session).user(user_id, _GONE, None)
            if keep_row:
                await self._empty(session, user)
            else:
                await UserRepository(session).delete(user_id)
            self._audit.record(session, context, AuditEvent.USER_DELETED, user_id=user_id)
        self._tell(user_id, _GONE, ended)

    async def _empty(self, session: Session, user: User) -> None:
        """Leave of a user nothing but the id."""
        user.deleted_at = self._clock()
        user.email = user.email_key = user.new_email = user.new_email_key = user.password_hash = None
        user.user_metadata, user.app_metadata = {}, {}
        await UserRepository(session).save()
        await OneTimeRepository(session).drop(user.id)
        await UserRepository(session).delete_proofs(user.id)

    async def end_sessions(self, context: Context, user_id: UUID) -> None:
        """Sign a user out everywhere.

        Raises:
            BackstayError: `user_not_found`.
        """
        async with self._units.begin(context) as session:
            await self._governed(session, context, user_id)
            ended = await self._sessions.end_all(session, context, user_id)
        self._sessions.forget(ended)

    async def require_governed(self, context: Context, user_id: UUID) -> None:
        """Refuse a caller who may do less than the user.

        Raises:
            BackstayError: `user_not_found`, `forbidden`.
        """
        async with self._units.begin(context, reading=True) as session:
            await self._governed(session, context, user_id)

    async def _hash(self, values: UserValues, address: Address | None) -> str | None:
        if values.password_hash is not None:
            if values.password is not None or not is_bearable(values.password_hash):
                raise BackstayError(
                    "validation_failed", "password_hash: must be an Argon2id hash, and no password beside it"
                )
            return values.password_hash
        if values.password is None:
            return None
        self._policy.check(values.password, address=address)
        return await self._passwords.hash(values.password)

    async def _require_free(self, session: Session, address: Address, user_id: UUID | None) -> None:
        known = await UserRepository(session).by_key(address.key)
        if known is not None and known.id != user_id:
            raise BackstayError("email_exists")

    async def _found(self, session: Session, user_id: UUID) -> User:
        user = await UserRepository(session).by_id(user_id)
        if user is None or user.deleted_at is not None:
            raise BackstayError("user_not_found")
        return user

    async def _governed(self, session: Session, context: Context, user_id: UUID) -> User:
        """A user who may do no more than the caller: whoever sets a password could use it.

        Raises:
            BackstayError: `user_not_found`, `forbidden`.
        """
        user = await self._found(session, user_id)
        roles, permissions = await RoleRepository(session).of_user(user_id)
        require_held(context.caller, permissions, roles)
        return user

    async def _disown(self, session: Session, user_id: UUID) -> int:
        """What the user's tokens say is true no longer."""
        authority = await UserRepository(session).raise_authority(user_id)
        await RevocationRepository(session).user(user_id, authority, None)
        return authority

    def _tell(self, user_id: UUID, authority: int | None, ended: Sequence[UUID]) -> None:
        self._sessions.forget(ended)
        if authority is not None:
            self._authority.user_changed(user_id, authority, None)


def banned_until(duration: str | None, now: dt.datetime) -> dt.datetime | None:
    """The end of a ban that begins now; None for none.

    Raises:
        BackstayError: `validation_failed`.
    """
    if duration is None or duration == "none":
        return None
    if len(duration) > 50 or _DURATION.fullmatch(duration) is None:
        raise BackstayError("validation_failed", "ban_duration: must be none, or a time such as 24h or 1h30m")
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(duration))
    try:
        return now + dt.timedelta(seconds=seconds)
    except OverflowError:
        return _FOREVER
