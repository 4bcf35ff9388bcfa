"""Roles and who has them, in the database."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from backstay.models.auth.role import Grant, Role
from backstay.repositories.database.sessions import Session


class RoleRepository:
    """Roles, on one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def of_user(self, user_id: UUID) -> tuple[list[str], list[str]]:
        """The names of a user's roles, and what those permit; both sorted."""
        rows = await self._session.execute(
            select(Role.name, Role.permissions)
            .join(Grant)
            .where(Grant.user_id == user_id)
            .order_by(Role.name)
        )
        found = rows.all()
        return [name for name, _ in found], sorted({one for _, several in found for one in several})
