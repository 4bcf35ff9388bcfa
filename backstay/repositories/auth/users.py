"""Users in the database, and who they are at providers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select, update

from backstay.models.auth.account import Account
from backstay.models.auth.factor import Factor, RecoveryCode
from backstay.models.auth.identity import Identity
from backstay.models.auth.role import Grant, Role
from backstay.models.auth.user import User
from backstay.repositories.database.sessions import Session

# Of every sign-in. Made once: to build one and to find its SQL again takes 0.2 ms of the event loop.
_BY_KEY = select(User).where(User.email_key == bindparam("email_key"))
_IDENTITIES = (
    select(Identity)
    .where(Identity.user_id == bindparam("user_id"))
    .order_by(Identity.created_at, Identity.id)
)
_FACTORS = select(Factor).where(Factor.user_id == bindparam("user_id")).order_by(Factor.created_at, Factor.id)
# Each with each, which is a row for nearly everybody, and less than three statements for those who have several.
OF_USER = (
    select(User, Identity, Factor, Role.name, Role.permissions)
    .select_from(User)
    .outerjoin(Identity, Identity.user_id == User.id)
    .outerjoin(Factor, Factor.user_id == User.id)
    .outerjoin(Grant, Grant.user_id == User.id)
    .outerjoin(Role, Role.name == Grant.role)
    .order_by(Identity.created_at, Identity.id, Factor.created_at, Factor.id, Role.name)
)
_STANDING = OF_USER.where(User.id == bindparam("user_id"))


@dataclass(frozen=True, slots=True)
class Standing:
    """All that a token tells of a user, at one moment.

    Attributes:
        roles: their names.
        permissions: what the roles permit.
    """

    account: Account
    roles: list[str]
    permissions: list[str]

    @property
    def user(self) -> User:
        """Whose it is."""
        return self.account.user


class UserRepository:
    """Finds and changes users, on one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def by_id(self, user_id: UUID) -> User | None:
        """The user with that id."""
        return await self._session.get(User, user_id)

    async def lock(self, user_id: UUID) -> User | None:
        """The user as it is in the database now, whom nobody else changes until the transaction ends."""
        found: User | None = await self._session.scalar(
            select(User)
            .where(User.id == user_id)
            # NO KEY: rows that point at the user may still be added.
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
        return found

    async def by_key(self, email_key: str) -> User | None:
        """The user with that address, by its key (`Address.key`)."""
        found: User | None = await self._session.scalar(_BY_KEY, {"email_key": email_key})
        return found

    async def by_new_key(self, email_key: str) -> User | None:
        """The user who is changing to that address; of several, the one who asked last."""
        found: User | None = await self._session.scalar(
            select(User)
            .where(User.new_email_key == email_key)
            .order_by(User.email_change_sent_at.desc())
            .limit(1)
        )
        return found

    async def page(self, offset: int, limit: int) -> tuple[Sequence[User], int]:
        """Users who have not been deleted, the newest first, and how many there are in all."""
        living = User.deleted_at.is_(None)
        found = await self._session.scalars(
            select(User)
            .where(living)
            .order_by(User.created_at.desc(), User.id.desc())
            .offset(offset)
            .limit(limit)
        )
        count = await self._session.scalar(select(func.count()).select_from(User).where(living))
        return tuple(found), count or 0

    async def delete_proofs(self, user_id: UUID) -> None:
        """Remove whatever proves a user, and what was granted."""
        for table in (Identity, Factor, RecoveryCode, Grant):
            await self._session.execute(
                delete(table).where(table.user_id == user_id).execution_options(synchronize_session=False)
            )

    async def add(self, user: User) -> None:
        """Add a user; the address must be new.

        Raises:
            BackstayError: `23505`, by the unit of work, when it is not.
        """
        self._session.add(user)
        await self._session.flush()

    async def delete(self, user_id: UUID) -> bool:
        """Remove a user and what identity knows of them; False when there was none.

        Raises:
            BackstayError: `23503`, by the unit of work, when the application's own rows point at them.
        """
        removed = await self._session.execute(delete(User).where(User.id == user_id).returning(User.id))
        return removed.first() is not None

    async def raise_authority(self, user_id: UUID) -> int:
        """Count up what the user's access tokens have to be made under; returns the new number."""
        raised = await self._session.execute(
            update(User)
            .where(User.id == user_id)
            .values(authority=User.authority + 1, updated_at=User.updated_at)
            .returning(User.authority)
        )
        authority: int = raised.scalar_one()
        return authority

    async def account(self, user: User) -> Account:
        """The user with identities and factors, the oldest first."""
        identities = await self._session.scalars(_IDENTITIES, {"user_id": user.id})
        factors = await self._session.scalars(_FACTORS, {"user_id": user.id})
        return Account(user, tuple(identities), tuple(factors))

    async def standing(self, user: User) -> Standing:
        """What a token tells of the user."""
        return standing_of((await self._session.execute(_STANDING, {"user_id": user.id})).all())

    async def save(self) -> None:
        """Write what was changed on the users of this session."""
        await self._session.flush()


class IdentityRepository:
    """Identities at providers, on one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def find(self, issuer: str, subject: str) -> Identity | None:
        """The identity that a provider calls so."""
        found: Identity | None = await self._session.scalar(
            select(Identity).where(Identity.issuer == issuer, Identity.subject == subject)
        )
        return found

    async def of_user(self, user_id: UUID) -> Sequence[Identity]:
        """All of a user, the oldest first."""
        found = await self._session.scalars(
            select(Identity).where(Identity.user_id == user_id).order_by(Identity.created_at, Identity.id)
        )
        return tuple(found)

    async def add(self, identity: Identity) -> None:
        """Add one.

        Raises:
            BackstayError: `23505`, by the unit of work, when the provider's subject is known already.
        """
        self._session.add(identity)
        await self._session.flush()

    async def delete(self, identity_id: UUID) -> None:
        """Remove one."""
        await self._session.execute(delete(Identity).where(Identity.id == identity_id))

    async def signed_in(self, identity_id: UUID, now: dt.datetime) -> None:
        """Note the moment."""
        await self._session.execute(
            update(Identity).where(Identity.id == identity_id).values(last_sign_in_at=now)
        )


def standing_of(found: Sequence[Any]) -> Standing:
    """What the rows of `OF_USER` say of its one user."""
    identities = {identity.id: identity for _, identity, *_ in found if identity is not None}
    factors = {factor.id: factor for _, _, factor, *_ in found if factor is not None}
    roles = {name: permissions for *_, name, permissions in found if name is not None}
    account = Account(found[0][0], tuple(identities.values()), tuple(factors.values()))
    permitted = {one for several in roles.values() for one in several}
    return Standing(account, sorted(roles), sorted(permitted))
