"""Roles and who has them, in the database."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, delete, select

from backstay.models.auth.role import Grant, Role
from backstay.repositories.database.sessions import Session

DEFAULT_ROLE = "user"

# Made once, since every sign-in and refresh asks.
_OF_HOLDER = select(Role.name, Role.permissions).join(Grant).order_by(Role.name)
_OF_USER = _OF_HOLDER.where(Grant.user_id == bindparam("holder"))
_OF_API_KEY = _OF_HOLDER.where(Grant.api_key_id == bindparam("holder"))


class RoleRepository:
    """Roles and grants, on one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def all(self) -> Sequence[Role]:
        """Every role, by name."""
        return tuple(await self._session.scalars(select(Role).order_by(Role.name)))

    async def find(self, name: str) -> Role | None:
        """The role of that name."""
        return await self._session.get(Role, name)

    async def add(self, role: Role) -> None:
        """Add one.

        Raises:
            BackstayError: `23505`, by the unit of work, when the name is taken.
        """
        self._session.add(role)
        await self._session.flush()

    async def delete(self, name: str) -> None:
        """Remove one, and every grant of it."""
        await self._session.execute(delete(Role).where(Role.name == name))

    async def save(self) -> None:
        """Write what was changed on the roles of this session."""
        await self._session.flush()

    async def holders(self, name: str) -> Sequence[UUID]:
        """The users who have it."""
        found = await self._session.scalars(
            select(Grant.user_id).where(Grant.role == name, Grant.user_id.is_not(None))
        )
        return tuple(user_id for user_id in found if user_id is not None)

    async def of_user(self, user_id: UUID) -> tuple[list[str], list[str]]:
        """The names of a user's roles, and what those permit; both sorted."""
        return await self._of(_OF_USER, user_id)

    async def of_api_key(self, key_id: UUID) -> tuple[list[str], list[str]]:
        """The same of an API key."""
        return await self._of(_OF_API_KEY, key_id)

    async def _of(self, question: Select[str, list[str]], holder: UUID) -> tuple[list[str], list[str]]:
        found = (await self._session.execute(question, {"holder": holder})).all()
        return [name for name, _ in found], sorted({one for _, several in found for one in several})

    async def grant(self, role: str, *, user_id: UUID | None = None, api_key_id: UUID | None = None) -> bool:
        """Give the role; False when its holder has it."""
        held = await self._session.scalar(select(Grant.id).where(*_grant(role, user_id, api_key_id)))
        if held is not None:
            return False
        self._session.add(Grant(role=role, user_id=user_id, api_key_id=api_key_id))
        await self._session.flush()
        return True

    async def revoke(self, role: str, *, user_id: UUID | None = None, api_key_id: UUID | None = None) -> bool:
        """Take the role back; False when its holder has not got it."""
        revoked = await self._session.execute(
            delete(Grant).where(*_grant(role, user_id, api_key_id)).returning(Grant.id)
        )
        return revoked.first() is not None

    async def grant_default(self, user_id: UUID) -> None:
        """Give a new user the role `user`, unless this project has done away with it."""
        if await self.find(DEFAULT_ROLE) is not None:
            await self.grant(DEFAULT_ROLE, user_id=user_id)


def _grant(
    role: str, user_id: UUID | None, api_key_id: UUID | None
) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    holder = Grant.user_id == user_id if user_id is not None else Grant.api_key_id == api_key_id
    return Grant.role == role, holder
