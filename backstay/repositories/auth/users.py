"""Users in the database."""

from __future__ import annotations

from sqlalchemy import select

from backstay.models.auth.user import User
from backstay.repositories.database.sessions import Session


class UserRepository:
    """Finds and adds users, on one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def by_email(self, email: str) -> User | None:
        """The user with that address, compared as it is."""
        found: User | None = await self._session.scalar(select(User).where(User.email == email))
        return found

    async def add(self, user: User) -> None:
        """Add a user; the address must be new.

        Raises:
            BackstayError: `23505`, by the unit of work, when it is not.
        """
        self._session.add(user)
        await self._session.flush()
